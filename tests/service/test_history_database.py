"""The file of a history: private, consistent after any crash, and never another program's."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import HistoryError, JournalError
from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.cycle import FieldOutcome
from reconciler.model.endpoint import BaseUrl
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Action
from reconciler.service.history.cycles import History
from reconciler.service.history.database import MAGIC, Database, sole_user
from reconciler.service.history.object_ids import read_ids
from reconciler.service.history.queries import Selection, episodes, journal_lines, status
from reconciler.service.history.reading import ReadOnlyDatabase
from reconciler.service.history.tables import VERSION, steps_from
from tests.machine import full_disk, open_folder, unprivileged
from tests.service.history import LONG_AGO, RUN, WEB, Book, correction, drifted, everywhere, follows
from tests.support import NOON, FakeClock, lines_until, pipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRITER = """
import datetime as dt, json, sys
from reconciler.service.history.database import Database
from reconciler.service.history.cycles import History
from reconciler.model.outcome import Outcome, Result
from tests.service.history import RUN, correction, drifted, everywhere, report, settled
from reconciler.model.cycle import FieldOutcome
from tests.support import FakeClock

clock = FakeClock()

def say(kind, number):
    sys.stdout.write(f"{kind} {number}\\n")
    sys.stdout.flush()

with Database(sys.argv[1]) as database:
    history = History(database, RUN, clock.now)
    number = 0
    while True:
        number += 1
        clock.elapsed += 60
        found = drifted(f"theirs {number}")
        history.begin_cycle()
        say("began", number)
        history.record_drift([found], lambda _address: True)
        say("saw", number)
        history.append(json.dumps({"event": "write", "number": number}).encode() + b"\\n")
        say("write", number)
        history.finished(Outcome(correction(found), Result.APPLIED))
        say("corrected", number)
        history.end_cycle(report(clock, fields=[settled(found, FieldOutcome.CORRECTED)]), ())
        say("ended", number)
        history.purge(dt.timedelta(days=90))
"""
HOLDER = """
import sys
from reconciler.service.history.database import sole_user
with sole_user(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""
OPENER = """
import sys
from reconciler.service.history.database import Database
print("ready", flush=True)
sys.stdin.readline()
with Database(sys.argv[1]) as database:
    database.bind({"gcore": "https://api.example.com"})
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def python(script: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def pragma(file: Path, name: str) -> Any:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def refusal(file: Path) -> str:
    with pytest.raises(HistoryError) as caught:
        Database(str(file))
    return str(caught.value)


def test_only_its_owner_can_read_a_new_history(file: Path) -> None:
    before = os.umask(0)
    try:
        with Database(str(file)) as database:
            Book(database).cycle(drifted())
            modes = {found.name: found.stat().st_mode & 0o777 for found in file.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"history.db": 0o600, "history.db-wal": 0o600, "history.db-shm": 0o600}


def test_a_transaction_is_durable_before_the_next_one(file: Path) -> None:
    with Database(str(file)) as database:
        assert database.rows("PRAGMA journal_mode") == [("wal",)]
        assert database.rows("PRAGMA synchronous") == [(2,)]
    assert pragma(file, "journal_mode") == "wal"
    assert file.read_bytes().startswith(MAGIC)


def test_a_closed_history_is_one_file(file: Path) -> None:
    with Database(str(file)) as database:
        Book(database).cycle(drifted())
    assert [found.name for found in file.parent.iterdir()] == ["history.db"]


def test_a_reopened_history_has_its_content(file: Path) -> None:
    with Database(str(file)) as database:
        Book(database).cycle(drifted())
    with Database(str(file)) as database:
        assert len(database.rows("SELECT * FROM episode")) == 1
    assert pragma(file, "user_version") == VERSION


def test_an_empty_file_becomes_a_history(file: Path) -> None:
    file.touch()
    with Database(str(file)):
        pass
    assert pragma(file, "user_version") == VERSION


def test_a_history_in_memory_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with sole_user(None), sole_user(None), Database(None) as database:
        Book(database).cycle(drifted())
        assert database.file is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"keys: []\n", b"x" * 4096, MAGIC, MAGIC + b"\0" * 4080, b'{"event": "write"}\n' * 99]
)
def test_a_file_that_is_not_a_database_is_refused_and_unchanged(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert re.fullmatch(
        rf"the history {re.escape(str(file))} cannot be "
        r"(used: it is not a history; use another file"
        r"|opened: (file is not a database|database disk image is malformed))",
        refusal(file),
    )
    assert file.read_bytes() == content


@pytest.mark.parametrize("content", [b"keys: []\n", b"x" * 4096])
def test_no_lock_is_created_beside_a_file_that_is_not_a_history(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(HistoryError, match="it is not a history"), sole_user(str(file)):
        pass
    assert [found.name for found in file.parent.iterdir()] == ["history.db"]


def test_a_file_that_is_not_a_lock_is_unchanged(file: Path) -> None:
    other = file.parent / "history.db-lock"
    other.write_text("keys: []\n", encoding="utf-8")
    with pytest.raises(HistoryError, match="is not the lock of a history"), sole_user(str(file)):
        pass
    assert other.read_text(encoding="utf-8") == "keys: []\n"


@pytest.mark.parametrize(
    "name", ["file:x.db", "file:x.db?mode=memory", "x.db?mode=ro", "a#b", "a%20b", ":memory:", "é 漢"]
)
def test_a_name_is_a_file_name_and_not_a_uri(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with Database(name) as database:
        Book(database).cycle(drifted())
    assert [found.name for found in tmp_path.iterdir()] == [name]
    for opened in (Database, ReadOnlyDatabase):
        with opened(name) as database:
            assert len(database.rows("SELECT * FROM episode")) == 1
    assert [found.name for found in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("version", [0, VERSION, 7])
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_database_of_another_program_is_refused_and_unchanged(file: Path, mode: str, version: int) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
        connection.commit()
    before = file.read_bytes()
    assert refusal(file) == f"the history {file} cannot be used: it is not a history; use another file"
    assert file.read_bytes() == before


@pytest.mark.parametrize("version", [VERSION + 1, 99, -1])
def test_a_history_of_an_unknown_format_is_refused_and_unchanged(file: Path, version: int) -> None:
    with Database(str(file)):
        pass
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    before = file.read_bytes()
    reason = f"it is of format {version}, and only those up to {VERSION} are known; use another file"
    assert refusal(file) == f"the history {file} cannot be used: {reason}"
    assert file.read_bytes() == before


@pytest.fixture(params=range(1, VERSION))
def earlier(file: Path, request: pytest.FixtureRequest) -> Path:
    """A history in an earlier format, with a round and ongoing drift."""
    version = request.param
    first = steps_from(0)[: -len(steps_from(version))]
    with closing(sqlite3.connect(file)) as connection:
        for statement in first:
            connection.execute(statement)
        connection.execute("PRAGMA application_id = 0x7265636F")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("INSERT INTO round (run, began, ended, result) VALUES ('r', 1, 2, 'drifted')")
        connection.execute(
            "INSERT INTO episode (address, field, effect, reason, declared, live, first_seen, last_seen,"
            " rounds, outcome) VALUES (?, 'description', 'neutral', '', ?, ?, ?, ?, 1, ?)",
            (WEB, '"ours"', '"theirs"', 10**9, 10**9, FieldOutcome.LEFT.value),
        )
        connection.commit()
    return file


def test_a_history_of_an_earlier_format_is_readable(earlier: Path) -> None:
    before = earlier.read_bytes()
    with ReadOnlyDatabase(str(earlier)) as database:
        found, _ = episodes(database, Selection(LONG_AGO))
        shown = status(database, Selection(LONG_AGO), NOON)
    assert [(one.address, one.action, one.origin) for one in found] == [(WEB, Action.UPDATE, None)]
    assert (shown.pending, shown.new_keys, shown.last_cycle and shown.last_cycle.pending) == ((), (), 0)
    assert read_ids(str(earlier), {}, ()).get(WEB) is None
    assert earlier.read_bytes() == before


def test_a_history_of_an_earlier_format_is_upgraded(earlier: Path) -> None:
    with Database(str(earlier)) as database:
        Book(database).cycle(drifted())
        (found,), _ = episodes(database, Selection(LONG_AGO))
    assert (found.cycles, found.action, pragma(earlier, "user_version")) == (2, Action.UPDATE, VERSION)


def test_a_device_is_not_a_history() -> None:
    with pytest.raises(HistoryError, match="it is not a regular file"):
        Database("/dev/null")


def test_a_folder_is_not_a_history(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"the history {tmp_path} cannot be opened: Is a directory"


def test_a_history_in_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "history.db"
    assert refusal(file) == f"the history {file} cannot be opened: No such file or directory"
    with pytest.raises(HistoryError, match=rf"the lock {file}-lock cannot be opened"), sole_user(str(file)):
        pass


def test_a_history_in_a_read_only_folder_is_an_error() -> None:
    with open_folder() as folder:
        file = folder / "history.db"
        folder.chmod(0o555)
        with unprivileged():
            assert refusal(file) == f"the history {file} cannot be opened: Permission denied"


def test_a_read_only_history_is_an_error() -> None:
    with open_folder() as folder:
        file = folder / "history.db"
        with Database(str(file)):
            pass
        file.chmod(0o444)
        with unprivileged():
            assert refusal(file) == f"the history {file} cannot be opened: Permission denied"


def test_a_history_error_is_a_journal_error() -> None:
    assert issubclass(HistoryError, JournalError)


def test_a_history_belongs_to_one_api(file: Path) -> None:
    with Database(str(file)) as database:
        database.bind({BUILT_IN_API: BaseUrl("https://api.example.com")})
    with Database(str(file)) as database:
        database.bind({BUILT_IN_API: BaseUrl("HTTPS://API.example.com:443/")})
        message = f"the history {file} is of https://api.example.com, not of https://other.example"
        with pytest.raises(HistoryError, match=re.escape(message)):
            database.bind({BUILT_IN_API: BaseUrl("https://other.example")})
        database.bind({BUILT_IN_API: BaseUrl("https://api.example.com")})


def insert(database: Database, then: Callable[[sqlite3.Connection], object]) -> None:
    """Insert a line and run another statement in the same transaction."""
    with database.transaction() as connection:
        connection.execute("INSERT INTO journal (at, line) VALUES (0, '{}')")
        then(connection)


def interrupt(_connection: sqlite3.Connection) -> None:
    raise KeyboardInterrupt


def test_a_transaction_that_fails_leaves_no_trace(file: Path) -> None:
    with Database(str(file)) as database:
        with pytest.raises(ZeroDivisionError):
            insert(database, lambda _connection: 1 / 0)
        with pytest.raises(KeyboardInterrupt):
            insert(database, interrupt)
        with pytest.raises(HistoryError, match="cannot be written: no such table: missing"):
            insert(database, lambda connection: connection.execute("INSERT INTO missing VALUES (0)"))
        assert list(journal_lines(database)) == []
        insert(database, lambda _connection: None)
        assert list(journal_lines(database)) == [b"{}"]


def test_a_transaction_that_ends_itself_is_reported_as_an_error() -> None:
    with Database(None) as database:
        with pytest.raises(HistoryError, match="the history cannot be written: cannot commit"):
            insert(database, lambda connection: connection.execute("ROLLBACK"))
        Book(database).cycle(drifted())


def test_a_transaction_within_another_is_an_error_and_does_not_end_it() -> None:
    with Database(None) as database:
        with database.transaction() as connection:
            connection.execute("INSERT INTO journal (at, line) VALUES (0, '{}')")
            with pytest.raises(HistoryError, match="cannot start a transaction within a transaction"):
                insert(database, lambda _connection: None)
        assert list(journal_lines(database)) == [b"{}"]


def test_a_history_that_is_closed_can_be_neither_read_nor_written(file: Path) -> None:
    with Database(str(file)) as database:
        pass
    with pytest.raises(HistoryError, match=f"the history {file} cannot be read: Cannot operate on a closed"):
        database.rows("SELECT 1")
    with pytest.raises(HistoryError, match="cannot be written"):
        database.bind({BUILT_IN_API: BaseUrl("https://api.example.com")})


def test_a_full_disk_is_an_error_until_there_is_space(file: Path) -> None:
    with Database(str(file)) as database:
        book = Book(database)
        book.cycle(drifted())
        wal = file.with_name("history.db-wal")
        failures = 0
        with full_disk(wal.stat().st_size + 4096):
            for number in range(3):
                with pytest.raises(HistoryError, match=f"the history {file} cannot be written: "):
                    book.cycle(drifted("x" * 10_000, name=f"key-{number}"))
                failures += 1
            assert len(book.episodes()) == 1
        book.cycle(drifted(), drifted(name="after"))
        assert [one.address for one in book.episodes()] == ["caas/1/76/web", "caas/1/76/after"]
        assert database.rows("PRAGMA integrity_check") == [("ok",)]
        assert follows(database)
    with Database(str(file)) as database:
        assert len(database.rows("SELECT * FROM episode")) == 2


def test_an_unrecorded_correction_is_not_in_the_history() -> None:
    with Database(None) as database:
        book = Book(database)
        book.cycle(drifted())
        database.rows(f"PRAGMA max_page_count = {database.rows('PRAGMA page_count')[0][0]}")
        with pytest.raises(HistoryError, match="the history cannot be written: database or disk is full"):
            book.cycle(*[drifted("x" * 5000, name=f"key-{number}") for number in range(20)])
        database.rows("PRAGMA max_page_count = 100000")
        assert book.outcomes() == ["left to a person"]
        book.cycle(drifted(), correct=Result.APPLIED)
        assert book.outcomes() == ["corrected"]


def test_threads_share_a_history(file: Path) -> None:
    with Database(str(file)) as database:
        clock = FakeClock()
        history = History(database, RUN, clock.now)
        names = [f"key-{number}" for number in range(8)]
        history.begin_cycle()
        history.record_drift([drifted(name=name) for name in names], everywhere)
        failures: list[BaseException] = []

        def work(name: str) -> None:
            try:
                for number in range(5):
                    history.append(json.dumps([name, number]).encode())
                history.finished(Outcome(correction(drifted(name=name)), Result.APPLIED))
            except BaseException as error:  # noqa: BLE001 - a thread reports no exception
                failures.append(error)

        threads = [threading.Thread(target=work, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        lines = [json.loads(line) for line in journal_lines(database)]
        assert sorted(lines) == [[name, number] for name in names for number in range(5)]
        assert database.rows("SELECT DISTINCT outcome FROM episode") == [("corrected",)]


def test_a_reader_sees_the_last_committed_transaction(file: Path) -> None:
    with Database(str(file)) as writer, Database(str(file)) as reader:
        Book(writer).history.append(b"{}\n")
        with writer.transaction() as connection:
            connection.execute("DELETE FROM journal")
            assert list(journal_lines(reader)) == [b"{}\n"]
        assert list(journal_lines(reader)) == []


def test_a_history_locked_by_another_process_is_an_error_until_released(file: Path) -> None:
    with Database(str(file)) as one, Database(str(file)) as other:
        other.rows("PRAGMA busy_timeout = 0")
        history = Book(other).history
        with one.transaction(), pytest.raises(HistoryError, match=f"{file} cannot be written: .*locked"):
            history.append(b"{}\n")
        history.append(b"{}\n")
        assert list(journal_lines(one)) == [b"{}\n"]


def test_processes_that_create_one_history_concurrently_share_it(file: Path) -> None:
    openers = [python(OPENER, str(file)) for _ in range(4)]
    for opener in openers:
        assert pipe(opener.stdout).readline() == "ready\n"
    for opener in openers:
        opener.communicate("go\n", timeout=60)
    assert [opener.returncode for opener in openers] == [0] * 4


def test_two_runs_cannot_write_rounds_into_one_history(file: Path) -> None:
    with python(HOLDER, str(file)) as holder:
        lines_until(holder.stdout, "held")
        message = f"the history {file} is in use by another drift run (process {holder.pid})"
        with pytest.raises(HistoryError, match=re.escape(message)), sole_user(str(file)):
            pass
        with sole_user(f"{file}-other"):
            pass
        holder.kill()
    with sole_user(str(file)):
        pass
    with sole_user(str(file)):
        assert file.with_name("history.db-lock").read_text(encoding="ascii") == f"{os.getpid()}\n"
        assert file.with_name("history.db-lock").stat().st_mode & 0o777 == 0o600


def test_the_lock_is_released_on_an_error(file: Path) -> None:
    with pytest.raises(ZeroDivisionError), sole_user(str(file)):
        raise ZeroDivisionError
    with sole_user(str(file)):
        pass


def test_an_error_under_the_lock_is_not_reported_as_a_lock_error(file: Path) -> None:
    with pytest.raises(FileNotFoundError), sole_user(str(file)):
        raise FileNotFoundError


def test_a_lock_without_a_process_id_is_reported(file: Path) -> None:
    with file.with_name("history.db-lock").open("wb") as lock:
        lock.write(b"\xff\xfe")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(HistoryError, match="is in use by another drift run"), sole_user(str(file)):
            pass


def test_a_lock_that_cannot_be_acquired_is_an_error(file: Path) -> None:
    os.mkfifo(file.with_name("history.db-lock"))
    message = f"the lock {file}-lock cannot be used: "
    with pytest.raises(HistoryError, match=re.escape(message)), sole_user(str(file)):
        pass


def said(process: subprocess.Popen[str], lines: int) -> list[tuple[str, int]]:
    """Kill a writer after the given number of lines, and return its entire output."""
    output = pipe(process.stdout)
    reported = [output.readline() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    reported += output.readlines()
    process.wait()
    pipe(process.stdin).close()
    output.close()
    return [
        (kind, int(number)) for kind, number in (line.split() for line in reported if line.endswith("\n"))
    ]


@pytest.mark.parametrize("lines", [1, 3, 5, 61])
def test_a_killed_writer_loses_no_committed_transaction(file: Path, lines: int) -> None:
    reported = said(python(WRITER, str(file)), lines)
    assert len(reported) >= lines
    last = {kind: max(n for k, n in reported if k == kind) for kind, _ in reported}
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with Database(str(file)) as database:
        rounds = database.rows("SELECT id, ended IS NOT NULL, result FROM round ORDER BY id")
        episodes = database.rows("SELECT live, outcome FROM episode ORDER BY id")
        assert follows(database)
        written = [json.loads(line)["number"] for line in journal_lines(database)]
    assert len(rounds) - last["began"] in {0, 1}
    ended = sum(is_ended for _, is_ended, _ in rounds)
    assert ended - last.get("ended", 0) in {0, 1}
    assert [is_ended for _, is_ended, _ in rounds] == [1] * ended + [0] * (len(rounds) - ended)
    assert all((result is None) != is_ended for _, is_ended, result in rounds)
    assert len(written) - last.get("write", 0) in {0, 1}
    assert written == list(range(1, len(written) + 1))
    assert len(episodes) - last.get("saw", 0) in {0, 1}
    assert [live for live, _ in episodes] == [f'"theirs {number}"' for number in range(1, len(episodes) + 1)]
    corrected = [outcome == "corrected" for _, outcome in episodes]
    assert sum(corrected) - last.get("corrected", 0) in {0, 1}
    assert corrected == [True] * sum(corrected) + [False] * (len(corrected) - sum(corrected))


def test_after_a_killed_writer_the_interrupted_round_is_visible(file: Path) -> None:
    said(python(WRITER, str(file)), 1)
    with Database(str(file)) as database:
        book = Book(database, run=RUN.__class__("run-2", "drift", "1", "x", None))
        last = book.status().last_cycle
        assert last is not None
        assert last.run == "run-1"
        book.history.append(b"{}\n")
