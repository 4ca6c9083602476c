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
from reconciler.service.history.cycles import History, HistoryRun, clear_flapping
from reconciler.service.history.database import Database
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


def test_drift_is_stored_with_first_and_last_time_and_number_of_rounds(book: Book) -> None:
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
def test_stored_values_are_read_back_unchanged(book: Book, value: Any) -> None:
    book.cycle(drifted(live=value))
    book.cycle(drifted(live=value))
    episode = book.only()
    assert (episode.live, type(episode.live), episode.cycles) == (value, type(value), 2)


@pytest.mark.parametrize(
    ("second", "values"),
    [(drifted(live="other"), ("ours", "other")), (drifted(desired="new"), ("new", "theirs"))],
)
def test_another_live_or_desired_value_starts_a_new_drift(
    book: Book, second: DriftedField, values: tuple[str, str]
) -> None:
    book.cycle(drifted())
    book.cycle(second)
    before, after = book.episodes()
    assert (before.outcome, before.ended, before.cycles) == (FieldOutcome.CHANGED, at(QUARTER), 1)
    assert (after.first_seen, after.cycles, after.ended) == (at(QUARTER), 1, None)
    assert (after.desired, after.live) == values


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), ("1", 1), (None, "null"), ([], None)])
def test_values_equal_in_python_but_not_in_json_are_separate_drifts(book: Book, one: Any, other: Any) -> None:
    book.cycle(drifted(live=one))
    book.cycle(drifted(live=other))
    assert book.outcomes() == ["changed again", "left to a person"]


def test_fields_and_keys_drift_independently(book: Book) -> None:
    book.cycle(drifted(), drifted(field_name="expire"), drifted(name="api"))
    book.cycle(drifted(field_name="expire"))
    ended = {(one.address, one.field): one.ended for one in book.episodes()}
    assert ended == {
        KEY: at(QUARTER),
        (WEB, "expire"): None,
        ("caas/1/76/api", "description"): at(QUARTER),
    }


def test_drift_that_disappears_has_ended(book: Book) -> None:
    book.cycle(drifted())
    book.cycle()
    episode = book.only()
    assert (episode.outcome, episode.ended, episode.last_seen) == (FieldOutcome.ENDED, at(QUARTER), at(0))
    assert (episode.corrected, episode.run) == (None, None)


def test_drift_of_an_uncompared_key_continues(book: Book) -> None:
    book.cycle(drifted())
    book.cycle(compared=nowhere)
    assert book.only().ended is None
    book.cycle(drifted())
    assert (book.only().cycles, book.only().last_seen) == (2, at(2 * QUARTER))


def test_recurring_drift_is_a_new_episode(book: Book) -> None:
    book.cycle(drifted())
    book.cycle()
    book.cycle(drifted())
    assert book.outcomes() == ["no longer drifted", "left to a person"]


def test_a_correction_is_stored_with_its_time_and_run(book: Book) -> None:
    book.cycle(drifted())
    book.cycle(drifted(), correct=Result.APPLIED)
    episode = book.only()
    assert (episode.outcome, episode.corrected, episode.run) == (FieldOutcome.CORRECTED, at(QUARTER), "run-1")
    assert (episode.ended, episode.cycles) == (at(QUARTER), 2)


def test_a_correction_by_a_later_run_is_attributed_to_it(database: Database, book: Book) -> None:
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
def test_drift_with_a_failed_correction_continues_with_the_reason(
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
def test_the_reason_of_a_failed_correction_is_removed_with_the_failure(
    book: Book, end: tuple[DriftedField, ...], outcome: FieldOutcome
) -> None:
    book.cycle(drifted(), correct=Result.FAILED, detail="HTTP 500")
    book.cycle(*end)
    first = book.episodes()[0]
    assert (first.outcome, first.detail) == (outcome, "")


def test_the_reason_of_a_failed_correction_is_removed_after_a_success(book: Book) -> None:
    book.cycle(drifted(), correct=Result.FAILED, detail="HTTP 500")
    book.cycle(drifted(), correct=Result.APPLIED)
    assert (book.only().outcome, book.only().detail) == (FieldOutcome.CORRECTED, "")


def test_a_write_to_a_field_without_drift_is_not_a_correction(book: Book) -> None:
    book.history.finished(Outcome(correction(drifted()), Result.APPLIED))
    assert book.episodes() == ()


def test_a_write_of_a_new_declaration_ends_the_drift_without_correcting_it(book: Book) -> None:
    book.cycle(drifted())
    book.history.finished(Outcome(correction(drifted(desired="new")), Result.APPLIED))
    assert (book.only().outcome, book.only().corrected) == (FieldOutcome.ENDED, None)


def test_a_recorded_correction_survives_an_interrupted_round(book: Book) -> None:
    history = book.history
    history.begin_cycle()
    history.record_drift([drifted()], everywhere)
    history.finished(Outcome(correction(drifted()), Result.APPLIED))
    assert book.only().outcome is FieldOutcome.CORRECTED
    last = book.status().last_cycle
    assert last is not None
    assert (last.ended, last.result, last.run) == (None, None, "run-1")


def test_an_unrecorded_correction_is_recorded_at_the_end_of_the_round(book: Book) -> None:
    book.cycle(drifted())
    book.history.begin_cycle()
    book.history.record_drift([drifted()], everywhere)
    book.history.end_cycle(report(book.clock, fields=[settled(drifted(), FieldOutcome.CORRECTED)]), ())
    assert (book.only().outcome, book.only().run) == (FieldOutcome.CORRECTED, "run-1")
    assert book.only().corrected == at(QUARTER)


def test_the_start_of_a_write_changes_nothing(book: Book) -> None:
    book.cycle(drifted())
    before = book.episodes()
    book.history.started(correction(drifted()))
    assert book.episodes() == before


def test_the_end_of_a_round_stores_its_findings(book: Book) -> None:
    history = book.history
    fields = [drifted(), drifted(name="api"), drifted(name="db-one"), drifted(name="db-two")]
    outcomes = (FieldOutcome.CORRECTED, FieldOutcome.CONTESTED, FieldOutcome.FAILED, FieldOutcome.LEFT)
    after = [settled(one, outcome) for one, outcome in zip(fields, outcomes, strict=True)]
    history.begin_cycle()
    history.record_drift(fields, everywhere)
    book.clock.elapsed += 2.9
    texts = ["one", LONE_SURROGATE]
    history.end_cycle(report(book.clock, CycleResult.INCOMPLETE, fields=after, errors=texts), ())
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
def test_the_end_of_a_round_stores_the_outcome_of_each_field(book: Book, outcome: FieldOutcome) -> None:
    history = book.history
    history.begin_cycle()
    history.record_drift([drifted()], everywhere)
    history.end_cycle(report(book.clock, fields=[settled(drifted(), outcome, "why")]), ())
    assert (book.only().outcome, book.only().detail) == (outcome, "why")


def test_text_that_is_not_unicode_is_stored_in_a_readable_form(database: Database, book: Book) -> None:
    who = HistoryRun("run-2", "drift", "1", "m\udcfcller", None)
    History(database, who, book.clock.now)
    scope = ScopeReport(SCOPE, ScopeState.UNREACHABLE, detail=LONE_SURROGATE)
    book.cycle(drifted(), correct=Result.FAILED, detail=LONE_SURROGATE, scopes=[scope])
    assert book.only().detail == "broken \\ud800 pair"
    assert [part.detail for part in book.status().scopes] == ["broken \\ud800 pair"]


def test_flapping_of_text_that_is_not_unicode_is_detected(book: Book) -> None:
    book.flap(3, LONE_SURROGATE, desired=LONE_SURROGATE + "!")
    for _ in range(2):
        found = drifted(LONE_SURROGATE, LONE_SURROGATE + "!")
        assert book.cycle(found, correct=Result.APPLIED) == {KEY}


@pytest.mark.parametrize("corrections", [1, 2, 3, 5])
def test_a_field_is_contested_after_enough_corrections_and_a_change_back(
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


def test_a_contested_field_stays_contested(book: Book) -> None:
    book.flap(3)
    for _ in range(5):
        assert book.cycle(drifted(), correct=Result.APPLIED) == {KEY}
        book.clock.elapsed += 3 * DAYS
    assert book.outcomes() == ["corrected"] * 3 + ["contested"]
    assert book.flapping()[0].since == at(3 * QUARTER)


def test_a_contested_field_in_sync_for_a_while_stays_contested(book: Book) -> None:
    book.flap(3)
    assert book.cycle(drifted(), correct=Result.APPLIED) == {KEY}
    assert book.cycle(correct=Result.APPLIED) == {KEY}
    assert book.cycle(drifted(), correct=Result.APPLIED) == {KEY}


@pytest.mark.parametrize("later", [0.0, 2 * DAYS])
def test_a_contested_field_has_its_last_seen_value(book: Book, later: float) -> None:
    book.flap(3)
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
    book.flap(1)
    book.clock.elapsed += 2 * HOURS
    book.flap(2)
    book.clock.elapsed = hours * HOURS
    assert book.cycle(drifted(), correct=Result.APPLIED) == contested


def test_failed_corrections_do_not_count(book: Book) -> None:
    for result in (Result.FAILED, Result.NOT_VERIFIED, Result.NOT_ATTEMPTED) * 2:
        assert book.cycle(drifted(), correct=result) == frozenset()


def test_drift_that_disappeared_does_not_count(book: Book) -> None:
    for _ in range(5):
        book.cycle(drifted())
        book.cycle()
    assert book.cycle(drifted(), correct=Result.APPLIED) == frozenset()


def test_corrections_towards_another_declared_value_do_not_count(book: Book) -> None:
    book.flap(2)
    book.flap(2, desired="new")
    assert book.flapping() == ()
    book.flap(1, desired="new")
    assert book.cycle(drifted(desired="new"), correct=Result.APPLIED) == {KEY}


def test_corrections_of_other_fields_and_keys_do_not_count(book: Book) -> None:
    for _ in range(2):
        book.cycle(drifted(), drifted(name="api"), drifted(field_name="expire"), correct=Result.APPLIED)
    assert book.cycle(drifted(), correct=Result.APPLIED) == frozenset()
    assert book.cycle(drifted(), drifted(name="api"), correct=Result.APPLIED) == {KEY}


def test_a_field_is_not_contested_before_it_is_changed_back(book: Book) -> None:
    book.flap(3)
    assert book.cycle(correct=Result.APPLIED) == frozenset()
    assert book.flapping() == ()


def test_after_clearing_the_correction_count_restarts(database: Database, book: Book) -> None:
    book.flap(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    assert clear_flapping(database, *KEY)
    assert book.flapping() == ()
    for _ in range(3):
        assert book.cycle(drifted(), correct=Result.APPLIED) == frozenset()
    assert book.cycle(drifted(), correct=Result.APPLIED) == {KEY}


def test_flapping_can_be_cleared_repeatedly(database: Database, book: Book) -> None:
    for _ in range(3):
        found = [book.cycle(drifted(), correct=Result.APPLIED) for _ in range(4)]
        assert found == [frozenset(), frozenset(), frozenset(), {KEY}]
        assert clear_flapping(database, *KEY)


@pytest.mark.parametrize("other", [drifted(name="api"), drifted(field_name="expire")])
def test_clearing_applies_to_one_field(database: Database, book: Book, other: DriftedField) -> None:
    for _ in range(2):
        book.cycle(other, correct=Result.APPLIED)
    book.flap(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    assert clear_flapping(database, *KEY)
    book.cycle(other, correct=Result.APPLIED)
    assert book.cycle(other, correct=Result.APPLIED) == {(other.address, other.change.field)}


@pytest.mark.parametrize("key", [(WEB, "expire"), ("caas/1/76/api", "description"), ("", LONE_SURROGATE)])
def test_clearing_a_field_that_is_not_contested_returns_false(
    database: Database, book: Book, key: FieldKey
) -> None:
    book.flap(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    assert not clear_flapping(database, *key)
    assert len(book.flapping()) == 1


@pytest.mark.parametrize("declared", ["new", None, True])
def test_another_value_in_git_ends_flapping(book: Book, declared: Any) -> None:
    book.flap(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    assert book.cycle(drifted(desired=declared), correct=Result.APPLIED) == frozenset()
    assert book.flapping() == ()


def test_removing_the_field_in_git_ends_flapping(book: Book) -> None:
    book.flap(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    del book.files[KEY]
    assert book.cycle(correct=Result.APPLIED) == frozenset()
    assert book.flapping() == ()


def test_returning_to_the_old_value_in_git_restarts_the_count(book: Book) -> None:
    book.flap(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    book.cycle(drifted(desired="new"), correct=Result.APPLIED)
    for _ in range(3):
        assert book.cycle(drifted(), correct=Result.APPLIED) == frozenset()
    assert book.cycle(drifted(), correct=Result.APPLIED) == {KEY}


def test_flapping_is_detected_again_after_earlier_entries_are_purged(database: Database, book: Book) -> None:
    book.flap(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    book.cycle(drifted(desired="new"), correct=Result.APPLIED)
    book.clock.elapsed += 100 * DAYS
    book.cycle(declared_nothing := drifted(name="api"), correct=Result.APPLIED)
    book.history.purge(dt.timedelta(0))
    assert declared_nothing.address not in {one.address for one in book.episodes()}
    book.flap(3)
    assert book.cycle(drifted(), correct=Result.APPLIED) == {KEY}
    assert clear_flapping(database, *KEY)


def scope(state: ScopeState, keys: int = 0, detail: str = "", where: Scope = SCOPE) -> ScopeReport:
    return ScopeReport(where, state, keys, detail)


def test_a_scope_is_stored_with_the_time_of_its_last_state_change(book: Book) -> None:
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


def test_an_unreadable_scope_has_its_last_known_number_of_keys(book: Book) -> None:
    book.cycle(scopes=[scope(ScopeState.UNREACHABLE, detail="HTTP 500")])
    assert book.status().scopes == (ScopeStatus("caas/1/76", ScopeState.UNREACHABLE, at(0), 0, "HTTP 500"),)
    book.cycle(scopes=[scope(ScopeState.IN_SYNC, 7)])
    book.cycle(scopes=[scope(ScopeState.UNREACHABLE, detail="HTTP 503")])
    unreachable = ScopeStatus("caas/1/76", ScopeState.UNREACHABLE, at(2 * QUARTER), 7, "HTTP 503")
    assert book.status().scopes == (unreachable,)
    book.cycle(scopes=[scope(ScopeState.IN_SYNC, 6)])
    assert book.status().scopes == (ScopeStatus("caas/1/76", ScopeState.IN_SYNC, at(3 * QUARTER), 6),)


def test_a_scope_that_is_no_longer_declared_is_purged(book: Book) -> None:
    both = [scope(ScopeState.IN_SYNC), scope(ScopeState.IN_SYNC, where=OTHER_SCOPE)]
    book.cycle(scopes=both)
    book.cycle(scopes=both[1:])
    assert [one.scope for one in book.status().scopes] == ["caas/1/77"]


def test_a_round_that_read_no_scope_changes_no_scope_state(book: Book) -> None:
    book.cycle(scopes=[scope(ScopeState.DRIFTED, 7)])
    before = book.status().scopes
    book.cycle()
    assert book.status().scopes == before


def test_only_old_finished_entries_are_purged(book: Book) -> None:
    book.cycle(drifted(name="goes-on"), drifted(name="old"), drifted(name="recent"))
    book.cycle(drifted(name="goes-on"), drifted(name="recent"))
    book.clock.elapsed = 50 * DAYS
    book.cycle(drifted(name="goes-on"), drifted(name="recent"))
    book.clock.elapsed = 100 * DAYS
    book.cycle(drifted(name="goes-on"))
    book.history.purge(dt.timedelta(days=90))
    assert sorted(one.address for one in book.episodes()) == ["caas/1/76/goes-on", "caas/1/76/recent"]


def test_drift_of_an_unreadable_scope_is_retained_from_its_end(book: Book) -> None:
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


def test_old_rounds_runs_and_journal_lines_are_purged(database: Database, book: Book) -> None:
    book.history.append(b'{"event": "write"}\n')
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


def test_entries_exactly_at_the_retention_limit_are_retained(database: Database) -> None:
    first = Book(database, pause=0)
    first.history.append(b"{}\n")
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


def test_a_run_is_retained_while_it_or_one_of_its_rounds_is_recent(database: Database) -> None:
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


def test_a_run_is_stored_with_its_actor_and_command(database: Database, book: Book) -> None:
    assert database.rows("SELECT * FROM run") == [
        ("run-1", int(at(0).timestamp()), "drift", "1.0.0", "somebody", "abc")
    ]
    assert book.status().last_cycle is None


def test_journal_lines_are_read_back_in_order(database: Database, book: Book) -> None:
    lines = [json.dumps({"number": number, "text": "\u00e9\ud800"}).encode() + b"\n" for number in range(3)]
    for line in lines:
        book.history.append(line)
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
        history.end_cycle(report(self.book.clock, fields=after), ())

    @rule(key=KEYS)
    def clear(self, key: FieldKey) -> None:
        """End a contest, as a person does."""
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
TestLedger.settings = examples(20, stateful_step_count=15)
