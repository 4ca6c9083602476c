"""Read a history without writing to it or to any file beside it.

SQLite creates two files beside one that it reads, which needs permission. If no other process has the history
open, it is read as an immutable file, which is checked at the end; otherwise through the files of the other
process; and if these are incomplete, as after a crash on a disk that is now read-only, from a copy.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import HistoryError
from reconciler.service.history.database import Database, address, check_place, connect, read_only
from reconciler.service.history.tables import views_of

if TYPE_CHECKING:
    import sqlite3

_LOG: Final = "-wal"
_INDEX: Final = "-shm"


class ReadOnlyDatabase(Database):
    """An existing history, for reading; use it as a context manager."""

    def __init__(self, file: str) -> None:
        """Open ``file``. Raises HistoryError if it is missing, not a history or cannot be read."""
        self._copies = ExitStack()
        self._seen: object = None
        try:
            super().__init__(file)
        except BaseException:
            self._copies.close()
            raise

    def __exit__(self, *error: object) -> None:
        """Close the file. Raises HistoryError if it changed while it was read, or cannot be checked."""
        super().__exit__(*error)
        self._copies.close()
        with self._errors("cannot be read"):
            if self._seen is not None and _signature(self.file) != self._seen:
                raise HistoryError(f"{self._name} changed while it was read; try again")

    def _connected(self) -> sqlite3.Connection:
        file = str(self.file)
        with Path(file).open("rb"):
            pass  # says why a file cannot be read, which SQLite does not
        check_place(file)
        if not _facts(file + _LOG)[1]:
            self._seen = _signature(file)
            return connect(address(file, mode="ro", immutable="1"))
        if _facts(file + _INDEX)[1] and (opened := read_only(file)) is not None:
            return opened
        return connect(address(self._copied(file)))

    def _copied(self, file: str) -> str:
        """Copy the file and its log to a temporary folder. Raises HistoryError if they change meanwhile."""
        before = _signature(file)
        folder = self._copies.enter_context(tempfile.TemporaryDirectory())
        copy = str(Path(folder, "history.db"))
        shutil.copyfile(file, copy)
        shutil.copyfile(file + _LOG, copy + _LOG)
        if _signature(file) != before:
            raise HistoryError(f"{self._name} changed while it was read; try again")
        return copy

    def _prepare(self) -> None:
        known = self._format()
        if not known:
            raise HistoryError(f"{self._name} is empty; no run has recorded anything")
        for statement in views_of(known):
            self._connection.execute(statement)


def _facts(file: str) -> tuple[int, int, int]:
    """Return what changes when SQLite writes to a file; the second item is its size; zeros if missing."""
    try:
        facts = Path(file).stat()
    except FileNotFoundError:
        return 0, 0, 0
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def _signature(file: str | None) -> tuple[object, ...]:
    """Return what changes when SQLite writes to the file or to its log."""
    return _facts(f"{file}"), _facts(f"{file}{_LOG}")
