"""The lifetimes of keys in a history, as of the last cycle: expiries and rotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reconciler.model.succession import Lifetimes
    from reconciler.service.history.database import Database

_MOST: Final = 1000
"""So many expiries are stored, the nearest ones."""


def store_lifetimes(database: Database, found: Lifetimes) -> None:
    """Replace the stored lifetimes of keys. Raises HistoryError."""
    expiries = [
        (one.address, one.field, int(one.at.timestamp()), int(one.is_rotated))
        for one in found.expiries[:_MOST]
    ]
    rotations = [
        (one.address, one.successor, one.stage.value, one.ends and int(one.ends.timestamp()), one.step)
        for one in found.rotations
    ]
    with database.transaction() as connection:
        connection.execute("DELETE FROM expiry")
        connection.execute("DELETE FROM rotation")
        for row in expiries:
            connection.execute("INSERT INTO expiry VALUES (?, ?, ?, ?)", row)
        for rotation in rotations:
            connection.execute("INSERT INTO rotation VALUES (?, ?, ?, ?, ?)", rotation)
