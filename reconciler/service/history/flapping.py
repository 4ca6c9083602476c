"""Contests: fields, and keys, that somebody keeps changing back, and that are no longer corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.canonical import json_text
from reconciler.service.history.database import storable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Mapping

    from reconciler.model.cycle import DriftedField
    from reconciler.service.history.database import Database

    FieldKey = tuple[str, str]


def clear_flapping(database: Database, address: str, field: str) -> bool:
    """End the contest over a field: it is corrected again. Give False if there is none.

    Raises HistoryError.
    """
    with database.transaction() as connection:
        return _end_flapping(connection, (address, field))


def end_flapping(
    connection: sqlite3.Connection,
    declared: Callable[[Collection[FieldKey]], Mapping[FieldKey, str]],
) -> None:
    """End each contest over another value than the files declare now."""
    rows = connection.execute("SELECT address, field, declared FROM contest").fetchall()
    present = declared([(address, field) for address, field, _ in rows]) if rows else {}
    for address, field, value in rows:
        if storable(present.get((address, field), "")) != value:
            _end_flapping(connection, (address, field))


def _end_flapping(connection: sqlite3.Connection, key: FieldKey) -> bool:
    """Forget a contest; corrections up to now do not count towards another. Give False if there is none."""
    found = connection.execute("DELETE FROM contest WHERE address = ? AND field = ?", key)
    if not found.rowcount:
        return False
    # Not by their moments: a correction in the same second that comes after counts.
    connection.execute(
        "INSERT INTO settled SELECT ?, ?, coalesce(max(id), 0) FROM episode"
        " WHERE address = ? AND field = ? AND corrected IS NOT NULL"
        " ON CONFLICT DO UPDATE SET last_episode = excluded.last_episode",
        (*key, *key),
    )
    return True


def add_flapping(
    connection: sqlite3.Connection, field: DriftedField, corrections: int, earliest: float, now: int
) -> None:
    """Note a contest if the field was corrected that often since ``earliest``, or how one goes on."""
    key = (field.address, field.change.field)
    declared, live = json_text(field.declared), json_text(field.live)
    known = connection.execute("UPDATE contest SET live = ? WHERE address = ? AND field = ?", (live, *key))
    if known.rowcount:
        return
    ((count,),) = connection.execute(
        "SELECT count(*) FROM episode WHERE address = ? AND field = ? AND corrected > ? AND declared = ?"
        " AND id > coalesce((SELECT last_episode FROM settled WHERE address = ? AND field = ?), 0)",
        (*key, earliest, declared, *key),
    ).fetchall()
    if count >= corrections:
        statement = "INSERT INTO contest VALUES (?, ?, ?, ?, ?, ?)"
        connection.execute(statement, (*key, declared, live, now, count))
