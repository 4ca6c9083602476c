"""What is stored when a round is written, to be read later: it is always what the rows themselves say."""

from __future__ import annotations

import datetime as dt
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from reconciler.errors import HistoryError
from reconciler.model.cycle import CycleResult
from reconciler.model.outcome import Outcome, Result
from reconciler.render.timeline import Window, lanes
from reconciler.service.history.cycles import History
from reconciler.service.history.database import Database
from reconciler.service.history.queries import PerKey, Selection, episodes, status
from reconciler.service.history.reading import ReadOnlyDatabase
from reconciler.service.history.tables import VERSION, steps_from
from tests.machine import full_disk
from tests.properties import examples
from tests.service.history import (
    DAYS,
    HOURS,
    LONG_AGO,
    RUN,
    Book,
    correction,
    drifted,
    everywhere,
    follows,
    report,
)
from tests.support import NOON, FakeClock, lines_until

if TYPE_CHECKING:
    from reconciler.model.cycle import DriftedField
    from reconciler.model.status import Status

DRIFT = st.lists(
    st.builds(
        drifted,
        st.sampled_from("ab"),
        st.just("ours"),
        st.sampled_from(("web", "api", "a-key")),
        st.sampled_from(("description", "expire")),
    ),
    max_size=4,
    unique_by=lambda one: (one.address, one.change.field),
)
RESULTS = st.sampled_from([CycleResult.IN_SYNC, CycleResult.CORRECTED, CycleResult.FAILED, None])
CONVERTER = """
import sqlite3, sys
from reconciler.service.history.tables import steps_from
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
for statement in steps_from(2):
    connection.execute(statement)
print("converted", flush=True)
sys.stdin.read()
"""


class Interrupted(BaseException):
    """Stands for whatever ends a transaction in its middle."""


def interrupt(*_: object) -> tuple[()]:
    raise Interrupted


class Rounds(RuleBasedStateMachine):
    """Rounds, purges, transactions that are cut off and restarts, while the clock goes on, or is set back."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.file = str(Path(self.folder.name, "history.db"))
        self.clock = FakeClock()
        self.runs = 0
        self.start()

    def start(self) -> None:
        self.runs += 1
        self.database = Database(self.file)
        self.database.rows("PRAGMA synchronous = OFF")  # no machine dies here
        run = type(RUN)(f"run-{self.runs}", "drift", "1", "somebody", None)
        self.history = History(self.database, run, self.clock.now)

    def teardown(self) -> None:
        self.database.__exit__(None, None, None)
        self.folder.cleanup()

    @rule(hours=st.sampled_from([1, 30, 72, -1, -30]))
    def wait(self, hours: int) -> None:
        """Advance the clock, or set it back."""
        self.clock.elapsed += hours * HOURS

    @rule(found=DRIFT, part=st.sampled_from(["", "w", "-"]), result=RESULTS)
    def write_round(self, found: list[DriftedField], part: str, result: CycleResult | None) -> None:
        """Write a round that compared some keys and corrects every other field, and may be cut off."""
        self.history.begin_cycle()
        self.history.record_drift(found, lambda address: part in address)
        for one in found[::2]:
            self.history.finished(Outcome(correction(one), Result.APPLIED))
        if result is not None:
            self.history.end_cycle(report(self.clock, result), ())

    @rule(found=DRIFT)
    def cut_off(self, found: list[DriftedField]) -> None:
        """End a transaction in its middle."""
        with pytest.raises(Interrupted):
            self.history.record_drift(found, everywhere, interrupt)

    @rule(days=st.sampled_from([1, 4]))
    def purge(self, days: int) -> None:
        """Drop what is old."""
        self.history.purge(dt.timedelta(days=days))

    @rule()
    def restart(self) -> None:
        """End the run, and begin another."""
        self.database.__exit__(None, None, None)
        self.start()

    @invariant()
    def the_keys_follow_the_drift(self) -> None:
        """Compare the table of keys with the table of drift."""
        assert follows(self.database)

    @rule(
        ago=st.sampled_from([0, HOURS, 2 * DAYS, 100 * DAYS]),
        glob=st.sampled_from(["*", "*/web", "*/a*", "**", "none"]),
        limit=st.integers(1, 5),
    )
    def read(self, ago: float, glob: str, limit: int) -> None:
        """Compare what is read with all rows, which are few here."""
        since = self.clock.now() - dt.timedelta(seconds=ago)
        shown = status(self.database, Selection(since, glob, limit), NOON, per_key=PerKey(1, 1))
        rows = self.database.rows(
            "SELECT last_seen, id, address FROM episode WHERE last_seen >= ? AND matches(address, ?)",
            (int(since.timestamp()), glob),
        )
        latest = {address: -seen for seen, _, address in sorted(rows)}
        keys = sorted(latest, key=lambda address: (latest[address], address))
        number = Counter(address for *_, address in rows)
        assert [(key.address, len(key.drawn) + key.omitted) for key in shown.keys] == [
            (address, number[address]) for address in keys[:limit]
        ]
        assert shown.omitted_keys == len(keys[limit:])
        found, total = episodes(self.database, Selection(since, glob, limit))
        assert [(int(one.last_seen.timestamp()), one.address) for one in found] == [
            (seen, address) for seen, _, address in sorted(rows, reverse=True)[:limit]
        ]
        assert total == len(rows)
        ends = self.database.rows("SELECT result, ended FROM round WHERE result IS NOT NULL ORDER BY id DESC")
        successes = [end for result, end in ends if CycleResult(result).is_success]
        last = shown.last_success
        assert ([] if last is None else [int(last.timestamp())]) == successes[:1]


TestRounds = Rounds.TestCase
TestRounds.settings = examples(15, stateful_step_count=15)


@given(
    st.lists(st.lists(st.sampled_from(("description", "expire")), unique=True), max_size=9),
    st.integers(0, 4),
    st.integers(0, 4),
)
@examples(20)
def test_a_timeline_is_the_same_whatever_is_shown_in_full(
    rounds: list[list[str]], shown: int, earlier: int
) -> None:
    with Database(None) as database:
        book = Book(database)
        for number, names in enumerate(rounds):
            fields = [drifted(f"value {number // 2}", field_name=name) for name in names]
            book.cycle(*fields, correct=Result.APPLIED if number % 3 else Result.FAILED)
        selection, now = Selection(LONG_AGO), book.clock.now()
        parts = status(database, selection, now, per_key=PerKey(shown, earlier)).keys
        whole = status(database, selection, now, per_key=PerKey(shown + earlier, 0)).keys
    window = Window(NOON - dt.timedelta(hours=1), now)
    assert [(lanes(key.drawn, window), len(key.going_on), key.omitted) for key in parts] == [
        (lanes(key.episodes, window), len(key.going_on), key.omitted) for key in whole
    ]


@pytest.fixture
def of_format_2(tmp_path: Path) -> Path:
    """A history in the second format with much drift, closed."""
    file = tmp_path / "history.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in steps_from(0)[: -len(steps_from(2))]:
            connection.execute(statement)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA application_id = 0x7265636F")
        connection.execute("PRAGMA user_version = 2")
        connection.executemany(
            "INSERT INTO episode (address, field, effect, reason, declared, live, first_seen, last_seen,"
            " rounds, ended, outcome) VALUES (?, ?, 'neutral', '', '1', '2', ?, ?, 1, ?, 'corrected')",
            [(f"caas/1/76/key-{n % 700:03}", f"field-{n}", n, n, n) for n in range(10**9, 10**9 + 2000)],
        )
        connection.execute("INSERT INTO round (run, began, ended, result) VALUES ('r', 1, 2, 'drifted')")
    return file


def shown_of(database: Database) -> tuple[Status, object]:
    return status(database, Selection(LONG_AGO, "*/key-?[13]?", 5), NOON), episodes(
        database, Selection(LONG_AGO, "*/key-?[13]?", 5)
    )


def test_a_history_reads_the_same_before_and_after_its_conversion(of_format_2: Path) -> None:
    before = of_format_2.read_bytes()
    with ReadOnlyDatabase(str(of_format_2)) as reader:
        read = shown_of(reader)
    assert of_format_2.read_bytes() == before
    assert (len(read[0].keys), read[0].omitted_keys, read[0].last_success is None) == (5, 135, False)
    with Database(str(of_format_2)) as database:
        assert shown_of(database) == read
        assert follows(database)
        Book(database).cycle(drifted())
        assert follows(database)


def test_a_reader_goes_on_while_a_history_is_converted(of_format_2: Path) -> None:
    with closing(sqlite3.connect(of_format_2)) as earlier_version:
        earlier_version.execute("INSERT INTO setting VALUES ('name', 'value')")
        earlier_version.commit()
        with ReadOnlyDatabase(str(of_format_2)) as reader:
            read = shown_of(reader)
            with reader.snapshot():
                assert reader.rows("SELECT count(*) FROM episode") == [(2000,)]
                with Database(str(of_format_2)) as database:
                    assert database.rows("PRAGMA user_version") == [(VERSION,)]
                    Book(database).cycle(drifted())
                    assert reader.rows("SELECT count(*) FROM drifted_key") == [(700,)]
                    assert reader.rows("PRAGMA user_version") == [(2,)]
            again = shown_of(reader)
            assert (again[0].keys, again[1]) == (read[0].keys, read[1])
            assert reader.rows("SELECT count(*) FROM drifted_key") == [(701,)]


def test_a_run_of_an_earlier_version_goes_on_after_the_conversion(of_format_2: Path) -> None:
    with closing(sqlite3.connect(of_format_2)) as earlier_version:
        assert earlier_version.execute("PRAGMA user_version").fetchall() == [(2,)]
        with Database(str(of_format_2)) as database:
            columns = "address, field, effect, reason, declared, live, first_seen, last_seen, rounds, outcome"
            row = "'caas/1/76/new', 'expire', 'neutral', '', '1', '2', 3, 3, 1, 'open'"
            for statement in (
                f"INSERT INTO episode ({columns}) VALUES ({row})",  # noqa: S608 - both are above
                "UPDATE episode SET last_seen = last_seen - 5 WHERE address = 'caas/1/76/key-001'",
                "DELETE FROM episode WHERE address IN ('caas/1/76/key-002', 'caas/1/76/key-003') AND id > 9",
                "DELETE FROM episode WHERE address = 'caas/1/76/key-004'",
            ):
                with earlier_version:
                    assert earlier_version.execute(statement).rowcount
                assert follows(database)


def test_a_history_is_not_converted_in_part_on_a_full_disk(of_format_2: Path) -> None:
    with ReadOnlyDatabase(str(of_format_2)) as reader:
        read = shown_of(reader)
    with full_disk(16_384), pytest.raises(HistoryError, match=f"the history {of_format_2} cannot be "):
        Database(str(of_format_2))
    with ReadOnlyDatabase(str(of_format_2)) as reader:
        assert (reader.rows("PRAGMA user_version"), shown_of(reader)) == ([(2,)], read)
    with Database(str(of_format_2)) as database:
        assert (shown_of(database), follows(database)) == (read, True)


def test_a_conversion_that_is_killed_leaves_the_history_as_it_was(of_format_2: Path) -> None:
    command = [sys.executable, "-c", CONVERTER, str(of_format_2)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as converter:
        lines_until(converter.stdout, "converted")
        assert Path(f"{of_format_2}-wal").stat().st_size > 0  # a part of it is on the disk
        converter.send_signal(signal.SIGKILL)
    with ReadOnlyDatabase(str(of_format_2)) as reader:
        assert reader.rows("PRAGMA user_version") == [(2,)]
        read = shown_of(reader)
    with Database(str(of_format_2)) as database:
        assert (shown_of(database), follows(database)) == (read, True)
        assert database.rows("PRAGMA integrity_check") == [("ok",)]
