"""What rounds leave in a history: drift with its beginning and end, corrections, flapping, scopes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from reconciler.model.cycle import CycleResult, FieldOutcome, ScopeReport, ScopeState
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Effect
from reconciler.model.scope import Scope
from reconciler.model.status import CycleSummary, ScopeStatus
from reconciler.plan.drift import FlappingRule
from reconciler.service.history.cycles import History, HistoryRun, JournalTable
from reconciler.service.history.database import Database
from reconciler.service.history.flapping import clear_flapping
from reconciler.service.history.queries import journal_lines
from tests.properties import examples
from tests.service.history import (
    DAYS,
    HOURS,
    MINUTES,
    RUN,
    SCOPE,
    WEB,
    Book,
    at,
    correction,
    drifted,
    everywhere,
    report,
    settled,
)
from tests.support import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.cycle import DriftedField

    FieldKey = tuple[str, str]

KEY = (WEB, "description")
OTHER_SCOPE = Scope("caas", 1, 77)
LONE_SURROGATE = "broken \ud800 pair"
QUARTER = 15 * MINUTES


@pytest.fixture
def database() -> Iterator[Database]:
    with Database(None) as database:
        yield database


@pytest.fixture
def book(database: Database) -> Book:
    return Book(database)


def nowhere(_address: str) -> bool:
    return False


def test_drift_is_remembered_with_when_it_was_first_and_last_seen_and_in_how_many_rounds(book: Book) -> None:
    for _ in range(3):
        book.cycle(drifted())
    episode = book.only()
    assert (episode.first_seen, episode.last_seen, episode.cycles) == (at(0), at(2 * QUARTER), 3)
    assert (episode.address, episode.field) == KEY
    assert (episode.desired, episode.live) == ("ours", "theirs")
    assert (episode.effect, episode.reason) == (Effect.NEUTRAL, "access unchanged")
    assert (episode.ended, episode.corrected, episode.run) == (None, None, None)
    assert episode.outcome is FieldOutcome.LEFT


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "null",
        True,
        0,
        [],
        [{"name": "web", "namespace": "shop"}],
        "\x00\n\u2028",
        "\U0001f511",
        LONE_SURROGATE,
        "\\ud800",
    ],
)
def test_values_come_back_as_they_were(book: Book, value: Any) -> None:
    book.cycle(drifted(live=value))
    book.cycle(drifted(live=value))
    episode = book.only()
    assert (episode.live, type(episode.live), episode.cycles) == (value, type(value), 2)


@pytest.mark.parametrize(
    ("second", "values"),
    [(drifted(live="other"), ("ours", "other")), (drifted(desired="new"), ("new", "theirs"))],
)
def test_another_live_or_declared_value_ends_the_drift_and_begins_a_new_one(
    book: Book, second: DriftedField, values: tuple[str, str]
) -> None:
    book.cycle(drifted())
    book.cycle(second)
    before, after = book.episodes()
    assert (before.outcome, before.ended, before.cycles) == (FieldOutcome.CHANGED, at(QUARTER), 1)
    assert (after.first_seen, after.cycles, after.ended) == (at(QUARTER), 1, None)
    assert (after.desired, after.live) == values


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), ("1", 1), (None, "null"), ([], None)])
def test_values_that_python_takes_for_alike_are_two_drifts(book: Book, one: Any, other: Any) -> None:
    book.cycle(drifted(live=one))
    book.cycle(drifted(live=other))
    assert book.outcomes() == ["changed again", "left to a person"]


def test_fields_of_a_key_and_keys_of_a_scope_drift_each_for_itself(book: Book) -> None:
    book.cycle(drifted(), drifted(field_name="expire"), drifted(name="api"))
    book.cycle(drifted(field_name="expire"))
    ended = {(one.address, one.field): one.ended for one in book.episodes()}
    assert ended == {
        KEY: at(QUARTER),
        (WEB, "expire"): None,
        ("caas/1/76/api", "description"): at(QUARTER),
    }


def test_drift_that_goes_away_by_itself_has_ended(book: Book) -> None:
    book.cycle(drifted())
    book.cycle()
    episode = book.only()
    assert (episode.outcome, episode.ended, episode.last_seen) == (FieldOutcome.ENDED, at(QUARTER), at(0))
    assert (episode.corrected, episode.run) == (None, None)


def test_drift_of_a_key_that_was_not_compared_goes_on(book: Book) -> None:
    book.cycle(drifted())
    book.cycle(compared=nowhere)
    assert book.only().ended is None
    book.cycle(drifted())
    assert (book.only().cycles, book.only().last_seen) == (2, at(2 * QUARTER))


def test_drift_that_comes_back_is_a_new_one(book: Book) -> None:
    book.cycle(drifted())
    book.cycle()
    book.cycle(drifted())
    assert book.outcomes() == ["no longer drifted", "left to a person"]


def test_a_correction_is_remembered_with_when_and_by_which_run(book: Book) -> None:
    book.cycle(drifted())
    book.cycle(drifted(), correct=Result.APPLIED)
    episode = book.only()
    assert (episode.outcome, episode.corrected, episode.run) == (FieldOutcome.CORRECTED, at(QUARTER), "run-1")
    assert (episode.ended, episode.cycles) == (at(QUARTER), 2)


def test_a_correction_by_a_later_run_is_that_runs(database: Database, book: Book) -> None:
    book.cycle(drifted())
    later = Book(database, book.clock, run=HistoryRun("run-2", "apply", "1", "somebody", None))
    later.history.finished(Outcome(correction(drifted()), Result.APPLIED))
    assert (book.only().outcome, book.only().run) == (FieldOutcome.CORRECTED, "run-2")


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (Result.FAILED, FieldOutcome.FAILED),
        (Result.NOT_VERIFIED, FieldOutcome.NOT_VERIFIED),
        (Result.NOT_ATTEMPTED, FieldOutcome.NOT_ATTEMPTED),
        (Result.STALE, FieldOutcome.NOT_ATTEMPTED),
    ],
)
def test_drift_whose_correction_did_not_succeed_goes_on_with_the_reason(
    book: Book, result: Result, outcome: FieldOutcome
) -> None:
    book.cycle(drifted(), correct=result, detail="HTTP 500")
    assert (book.only().outcome, book.only().detail, book.only().ended) == (outcome, "HTTP 500", None)
    book.cycle(drifted(), correct=result, detail="HTTP 503")
    assert (book.only().cycles, book.only().detail) == (2, "HTTP 503")


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ((), FieldOutcome.ENDED),
        ((drifted(live="other"),), FieldOutcome.CHANGED),
    ],
)
def test_the_reason_of_a_failed_correction_goes_with_the_failure(
    book: Book, end: tuple[DriftedField, ...], outcome: FieldOutcome
) -> None:
    book.cycle(drifted(), correct=Result.FAILED, detail="HTTP 500")
    book.cycle(*end)
    first = book.episodes()[0]
    assert (first.outcome, first.detail) == (outcome, "")


def test_the_reason_of_a_failed_correction_is_gone_after_one_that_succeeds(book: Book) -> None:
    book.cycle(drifted(), correct=Result.FAILED, detail="HTTP 500")
    book.cycle(drifted(), correct=Result.APPLIED)
    assert (book.only().outcome, book.only().detail) == (FieldOutcome.CORRECTED, "")


def test_a_write_to_a_field_without_known_drift_is_no_correction(book: Book) -> None:
    book.history.finished(Outcome(correction(drifted()), Result.APPLIED))
    assert book.episodes() == ()


def test_a_write_of_a_new_declaration_ends_the_drift_without_correcting_it(book: Book) -> None:
    book.cycle(drifted())
    book.history.finished(Outcome(correction(drifted(desired="new")), Result.APPLIED))
    assert (book.only().outcome, book.only().corrected) == (FieldOutcome.ENDED, None)


def test_a_correction_that_was_on_record_stays_one_if_the_round_is_cut_off(book: Book) -> None:
    history = book.history
    history.begin_cycle()
    history.record_drift([drifted()], everywhere)
    history.finished(Outcome(correction(drifted()), Result.APPLIED))
    assert book.only().outcome is FieldOutcome.CORRECTED
    last = book.status().last_cycle
    assert last is not None
    assert (last.ended, last.result, last.run) == (None, None, "run-1")


def test_a_correction_that_could_not_be_noted_at_once_is_noted_at_the_end_of_the_round(book: Book) -> None:
    book.cycle(drifted())
    book.history.begin_cycle()
    book.history.record_drift([drifted()], everywhere)
    book.history.end_cycle(report(book.clock, fields=[settled(drifted(), FieldOutcome.CORRECTED)]))
    assert (book.only().outcome, book.only().run) == (FieldOutcome.CORRECTED, "run-1")
    assert book.only().corrected == at(QUARTER)


def test_the_start_of_a_write_changes_nothing(book: Book) -> None:
    book.cycle(drifted())
    before = book.episodes()
    book.history.started(correction(drifted()))
    assert book.episodes() == before


def test_the_end_of_a_round_says_what_it_found(book: Book) -> None:
    history = book.history
    fields = [drifted(), drifted(name="api"), drifted(name="db-one"), drifted(name="db-two")]
    outcomes = (FieldOutcome.CORRECTED, FieldOutcome.CONTESTED, FieldOutcome.FAILED, FieldOutcome.LEFT)
    after = [settled(one, outcome) for one, outcome in zip(fields, outcomes, strict=True)]
    history.begin_cycle()
    history.record_drift(fields, everywhere)
    book.clock.elapsed += 2.9
    history.end_cycle(
        report(book.clock, CycleResult.INCOMPLETE, fields=after, errors=["one", LONE_SURROGATE])
    )
    expected = CycleSummary(
        began=at(0),
        ended=at(2),
        result=CycleResult.INCOMPLETE,
        run="run-1",
        drifted=4,
        corrected=1,
        contested=1,
        errors=("one", LONE_SURROGATE),
    )
    assert book.status().last_cycle == expected


@pytest.mark.parametrize(
    "outcome", [FieldOutcome.CONTESTED, FieldOutcome.REFUSED, FieldOutcome.NOT_ATTEMPTED, FieldOutcome.LEFT]
)
def test_the_end_of_a_round_notes_what_became_of_each_field(book: Book, outcome: FieldOutcome) -> None:
    history = book.history
    history.begin_cycle()
    history.record_drift([drifted()], everywhere)
    history.end_cycle(report(book.clock, fields=[settled(drifted(), outcome, "why")]))
    assert (book.only().outcome, book.only().detail) == (outcome, "why")


def test_text_that_is_no_unicode_is_kept_in_a_readable_form(database: Database, book: Book) -> None:
    who = HistoryRun("run-2", "drift", "1", "m\udcfcller", None)
    History(database, who, book.clock.now)
    scope = ScopeReport(SCOPE, ScopeState.UNREACHABLE, detail=LONE_SURROGATE)
    book.cycle(drifted(), correct=Result.FAILED, detail=LONE_SURROGATE, scopes=[scope])
    assert book.only().detail == "broken \\ud800 pair"
    assert [part.detail for part in book.status().scopes] == ["broken \\ud800 pair"]


def test_flapping_over_text_that_is_not_unicode_lasts(book: Book) -> None:
    book.tug(3, LONE_SURROGATE, desired=LONE_SURROGATE + "!")
    for _ in range(2):
        found = drifted(LONE_SURROGATE, LONE_SURROGATE + "!")
        assert book.cycle(found, correct=Result.APPLIED) == {KEY}


@pytest.mark.parametrize("corrections", [1, 2, 3, 5])
def test_a_field_is_contested_once_corrected_so_often_and_changed_back(
    database: Database, corrections: int
) -> None:
    book = Book(database, rule=FlappingRule(corrections))
    for _ in range(corrections):
        assert book.cycle(drifted(), correct=Result.APPLIED) == frozenset()
    assert book.flapping() == ()
    assert book.cycle(drifted("once more"), correct=Result.APPLIED) == {KEY}
    (contest,) = book.flapping()
    assert (contest.address, contest.field) == KEY
    assert (contest.desired, contest.live, contest.corrections) == ("ours", "once more", corrections)
    assert contest.since == at(corrections * QUARTER)


def test_a_contested_field_stays_so_without_limit(book: Book) -> None:
    book.tug(3)
    for _ in range(5):
        assert book.cycle(drifted(), correct=Result.APPLIED) == {KEY}
        book.clock.elapsed += 3 * DAYS
    assert book.outcomes() == ["corrected"] * 3 + ["contested"]
    assert book.flapping()[0].since == at(3 * QUARTER)


def test_a_contested_field_that_is_as_declared_for_a_while_is_contested_still(book: Book) -> None:
    book.tug(3)
    assert book.cycle(drifted(), correct=Result.APPLIED) == {KEY}
    assert book.cycle(correct=Result.APPLIED) == {KEY}
    assert book.cycle(drifted(), correct=Result.APPLIED) == {KEY}


@pytest.mark.parametrize("later", [0.0, 2 * DAYS])
def test_a_contested_field_says_what_the_field_held_when_last_seen(book: Book, later: float) -> None:
    book.tug(3)
    book.cycle(drifted("one"), correct=Result.APPLIED)
    book.clock.elapsed += later
    book.cycle(drifted("two"), correct=Result.APPLIED)
    (contest,) = book.flapping()
    assert (contest.live, contest.corrections, contest.since) == ("two", 3, at(3 * QUARTER))


@pytest.mark.parametrize(
    ("hours", "contested"), [(23.9, frozenset({KEY})), (24.0, frozenset()), (30.0, frozenset())]
)
def test_corrections_count_only_within_the_window(
    database: Database, hours: float, contested: frozenset[FieldKey]
) -> None:
    book = Book(database, rule=FlappingRule(3, dt.timedelta(hours=24)), pause=0)
    book.tug(1)
    book.clock.elapsed += 2 * HOURS
    book.tug(2)
    book.clock.elapsed = hours * HOURS
    assert book.cycle(drifted(), correct=Result.APPLIED) == contested


def test_failed_corrections_do_not_count(book: Book) -> None:
    for result in (Result.FAILED, Result.NOT_VERIFIED, Result.NOT_ATTEMPTED) * 2:
        assert book.cycle(drifted(), correct=result) == frozenset()


def test_drift_that_went_away_by_itself_does_not_count(book: Book) -> None:
    for _ in range(5):
        book.cycle(drifted())
        book.cycle()
    assert book.cycle(drifted(), correct=Result.APPLIED) == frozenset()


def test_corrections_towards_another_declared_value_do_not_count(book: Book) -> None:
    book.tug(2)
    book.tug(2, desired="new")
    assert book.flapping() == ()
    book.tug(1, desired="new")
    assert book.cycle(drifted(desired="new"), correct=Result.APPLIED) == {KEY}


def test_corrections_of_other_fields_and_keys_do_not_count(book: Book) -> None:
    for _ in range(2):
        book.cycle(drifted(), drifted(name="api"), drifted(field_name="expire"), correct=Result.APPLIED)
    assert book.cycle(drifted(), correct=Result.APPLIED) == frozenset()
    assert book.cycle(drifted(), drifted(name="api"), correct=Result.APPLIED) == {KEY}


def test_a_field_is_not_contested_before_it_is_changed_back(book: Book) -> None:
    book.tug(3)
    assert book.cycle(correct=Result.APPLIED) == frozenset()
    assert book.flapping() == ()


def test_a_person_ends_flapping_and_it_takes_as_many_corrections_again(
    database: Database, book: Book
) -> None:
    book.tug(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    assert clear_flapping(database, *KEY)
    assert book.flapping() == ()
    for _ in range(3):
        assert book.cycle(drifted(), correct=Result.APPLIED) == frozenset()
    assert book.cycle(drifted(), correct=Result.APPLIED) == {KEY}


def test_a_person_can_end_flapping_again_and_again(database: Database, book: Book) -> None:
    for _ in range(3):
        found = [book.cycle(drifted(), correct=Result.APPLIED) for _ in range(4)]
        assert found == [frozenset(), frozenset(), frozenset(), {KEY}]
        assert clear_flapping(database, *KEY)


@pytest.mark.parametrize("other", [drifted(name="api"), drifted(field_name="expire")])
def test_the_end_of_flapping_is_that_of_one_field(
    database: Database, book: Book, other: DriftedField
) -> None:
    for _ in range(2):
        book.cycle(other, correct=Result.APPLIED)
    book.tug(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    assert clear_flapping(database, *KEY)
    book.cycle(other, correct=Result.APPLIED)
    assert book.cycle(other, correct=Result.APPLIED) == {(other.address, other.change.field)}


@pytest.mark.parametrize("key", [(WEB, "expire"), ("caas/1/76/api", "description"), ("", LONE_SURROGATE)])
def test_clearing_a_field_that_is_not_contested_returns_false(
    database: Database, book: Book, key: FieldKey
) -> None:
    book.tug(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    assert not clear_flapping(database, *key)
    assert len(book.flapping()) == 1


@pytest.mark.parametrize("declared", ["new", None, True])
def test_git_ends_flapping_by_another_value(book: Book, declared: Any) -> None:
    book.tug(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    assert book.cycle(drifted(desired=declared), correct=Result.APPLIED) == frozenset()
    assert book.flapping() == ()


def test_git_ends_flapping_by_no_longer_declaring_the_field(book: Book) -> None:
    book.tug(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    del book.files[KEY]
    assert book.cycle(correct=Result.APPLIED) == frozenset()
    assert book.flapping() == ()


def test_git_that_goes_back_to_the_old_value_begins_to_count_anew(book: Book) -> None:
    book.tug(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    book.cycle(drifted(desired="new"), correct=Result.APPLIED)
    for _ in range(3):
        assert book.cycle(drifted(), correct=Result.APPLIED) == frozenset()
    assert book.cycle(drifted(), correct=Result.APPLIED) == {KEY}


def test_a_second_flapping_is_noticed_also_after_everything_earlier_is_purged(
    database: Database, book: Book
) -> None:
    book.tug(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    book.cycle(drifted(desired="new"), correct=Result.APPLIED)
    book.clock.elapsed += 100 * DAYS
    book.cycle(declared_nothing := drifted(name="api"), correct=Result.APPLIED)
    book.history.purge(dt.timedelta(0))
    assert declared_nothing.address not in {one.address for one in book.episodes()}
    book.tug(3)
    assert book.cycle(drifted(), correct=Result.APPLIED) == {KEY}
    assert clear_flapping(database, *KEY)


def scope(state: ScopeState, keys: int = 0, detail: str = "", where: Scope = SCOPE) -> ScopeReport:
    return ScopeReport(where, state, keys, detail)


def test_a_scope_is_remembered_since_it_stands_as_it_does(book: Book) -> None:
    found = []
    for state in (ScopeState.IN_SYNC, ScopeState.IN_SYNC, ScopeState.DRIFTED, ScopeState.DRIFTED):
        book.cycle(scopes=[scope(state, 7)])
        (one,) = book.status().scopes
        found.append((one.state.value, one.since))
    assert found == [
        ("in sync", at(0)),
        ("in sync", at(0)),
        ("drifted", at(2 * QUARTER)),
        ("drifted", at(2 * QUARTER)),
    ]


def test_of_a_scope_that_cannot_be_read_the_last_known_number_of_keys_stays(book: Book) -> None:
    book.cycle(scopes=[scope(ScopeState.UNREACHABLE, detail="HTTP 500")])
    assert book.status().scopes == (ScopeStatus("caas/1/76", ScopeState.UNREACHABLE, at(0), 0, "HTTP 500"),)
    book.cycle(scopes=[scope(ScopeState.IN_SYNC, 7)])
    book.cycle(scopes=[scope(ScopeState.UNREACHABLE, detail="HTTP 503")])
    unreachable = ScopeStatus("caas/1/76", ScopeState.UNREACHABLE, at(2 * QUARTER), 7, "HTTP 503")
    assert book.status().scopes == (unreachable,)
    book.cycle(scopes=[scope(ScopeState.IN_SYNC, 6)])
    assert book.status().scopes == (ScopeStatus("caas/1/76", ScopeState.IN_SYNC, at(3 * QUARTER), 6),)


def test_a_scope_that_is_no_longer_declared_is_forgotten(book: Book) -> None:
    both = [scope(ScopeState.IN_SYNC), scope(ScopeState.IN_SYNC, where=OTHER_SCOPE)]
    book.cycle(scopes=both)
    book.cycle(scopes=both[1:])
    assert [one.scope for one in book.status().scopes] == ["caas/1/77"]


def test_a_round_that_looked_at_no_scope_leaves_all_as_they_stood(book: Book) -> None:
    book.cycle(scopes=[scope(ScopeState.DRIFTED, 7)])
    before = book.status().scopes
    book.cycle()
    assert book.status().scopes == before


def test_only_what_is_older_and_over_is_forgotten(book: Book) -> None:
    book.cycle(drifted(name="goes-on"), drifted(name="old"), drifted(name="recent"))
    book.cycle(drifted(name="goes-on"), drifted(name="recent"))
    book.clock.elapsed = 50 * DAYS
    book.cycle(drifted(name="goes-on"), drifted(name="recent"))
    book.clock.elapsed = 100 * DAYS
    book.cycle(drifted(name="goes-on"))
    book.history.purge(dt.timedelta(days=90))
    assert sorted(one.address for one in book.episodes()) == ["caas/1/76/goes-on", "caas/1/76/recent"]


def test_drift_of_a_scope_long_unreadable_is_kept_from_its_end_on(book: Book) -> None:
    book.cycle(drifted())
    book.clock.elapsed = 100 * DAYS
    book.cycle()
    book.history.purge(dt.timedelta(days=90))
    assert book.outcomes() == ["no longer drifted"]
    book.clock.elapsed = 191 * DAYS
    book.history.purge(dt.timedelta(days=90))
    assert book.outcomes() == []


def counts(database: Database) -> dict[str, int]:
    tables = ("run", "round", "episode", "journal")
    return {table: database.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables}  # noqa: S608 - fixed names


def test_rounds_runs_and_journal_lines_are_forgotten_too_but_not_the_present_ones(
    database: Database, book: Book
) -> None:
    JournalTable(database, book.clock.now).append(b'{"event": "write"}\n')
    book.cycle(drifted())
    book.cycle()
    assert counts(database) == {"run": 1, "round": 2, "episode": 1, "journal": 1}
    book.clock.elapsed = 100 * DAYS
    later = Book(database, book.clock, run=dataclasses.replace(RUN, run="run-2"))
    later.cycle()
    later.clock.elapsed = 200 * DAYS
    later.history.purge(dt.timedelta(days=90))
    assert counts(database) == {"run": 1, "round": 1, "episode": 0, "journal": 0}
    assert database.rows("SELECT id FROM run") == [("run-2",)]


def test_what_is_exactly_as_old_as_that_is_kept(database: Database) -> None:
    first = Book(database, pause=0)
    JournalTable(database, first.clock.now).append(b"{}\n")
    first.cycle(drifted())
    first.clock.elapsed = 1
    first.cycle()
    later = Book(database, first.clock, run=dataclasses.replace(RUN, run="run-2"), pause=0)
    later.clock.elapsed = 90 * DAYS
    later.cycle()
    kept = []
    for seconds in range(3):
        later.clock.elapsed = 90 * DAYS + seconds
        later.history.purge(dt.timedelta(days=90))
        kept.append(counts(database))
    assert kept == [
        {"run": 2, "round": 3, "episode": 1, "journal": 1},
        {"run": 2, "round": 2, "episode": 1, "journal": 0},
        {"run": 1, "round": 1, "episode": 0, "journal": 0},
    ]


def test_a_run_is_kept_as_long_as_it_is_recent_or_a_round_of_it_is_kept(database: Database) -> None:
    old = Book(database)
    recent = Book(database, old.clock, run=dataclasses.replace(RUN, run="run-2"))
    recent.clock.elapsed = 50 * DAYS
    applied = HistoryRun("run-3", "apply", "1", "somebody", None)
    History(database, applied, old.clock.now)
    old.cycle()
    now = Book(database, old.clock, run=dataclasses.replace(RUN, run="run-4"))
    now.clock.elapsed = 100 * DAYS
    now.cycle()
    now.history.purge(dt.timedelta(days=90))
    assert database.rows("SELECT id FROM run ORDER BY id") == [("run-1",), ("run-3",), ("run-4",)]


def test_a_run_is_remembered_with_who_ran_what(database: Database, book: Book) -> None:
    assert database.rows("SELECT * FROM run") == [
        ("run-1", int(at(0).timestamp()), "drift", "1.0.0", "somebody", "abc")
    ]
    assert book.status().last_cycle is None


def test_lines_of_a_journal_come_back_in_order(database: Database) -> None:
    table = JournalTable(database, FakeClock().now)
    lines = [json.dumps({"number": number, "text": "\u00e9\ud800"}).encode() + b"\n" for number in range(3)]
    for line in lines:
        table.append(line)
    assert list(journal_lines(database)) == lines


VALUES = st.sampled_from(["one", "two"])
KEYS = st.sampled_from([(WEB, "description"), (WEB, "expire"), ("caas/1/76/api", "description")])
RESULTS = st.sampled_from([Result.APPLIED, Result.APPLIED, Result.APPLIED, Result.FAILED])
DRIFT = st.dictionaries(KEYS, st.tuples(VALUES, RESULTS), max_size=3)
PAUSES = st.sampled_from([MINUTES, HOURS, 9 * HOURS, 2 * DAYS])
COLUMNS = "address, field, declared, live, first_seen, last_seen, rounds, outcome, detail, ended, corrected"


@dataclass
class Entry:
    """One piece of drift, in the plainest form."""

    address: str
    field: str
    declared: str
    live: str
    first_seen: int
    last_seen: int
    cycles: int = 1
    outcome: str = "left to a person"
    detail: str = ""
    ended: int | None = None
    corrected: int | None = None

    @property
    def key(self) -> FieldKey:
        return self.address, self.field


class Ledger(RuleBasedStateMachine):
    """A history beside a plain list of what is to be in it; a field is contested after two corrections."""

    def __init__(self) -> None:
        super().__init__()
        self.database = Database(None)
        self.book = Book(self.database, rule=FlappingRule(2, dt.timedelta(hours=24)), pause=0)
        self.entries: list[Entry] = []
        self.flapping: dict[FieldKey, list[Any]] = {}
        self.counted: dict[FieldKey, list[Entry]] = defaultdict(list)

    def teardown(self) -> None:
        self.database.__exit__(None, None, None)

    @property
    def now(self) -> int:
        return int(self.book.clock.now().timestamp())

    @property
    def open(self) -> dict[FieldKey, Entry]:
        return {entry.key: entry for entry in self.entries if entry.ended is None}

    @rule(drift=DRIFT, pause=PAUSES, declared=VALUES, correct=st.booleans(), compared=st.booleans())
    def cycle(
        self,
        drift: dict[FieldKey, tuple[str, Result]],
        pause: float,
        declared: str,
        *,
        correct: bool,
        compared: bool,
    ) -> None:
        """Do a round in which some fields have drifted, each with the result of its correction."""
        self.book.clock.elapsed += pause
        fields = [
            drifted(live, declared, key[0].rpartition("/")[2], key[1]) for key, (live, _) in drift.items()
        ]
        history = self.book.history
        history.begin_cycle()
        self.book.files.update(dict.fromkeys(drift, declared))
        if correct:
            self._flapping(fields)
            assert history.contested(fields, self.book.declared, self.book.rule) == set(self.flapping)
        history.record_drift(fields, everywhere if compared else nowhere)
        self._saw(fields, compared=compared)
        after = []
        for one, result in zip(fields, (result for _, result in drift.values()), strict=True):
            key = (one.address, one.change.field)
            outcome = FieldOutcome.of(result) if correct else FieldOutcome.LEFT
            if correct and key in self.flapping:
                outcome = FieldOutcome.CONTESTED
            elif correct:
                history.finished(Outcome(correction(one), result, "why"))
            self._note(self.open[key], outcome)
            after.append(settled(one, outcome, "why" if outcome is FieldOutcome.FAILED else ""))
        history.end_cycle(report(self.book.clock, fields=after))

    @rule(key=KEYS)
    def clear(self, key: FieldKey) -> None:
        """Have a person end a contest."""
        is_contested = key in self.flapping
        assert clear_flapping(self.database, *key) == is_contested
        if is_contested:
            self._settle(key)

    @rule(days=st.sampled_from([1, 4]))
    def purge(self, days: int) -> None:
        """Drop what is old, but for what the window of flapping counts."""
        self.book.history.purge(dt.timedelta(days=days))
        earliest = self.now - days * DAYS
        self.entries = [entry for entry in self.entries if entry.ended is None or entry.ended >= earliest]

    @invariant()
    def the_history_holds_what_is_in_the_list(self) -> None:
        """Compare everything that can be read."""
        rows = self.database.rows(f"SELECT {COLUMNS} FROM episode ORDER BY id")  # noqa: S608 - fixed names
        decoded = [(*row[:2], json.loads(row[2]), json.loads(row[3]), *row[4:]) for row in rows]
        assert decoded == [dataclasses.astuple(entry) for entry in self.entries]
        flapping = {(one.address, one.field): one for one in self.book.flapping()}
        assert {
            key: [one.desired, one.live, one.corrections] for key, one in flapping.items()
        } == self.flapping

    def _flapping(self, fields: list[DriftedField]) -> None:
        for key in [key for key, (declared, *_) in self.flapping.items() if self.book.files[key] != declared]:
            self._settle(key)
        for one in fields:
            key = (one.address, one.change.field)
            if key in self.flapping:
                self.flapping[key][1] = one.live
                continue
            recent = [
                entry
                for entry in self.counted[key]
                if entry.declared == one.desired and (entry.corrected or 0) > self.now - DAYS
            ]
            if len(recent) >= 2:
                self.flapping[key] = [one.desired, one.live, len(recent)]

    def _saw(self, fields: list[DriftedField], *, compared: bool) -> None:
        seen = {(one.address, one.change.field) for one in fields}
        for key, entry in self.open.items():
            if compared and key not in seen:
                self._end(entry, "no longer drifted")
        for one in fields:
            key = (one.address, one.change.field)
            known = self.open.get(key)
            if known is not None and (known.declared, known.live) == (one.desired, one.live):
                known.last_seen, known.cycles = self.now, known.cycles + 1
                continue
            if known is not None:
                self._end(known, "changed again")
            self.entries.append(Entry(*key, one.desired, one.live, self.now, self.now))

    def _note(self, entry: Entry, outcome: FieldOutcome) -> None:
        if outcome is FieldOutcome.CORRECTED:
            self._end(entry, "corrected")
            entry.corrected = self.now
            self.counted[entry.key].append(entry)
        else:
            entry.outcome = outcome.value
            entry.detail = "why" if outcome is FieldOutcome.FAILED else ""

    def _end(self, entry: Entry, outcome: str) -> None:
        entry.ended, entry.outcome, entry.detail = self.now, outcome, ""

    def _settle(self, key: FieldKey) -> None:
        del self.flapping[key]
        self.counted[key].clear()


TestLedger = Ledger.TestCase
TestLedger.settings = examples(40, stateful_step_count=15)
