"""Reading a history: which drift, in which order, how much of it, and the state of everything."""

from __future__ import annotations

import datetime as dt
import fnmatch
import re
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import HistoryError
from reconciler.model.cycle import CycleResult, FieldOutcome, ScopeReport, ScopeState
from reconciler.model.outcome import Result
from reconciler.model.scope import Scope
from reconciler.model.status import ConditionState, CycleSummary, ServiceCondition, ServiceStatus, Status
from reconciler.model.succession import KeyExpiry, KeyRotation, Lifetimes, Stage
from reconciler.service.history.database import Database
from reconciler.service.history.lifetimes import store_lifetimes
from reconciler.service.history.notifications import Notifications
from reconciler.service.history.queries import PerKey, Selection, conditions, episodes, status, window_since
from tests.service.history import LONG_AGO, MINUTES, Book, at, drifted, report, settled
from tests.support import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("web", "api", "a-b", "[x]", "!x", "^x", "a]b", "x\ny", "\U0001f511")
QUARTER = 15 * MINUTES
SERVICE = ServiceStatus(NOON, None, None, 0, None)


@pytest.fixture
def database() -> Iterator[Database]:
    with Database(None) as database:
        yield database


@pytest.fixture
def book(database: Database) -> Book:
    return Book(database)


@pytest.fixture(scope="module")
def named() -> Iterator[Database]:
    """A history with drift of keys that have all sorts of names."""
    with Database(None) as database:
        Book(database).cycle(*[drifted(name=name) for name in NAMES])
        yield database


def found(database: Database, glob: str) -> set[str]:
    selected, total = episodes(database, Selection(LONG_AGO, glob))
    shown = status(database, Selection(LONG_AGO, glob), NOON)
    assert {key.address for key in shown.keys} == {episode.address for episode in selected}
    assert (total, shown.omitted_keys) == (len(selected), 0)
    return {episode.address for episode in selected}


def expected(glob: str) -> set[str]:
    addresses = {f"caas/1/76/{name}" for name in NAMES}
    return {address for address in addresses if fnmatch.fnmatchcase(address, glob)}


@pytest.mark.parametrize(
    "glob",
    [
        "*",
        "*/web",
        "caas/1/76/*",
        "caas/*/w?b",
        "CAAS/1/76/web",
        "*/[wa]*",
        "*/[!wa]*",
        "*/[^wa]*",
        "*/[[]x]",
        "*/[]a]*",
        "*/[!]a]*",
        "*/[",
        "*/[x]",
        "*/[[]x[]]",
        "*/[a-c]*",
        "*/[c-a]*",
        "*/[!c-a]*",
        "*/[!!]x",
        "*/[^]x",
        "*/[a-]*",
        "*\n*",
        "*/?",
        "",
        "\udcff",
        "' OR 1=1 --",
        "*" * 20 + "web",
    ],
)
def test_a_glob_matches_like_a_target(named: Database, glob: str) -> None:
    assert found(named, glob) == expected(glob)


@given(st.text(alphabet="[]!^-*?awx\n", max_size=8).map(lambda end: f"caas/1/76/{end}"))
def test_any_glob_matches_like_a_target(named: Database, glob: str) -> None:
    assert found(named, glob) == expected(glob)


def test_drift_is_sorted_latest_first(book: Book, database: Database) -> None:
    book.cycle(drifted(name="first"), drifted(name="second"))
    book.cycle(drifted(name="second"), drifted(name="third"))
    selected, total = episodes(database, Selection(LONG_AGO))
    assert [one.address[10:] for one in selected] == ["third", "second", "first"]
    assert total == 3


@pytest.mark.parametrize(("limit", "shown"), [(1, 1), (4, 4), (5, 5), (6, 5)])
def test_the_latest_drift_is_returned_with_the_total(
    book: Book, database: Database, limit: int, shown: int
) -> None:
    for number in range(5):
        book.cycle(drifted(name=f"key-{number}"))
    book.cycle(drifted(name="other", field_name="expire"))
    selected, total = episodes(database, Selection(LONG_AGO, "*/key-?", limit))
    names = [one.address[10:] for one in selected]
    assert (names, total) == ([f"key-{number}" for number in range(4, 4 - shown, -1)], 5)


def test_only_drift_seen_since_a_time_is_returned(book: Book, database: Database) -> None:
    book.cycle(drifted(name="ended"), drifted(name="goes-on"))
    book.cycle(drifted(name="goes-on"))
    for instant, names in [
        (at(0), {"ended", "goes-on"}),
        (at(1), {"goes-on"}),
        (at(QUARTER), {"goes-on"}),
        (at(QUARTER + 1), set[str]()),
    ]:
        selected, total = episodes(database, Selection(instant))
        assert ({one.address[10:] for one in selected}, total) == (names, len(names))
        assert {key.address[10:] for key in status(database, Selection(instant), NOON).keys} == names


def test_keys_are_sorted_by_latest_drift_and_address(book: Book, database: Database) -> None:
    book.cycle(drifted(name="old"))
    book.cycle(drifted(name="b"), drifted(name="a"))
    shown = status(database, Selection(LONG_AGO), NOON)
    assert [key.address[10:] for key in shown.keys] == ["a", "b", "old"]
    assert [key.is_drifted for key in shown.keys] == [True, True, False]


def test_a_key_is_sorted_by_its_latest_drift(book: Book, database: Database) -> None:
    book.cycle(drifted(name="both"))
    book.cycle(drifted("two", name="a-key"))
    book.cycle(drifted("new", name="both"))
    shown = status(database, Selection(LONG_AGO), NOON)
    assert [key.address[10:] for key in shown.keys] == ["both", "a-key"]


def test_drift_last_seen_at_one_time_is_sorted_newest_first(book: Book, database: Database) -> None:
    fields = [drifted(name="web", field_name=name) for name in ("first", "second", "third")]
    book.cycle(*fields)
    (key,) = status(database, Selection(at(0)), NOON).keys
    assert [one.field for one in key.episodes] == ["third", "second", "first"]
    assert [one.field for one in episodes(database, Selection(at(0)))[0]] == ["third", "second", "first"]


def test_omitted_keys_and_episodes_are_counted(book: Book, database: Database) -> None:
    for number in range(5):
        book.cycle(drifted(f"value {number}"), drifted(name="api"), drifted(name="db-key"))
    shown = status(database, Selection(LONG_AGO, limit=2), NOON, per_key=PerKey(2, 1))
    assert shown.omitted_keys == 1
    assert [(key.address[10:], len(key.drawn), key.omitted) for key in shown.keys] == [
        ("api", 1, 0),
        ("db-key", 1, 0),
    ]
    shown = status(database, Selection(LONG_AGO, "*/web"), NOON, per_key=PerKey(2, 1))
    (key,) = shown.keys
    assert [one.live for one in key.episodes] == ["value 4", "value 3"]
    assert [one.first_seen for one in key.earlier] == [at(2 * QUARTER)]
    assert (key.omitted, shown.omitted_keys) == (2, 0)


def test_episodes_before_the_selected_time_are_not_counted_as_omitted(book: Book, database: Database) -> None:
    for number in range(3):
        book.cycle(drifted(f"value {number}"))
    (key,) = status(database, Selection(at(QUARTER)), NOON, per_key=PerKey(1, 0)).keys
    assert (len(key.episodes), key.omitted) == (1, 1)


def test_without_keys_everything_else_is_returned(book: Book, database: Database) -> None:
    book.flap(3)
    book.cycle(drifted(), correct=Result.APPLIED)
    shown = status(database, Selection(LONG_AGO, limit=0), NOON)
    assert (shown.keys, shown.omitted_keys) == ((), 0)
    assert (len(shown.flapping), shown.cycles) == (1, ((CycleResult.DRIFTED, 4),))
    for glob, count in ((drifted().address, 1), ("*/nothing", 0)):
        some = status(database, Selection(LONG_AGO, glob), NOON)
        assert (len(some.flapping), some.address) == (count, glob)


def test_an_empty_history_has_an_empty_status(database: Database) -> None:
    assert status(database, Selection(LONG_AGO), NOON, SERVICE) == Status(
        at=NOON,
        since=LONG_AGO,
        scopes=(),
        flapping=(),
        keys=(),
        omitted_keys=0,
        cycles=(),
        last_cycle=None,
        last_success=None,
        file=None,
        service=SERVICE,
    )
    assert episodes(database, Selection(LONG_AGO)) == ((), 0)
    assert status(database, Selection(LONG_AGO), NOON).flapping == ()
    assert conditions(database) == ()


def do(book: Book, *results: CycleResult | None) -> None:
    """Do rounds with these results; None is one that is cut off."""
    for result in results:
        book.history.begin_cycle()
        book.clock.elapsed += MINUTES
        if result is not None:
            book.history.end_cycle(report(book.clock, result), ())


def test_rounds_are_counted_by_their_results_in_a_fixed_order(book: Book, database: Database) -> None:
    do(book, *reversed(CycleResult), CycleResult.FAILED, None)
    counted = status(database, Selection(LONG_AGO), NOON).cycles
    assert counted == tuple((result, 1 + (result is CycleResult.FAILED)) for result in CycleResult)
    later = status(database, Selection(at(len(CycleResult) * MINUTES)), NOON).cycles
    assert later == ((CycleResult.FAILED, 1),)


@pytest.mark.parametrize(
    ("results", "success"),
    [
        ([CycleResult.IN_SYNC], 1),
        ([CycleResult.CORRECTED], 1),
        ([CycleResult.DRIFTED], 1),
        ([CycleResult.PENDING], 1),
        ([CycleResult.REFUSED], None),
        ([CycleResult.INCOMPLETE], None),
        ([CycleResult.FAILED], None),
        ([CycleResult.INTERRUPTED], None),
        ([None], None),
        ([CycleResult.IN_SYNC, CycleResult.DRIFTED, CycleResult.FAILED, None], 2),
    ],
)
def test_the_last_success_is_a_round_that_could_read_and_correct_everything(
    book: Book, database: Database, results: list[CycleResult | None], success: int | None
) -> None:
    do(book, *results)
    instant = None if success is None else at(success * MINUTES)
    assert status(database, Selection(NOON + dt.timedelta(days=9)), NOON).last_success == instant


def test_the_last_round_is_returned_even_if_interrupted(book: Book, database: Database) -> None:
    do(book, CycleResult.IN_SYNC, None)
    last = status(database, Selection(LONG_AGO), NOON).last_cycle
    assert last == CycleSummary(at(MINUTES), None, None, "run-1", drifted=0, corrected=0, contested=0)


def test_scopes_and_contested_fields_are_sorted(book: Book, database: Database) -> None:
    scopes = [ScopeReport(Scope("caas", 1, region), ScopeState.IN_SYNC, 1) for region in (9, 76, 10)]
    for _ in range(4):
        fields = [drifted(name="web"), drifted(name="api"), drifted(name="api", field_name="containers")]
        book.cycle(*fields, correct=Result.APPLIED, scopes=scopes)
    shown = status(database, Selection(LONG_AGO), NOON)
    assert [(one.address, one.field) for one in shown.flapping] == [
        ("caas/1/76/api", "containers"),
        ("caas/1/76/api", "description"),
        ("caas/1/76/web", "description"),
    ]
    assert [one.scope for one in shown.scopes] == ["caas/1/10", "caas/1/76", "caas/1/9"]


def test_the_conditions_are_those_of_the_last_round(database: Database) -> None:
    notifications = Notifications(database)
    notifications.update([ServiceCondition.FILES, ServiceCondition.ROUNDS], 9, at(0))
    for condition in notifications.update([ServiceCondition.FILES, ServiceCondition.CHECKOUT], 1, at(60)):
        notifications.mark_condition_notified(condition)
    assert conditions(database) == (
        ConditionState(ServiceCondition.CHECKOUT, at(60), 1),
        ConditionState(ServiceCondition.FILES, at(0), 2),
    )
    notifications.update([], 1, at(120))
    assert conditions(database) == ()


def test_a_history_knows_its_file_name(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = str(tmp_path_factory.mktemp("history") / "history.db")
    with Database(file) as database:
        assert status(database, Selection(LONG_AGO), NOON).file == file


def test_a_page_rendered_during_rounds_is_a_consistent_snapshot(database: Database) -> None:
    book, stop = Book(database, pause=1), threading.Event()
    names = [f"key-{number}" for number in range(10)]
    wrong: list[object] = []

    def read() -> None:
        while not stop.is_set():
            shown = status(database, Selection(LONG_AGO), NOON, per_key=PerKey(shown=1000))
            wrong.extend(key.omitted for key in shown.keys if key.omitted)
            counts = {len(key.episodes) for key in shown.keys}
            wrong.extend([counts] if len(counts) > 1 else [])

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(25):
        book.cycle(*[drifted(f"value {number}", name=name) for name in names])
    stop.set()
    reader.join()
    assert wrong == []


@pytest.mark.parametrize("outcome", list(FieldOutcome))
def test_every_outcome_is_read_back_unchanged(book: Book, database: Database, outcome: FieldOutcome) -> None:
    book.history.begin_cycle()
    book.history.record_drift([drifted()], lambda _address: True)
    book.history.end_cycle(report(book.clock, fields=[settled(drifted(), outcome)]), ())
    assert [one.outcome for one in episodes(database, Selection(LONG_AGO))[0]] == [outcome]


def test_a_damaged_history_is_an_error(database: Database, book: Book) -> None:
    book.cycle(drifted())
    with database.transaction() as connection:
        connection.execute("DROP TABLE episode")
    message = re.escape("the history cannot be read: no such table: episode")
    with pytest.raises(HistoryError, match=message):
        episodes(database, Selection(LONG_AGO))
    with pytest.raises(HistoryError, match=message):
        status(database, Selection(LONG_AGO), NOON)
    assert conditions(database) == ()


@pytest.mark.parametrize(
    ("age", "length"),
    [(0, 3600), (3600, 3600), (3601, 86400), (3 * 86400, 7 * 86400), (8 * 86400, 30 * 86400)],
)
def test_the_window_of_a_page_is_as_long_as_its_history_asks_for(book: Book, age: int, length: int) -> None:
    book.cycle(drifted())
    now = at(age)
    assert now - window_since(book.database, now, LONG_AGO) == dt.timedelta(seconds=length)
    assert window_since(book.database, now, now - dt.timedelta(minutes=5)) == now - dt.timedelta(minutes=5)


def test_the_window_is_never_longer_than_asked_for(book: Book) -> None:
    book.cycle(drifted())
    now = at(99 * 86400)
    assert window_since(book.database, now, now - dt.timedelta(days=30)) == now - dt.timedelta(days=30)


def test_an_empty_history_is_shown_by_its_last_hour(book: Book) -> None:
    assert at(0) - window_since(book.database, at(0), LONG_AGO) == dt.timedelta(hours=1)


def test_the_period_is_the_time_between_the_last_two_rounds(book: Book) -> None:
    assert book.status().period is None
    book.cycle()
    book.cycle()
    assert book.status().period == dt.timedelta(minutes=15)


def test_the_lives_of_keys_are_those_of_the_last_cycle(database: Database) -> None:
    expiry = KeyExpiry("caas/1/76/web", "expire", NOON, is_rotated=True)
    rotation = KeyRotation("caas/1/76/web", "web-2", Stage.OVERLAP, None, "move it")
    store_lifetimes(database, Lifetimes((expiry,), (rotation,)))
    shown = status(database, Selection(NOON), NOON)
    assert (shown.expiries, shown.rotations) == ((expiry,), (rotation,))
    store_lifetimes(database, Lifetimes())
    shown = status(database, Selection(NOON), NOON)
    assert (shown.expiries, shown.rotations) == ((), ())
