"""Persistence of keys: none, or in an SQLite file. Secrets are never stored."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from typing import TYPE_CHECKING

from gcore_emulator.errors import EmulatorError, SeedError
from gcore_emulator.rendering import canonical_document
from gcore_emulator.seeds import read_key, read_scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from gcore_emulator.keys import StoredKey

_FORMAT = 1
_UNDATED = dt.datetime.max.replace(tzinfo=dt.UTC)  # every stored document has its date
_TABLE = """
CREATE TABLE api_key (
    family TEXT NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (family, scope, name)
) WITHOUT ROWID
"""


class NoStorage:
    """Stores nothing: every run starts empty."""

    fresh = True

    def load(self) -> Iterable[StoredKey]:
        """Return no keys."""
        return ()

    def save(self, keys: Sequence[StoredKey]) -> None:
        """Do nothing."""

    def remove(self, key: StoredKey) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class SqliteStorage:
    """Stores keys in a file that one emulator at a time may use.

    ``fresh`` is true if this run created the file. Raises `EmulatorError` if it cannot be used: locked,
    unreadable, or not a database of this program.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file."""
        self._path = path
        try:
            # The store's lock serializes threads. A second emulator fails at once, not after a wait.
            self._connection = sqlite3.connect(
                path.absolute().as_uri(),  # a name such as file:x would be an address to SQLite
                timeout=0,
                check_same_thread=False,
                uri=True,
            )
        except sqlite3.Error as error:
            raise EmulatorError(f"{path}: {error}") from error
        try:
            self.fresh = self._prepare()
        except (sqlite3.Error, EmulatorError) as error:
            self._connection.close()
            raise EmulatorError(f"{path}: {error}") from error

    def _prepare(self) -> bool:
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        (found,) = self._connection.execute("PRAGMA user_version").fetchone()
        if tables and found == 0:
            raise EmulatorError("holds tables of another program; use another file")
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA journal_mode = WAL")
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            (found,) = self._connection.execute("PRAGMA user_version").fetchone()
            if found not in (0, _FORMAT):
                raise EmulatorError(f"has format {found}, and this version reads format {_FORMAT}")
            if found == 0:
                self._connection.execute(_TABLE)
                self._connection.execute(f"PRAGMA user_version = {_FORMAT}")
        return bool(found == 0)

    def load(self) -> Iterable[StoredKey]:
        """Return every key. Raises `EmulatorError` if a stored one is invalid."""
        rows = self._connection.execute(
            "SELECT family, scope, sequence, document FROM api_key ORDER BY sequence"
        )
        try:
            for family, scope, sequence, document in rows:
                where = f"{family}.{scope}"
                entry = json.loads(document)
                yield read_key(read_scope(family, scope), entry, where=where, now=_UNDATED, sequence=sequence)
        except (SeedError, ValueError, sqlite3.Error) as error:
            raise EmulatorError(f"{self._path}: {error}") from error

    def save(self, keys: Sequence[StoredKey]) -> None:
        """Write the keys in one transaction."""
        rows = [
            (
                key.scope.family,
                key.scope.label,
                key.name,
                key.sequence,
                json.dumps(canonical_document(key, form="fraction")),
            )
            for key in keys
        ]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO api_key VALUES (?, ?, ?, ?, ?)", rows)

    def remove(self, key: StoredKey) -> None:
        """Delete the key's row."""
        with self._connection:
            self._connection.execute(
                "DELETE FROM api_key WHERE family = ? AND scope = ? AND name = ?",
                (key.scope.family, key.scope.label, key.name),
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
