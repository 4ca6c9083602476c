"""Flapping: fields, and keys, that are changed back again and again, and so no longer corrected."""

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
    """Let a field be corrected again; return whether it was contested. Raises HistoryError."""
    with database.transaction() as connection:
        return _clear(connection, (address, field))


def end_flapping(
    connection: sqlite3.Connection,
    declared: Callable[[Collection[FieldKey]], Mapping[FieldKey, str]],
) -> None:
    """Let each field be corrected again for which the files now declare another value."""
    rows = connection.execute("SELECT address, field, declared FROM contest").fetchall()
    present = declared([(address, field) for address, field, _ in rows]) if rows else {}
    for *key, value in rows:
        if storable(present.get((key[0], key[1]), "")) != value:
            _clear(connection, (key[0], key[1]))


def _clear(connection: sqlite3.Connection, key: FieldKey) -> bool:
    if not connection.execute("DELETE FROM contest WHERE address = ? AND field = ?", key).rowcount:
        return False
    # Corrections up to now count no longer, by number: one that comes after in the same second counts.
    connection.execute(
        "INSERT INTO settled SELECT ?1, ?2, coalesce(max(id), 0) FROM episode"
        " WHERE address = ?1 AND field = ?2 AND corrected IS NOT NULL"
        " ON CONFLICT DO UPDATE SET last_episode = excluded.last_episode",
        key,
    )
    return True


def add_flapping(
    connection: sqlite3.Connection, field: DriftedField, corrections: int, earliest: float, now: int
) -> None:
    """Store a field as flapping if corrected so often since ``earliest``, or what it holds now."""
    declared, live = json_text(field.desired), json_text(field.live)
    statement = "UPDATE contest SET live = ? WHERE address = ? AND field = ?"
    if connection.execute(statement, (live, *field.key)).rowcount:
        return
    ((count,),) = connection.execute(
        "SELECT count(*) FROM episode WHERE address = ?1 AND field = ?2 AND corrected > ?3 AND declared = ?4"
        " AND id > coalesce((SELECT last_episode FROM settled WHERE address = ?1 AND field = ?2), 0)",
        (*field.key, earliest, declared),
    ).fetchall()
    if count >= corrections:
        facts = (*field.key, declared, live, now, count)
        connection.execute("INSERT INTO contest VALUES (?, ?, ?, ?, ?, ?)", facts)
