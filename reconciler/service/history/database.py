"""The SQLite file of a history: opened, locked, read, written; the engine's only module that imports sqlite3.

Write-ahead logging with full synchronisation: a transaction that has ended survives a crash of the process
and of the machine, and one that has not leaves no trace. Times are seconds since 1970.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import HistoryError, os_reason
from reconciler.load.write import open_private
from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.endpoint import BaseUrl
from reconciler.service.history.tables import VERSION, steps_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.model.scope import Scope

MAGIC: Final = b"SQLite format 3\0"
"""How the file begins."""
_APPLICATION: Final = 0x7265636F
"""The application identifier in the file's head: ``reco``."""
_HEAD: Final = (
    "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
    " FROM pragma_application_id, pragma_user_version"
)
"""Says whose file it is, in which format. One statement: another process may be making the file."""
_BUSY_SECONDS: Final = 10
_SWITCHES: Final = 20
_LOCK_SIZE: Final = 20


def storable(text: str) -> str:
    """Return ``text`` as SQLite can store it: a lone surrogate becomes its JSON escape."""
    return text.encode("utf-8", "backslashreplace").decode()


class _Connection(sqlite3.Connection):
    """A connection that accepts any text: from an API, the environment or the command line."""

    def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
        safe = [storable(value) if isinstance(value, str) else value for value in values]
        return super().execute(statement, safe)


class Database(AbstractContextManager["Database"]):
    """An open history, for any number of threads; use it as a context manager."""

    def __init__(self, file: str | None, copy_of: str | None = None) -> None:
        """Open ``file``, created if it is missing, or a history in memory for None.

        The latter is a copy of the history ``copy_of``, if given. Raises HistoryError if the file is not a
        history or cannot be used.
        """
        self.file = file
        self._name = f"the history {file or copy_of or ''}".rstrip()
        self._lock = threading.RLock()
        with self._errors("cannot be opened"):
            self._connection = self._connected()
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def __exit__(self, *_error: object) -> None:
        """Close the file, once no other thread uses it."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection for changes that are stored together or not at all. Raises HistoryError."""
        with self._lock, self._errors("cannot be written"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.rollback()
                raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one snapshot of the database within the context. Raises HistoryError."""
        with self._lock, self._errors("cannot be read"):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.rollback()

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query. Raises HistoryError."""
        with self._lock, self._errors("cannot be read"):
            return self._connection.execute(statement, values).fetchall()

    def bind(self, base_urls: Mapping[str, BaseUrl]) -> None:
        """Store the address of each API of the history. Raises HistoryError if it has another.

        Nothing is stored then. An API may be added.
        """
        with self.transaction() as connection:
            for api, base_url in base_urls.items():
                known = _setting(connection, _address_of(api), base_url)
                if BaseUrl.recorded(known) != base_url:
                    what = "" if len(base_urls) == 1 else f"{api} at "
                    raise HistoryError(
                        f"{self._name} is of {what}{known}, not of {base_url}; use another file"
                    )

    def bind_kinds(self, scopes: Iterable[Scope]) -> None:
        """Store the API of each kind. Raises HistoryError if it had an API at another address."""
        with self.transaction() as connection:
            for kind, api in {scope.kind: scope.api for scope in scopes}.items():
                known = _setting(connection, f"api {kind}", api)
                if known == api:
                    continue
                there, here = (_setting(connection, _address_of(name)) for name in (known, api))
                if there != here:
                    was, is_now = f"{known} at {there or 'no address'}", f"{api} at {here or 'no address'}"
                    reason = f"its keys of the kind {kind} are of {was}, not of {is_now}"
                    raise HistoryError(f"{self._name} cannot be used: {reason}; use another file")
                connection.execute("UPDATE setting SET value = ? WHERE name = ?", (api, f"api {kind}"))

    def _connected(self) -> sqlite3.Connection:
        if self.file is None:
            return connect(":memory:")
        check_place(self.file)
        os.close(open_private(self.file))  # SQLite would let others read a file that it makes
        return connect(address(self.file))

    def _prepare(self) -> None:
        connection = self._connection
        self._format()  # before the first change: the file of another program is left as it is
        self._log_ahead()
        connection.execute("PRAGMA synchronous = FULL")
        with self.transaction():
            if (known := self._format()) < VERSION:
                for statement in steps_from(known):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {VERSION}")

    def _log_ahead(self) -> None:
        """Switch to write-ahead logging. Of several concurrent switches all may fail, and none waits."""
        for _ in range(_SWITCHES - 1):
            with suppress(sqlite3.OperationalError):
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            with self.transaction():
                pass  # another process is switching: wait for it
        self._connection.execute("PRAGMA journal_mode = WAL")

    def _format(self) -> int:
        """Return the format of the file, 0 if it is empty. Raises HistoryError for other databases."""
        ((application, version, tables),) = self._connection.execute(_HEAD).fetchall()
        is_ours = application == _APPLICATION
        if is_ours and 1 <= version <= VERSION:
            return int(version)
        if application == version == tables == 0:
            return 0
        what = f"of format {version}, and only those up to {VERSION} are known" if is_ours else "no history"
        raise HistoryError(f"{self._name} cannot be used: it is {what}; use another file")

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise HistoryError(f"{self._name} {what}: {error}") from error
        except OSError as error:
            raise HistoryError(f"{self._name} {what}: {os_reason(error)}") from error


def _address_of(api: str) -> str:
    """Return the name of the setting with the address of an API."""
    return "base_url" if api == BUILT_IN_API else f"base_url {api}"


def _setting(connection: sqlite3.Connection, name: str, value: str | None = None) -> str:
    """Return the stored value of a setting: ``value``, if nothing was stored before."""
    if value is not None:
        connection.execute("INSERT INTO setting VALUES (?, ?) ON CONFLICT DO NOTHING", (name, value))
    rows = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchall()
    return str(rows[0][0]) if rows else ""


def connect(place: str) -> sqlite3.Connection:
    """Open an SQLite file by its address, see :func:`address`."""
    connection = sqlite3.connect(
        place,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        factory=_Connection,
        uri=place != ":memory:",
    )
    # The globs of --address are those of --target, which GLOB is not quite.
    connection.create_function("matches", 2, fnmatchcase, deterministic=True)
    return connection


def read_only(file: str) -> sqlite3.Connection | None:
    """Open a file through the files beside it, for reading; return None if SQLite cannot do that."""
    opened = connect(address(file, mode="ro"))
    try:
        opened.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except sqlite3.Error:
        opened.close()
        return None
    return opened


def address(file: str, **switches: str) -> str:
    """Return the URI of a file for SQLite, which would interpret a name such as ``file:x?mode=ro``."""
    place = Path(file).absolute().as_uri()
    return f"{place}?{'&'.join(f'{name}={value}' for name, value in switches.items())}" if switches else place


def check_place(file: str) -> None:
    """Check that ``file`` is a history or may become one, before anything is created.

    Raises HistoryError for a file of another type, and OSError for one that cannot be read.
    """
    place = Path(file)
    if not place.is_file():
        if place.exists() and not place.is_dir():
            raise HistoryError(
                f"the history {file} cannot be used: it is not a regular file; use another file"
            )
        return
    with place.open("rb") as opened:
        head = opened.read(len(MAGIC))
    is_other = bool(head) and head != MAGIC
    if head == MAGIC:
        # Without locks or files of its own: the database of another program is not even opened.
        with closing(connect(address(file, mode="ro", immutable="1"))) as connection, suppress(sqlite3.Error):
            ((mark, _, tables),) = connection.execute(_HEAD).fetchall()
            is_other = mark != _APPLICATION and (mark, tables) != (0, 0)
    if is_other:
        raise HistoryError(f"the history {file} cannot be used: it is not a history; use another file")


@contextmanager
def sole_user(file: str | None) -> Iterator[None]:
    """Lock the file beside a history, so that no two runs record cycles in it.

    The system releases the lock when the process ends. Raises HistoryError while another process holds it.
    """
    if file is None:
        yield
        return
    path = f"{file}-lock"
    try:
        check_place(file)
        descriptor = open_private(path)
    except OSError as error:
        raise HistoryError(f"the lock {path} cannot be opened: {os_reason(error)}") from error
    try:
        _lock(descriptor, file)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, file: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.pread(descriptor, _LOCK_SIZE, 0).strip(b"0123456789\n"):
            raise HistoryError(
                f"{file}-lock is not the lock of a history; move it away or use another history"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError as error:
        holder = os.pread(descriptor, _LOCK_SIZE, 0).decode("ascii", "replace").strip()
        message = f"the history {file} is in use by another drift run (process {holder}); let it end first"
        raise HistoryError(message) from error
    except OSError as error:
        raise HistoryError(f"the lock {file}-lock cannot be used: {os_reason(error)}") from error
