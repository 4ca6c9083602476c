"""Reading a history needs no right to write, makes nothing, and never shows what was torn."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import HistoryError
from reconciler.service.history.database import Database
from reconciler.service.history.reading import ReadOnlyDatabase
from tests.machine import open_folder, unprivileged
from tests.service.history import RUN, Book, drifted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def store_round(database: Database, number: int) -> None:
    Book(database, run=replace(RUN, run=f"run-{number}")).cycle(drifted())


@pytest.fixture
def file() -> Iterator[Path]:
    """A history of one round, in a folder of its own."""
    with open_folder() as folder:
        place = folder / "kept" / "history.db"
        place.parent.mkdir()
        with Database(str(place)) as database:
            store_round(database, 1)
        yield place


@pytest.fixture
def crashed(file: Path) -> Path:
    """A history of two rounds, as a process that was killed left it: the second is in the log."""
    left = file.parent.parent / "left"
    left.mkdir()
    with Database(str(file)) as database:
        store_round(database, 2)
        for place in file.parent.iterdir():
            shutil.copyfile(place, left / place.name)
    return left / file.name


def contents(file: Path) -> dict[str, bytes]:
    """Return every file of a folder but the index of the log, which contains locks."""
    return {
        place.name: place.read_bytes() for place in file.parent.iterdir() if not place.name.endswith("-shm")
    }


def rounds(file: Path) -> int:
    with ReadOnlyDatabase(str(file)) as database:
        return len(database.rows("SELECT * FROM round"))


@contextlib.contextmanager
def read_only(file: Path) -> Iterator[None]:
    """Become a user who may read a history, and write nothing in its folder."""
    for place in file.parent.iterdir():
        place.chmod(0o444)
    file.parent.chmod(0o555)
    with unprivileged():
        yield


def test_reading_changes_no_file(file: Path) -> None:
    before = contents(file)
    assert rounds(file) == 1
    assert contents(file) == before
    assert [place.name for place in file.parent.iterdir()] == ["history.db"]


def test_read_permission_is_enough_to_read_a_history(file: Path) -> None:
    with read_only(file):
        assert rounds(file) == 1


@pytest.mark.parametrize("index", ["whole", "gone", "empty"])
def test_after_a_crash_a_history_is_readable_without_write_permission(crashed: Path, index: str) -> None:
    other = crashed.parent / "history.db-shm"
    if index == "gone":
        other.unlink()
    elif index == "empty":
        other.write_bytes(b"")
    before = contents(crashed)
    with read_only(crashed):
        assert rounds(crashed) == 2
        assert contents(crashed) == before


@pytest.mark.parametrize("index", ["whole", "gone"])
def test_reading_after_a_crash_does_not_recover_the_files(crashed: Path, index: str) -> None:
    if index == "gone":
        (crashed.parent / "history.db-shm").unlink()
    before = contents(crashed)
    assert rounds(crashed) == 2
    assert contents(crashed) == before


def test_rounds_of_a_running_service_are_visible(file: Path) -> None:
    with Database(str(file)) as database:
        store_round(database, 2)
        assert rounds(file) == 2
        store_round(database, 3)
        assert rounds(file) == 3


def test_a_history_that_changes_during_a_read_is_refused(file: Path) -> None:
    reader = ReadOnlyDatabase(str(file))
    with Database(str(file)) as database:
        store_round(database, 2)
    with pytest.raises(HistoryError, match="changed while it was read; try again"), reader:
        pass


def test_a_history_that_cannot_be_checked_after_a_read_is_refused(file: Path) -> None:
    reader = ReadOnlyDatabase(str(file))
    file.parent.rename(file.parent.with_name("moved"))
    file.parent.touch()
    with pytest.raises(HistoryError, match="cannot be read: Not a directory"), reader:
        pass


def test_nothing_can_be_written_through_a_reader(file: Path) -> None:
    with (
        ReadOnlyDatabase(str(file)) as database,
        pytest.raises(HistoryError, match="cannot be written"),
        database.transaction() as connection,
    ):
        connection.execute("DELETE FROM round")
    assert rounds(file) == 1


def test_a_missing_history_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="cannot be opened: No such file or directory"):
        ReadOnlyDatabase(str(tmp_path / "history.db"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "is empty"), (b"keys: []\n", "not a history"), (b"SQLite", "not a history")]
)
def test_a_file_that_is_not_a_history_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    place = tmp_path / "history.db"
    place.write_bytes(content)
    with pytest.raises(HistoryError, match=reason):
        ReadOnlyDatabase(str(place))
    assert {found.name: found.read_bytes() for found in tmp_path.iterdir()} == {"history.db": content}
