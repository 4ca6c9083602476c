"""The pending notifications of a history, and the duration of conditions."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from reconciler.model.status import ConditionState, Episode, NewKey, PendingNotification, ServiceCondition
from reconciler.render.notification import AFTER_CYCLES
from reconciler.service.history.queries import records, records_with

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from reconciler.model.status import Condition
    from reconciler.service.history.database import Database

_RETRIED_FOR = dt.timedelta(days=1)
_MOST = 100_000


class Notifications:
    """The pending notifications of a history. Every method raises HistoryError."""

    def __init__(self, database: Database) -> None:
        """Store the open database."""
        self._database = database

    def pending(self, now: dt.datetime) -> tuple[PendingNotification, ...]:
        """Return drift without a notification of its outcome, oldest first, unless it ended a day ago."""
        waiting = sorted(AFTER_CYCLES)
        # What may have to wait comes last, or much of it would keep the rest from being notified.
        rest = (
            "WHERE told != outcome AND (ended IS NULL OR ended >= ?)"
            f" ORDER BY ended IS NULL AND outcome IN ({', '.join('?' * len(waiting))}), rounds DESC, id"
            f" LIMIT {_MOST}"
        )
        values = (int((now - _RETRIED_FOR).timestamp()), *waiting)
        rows = records_with(self._database, Episode, rest, values, ("id", "told"))
        pending = (PendingNotification(row[0], row[1], episode) for row, episode in rows)
        return tuple(sorted(pending, key=lambda pending: pending.number))

    def mark_notified(self, notified: Iterable[PendingNotification]) -> None:
        """Store that a notification was sent, or never will be."""
        facts = [(pending.episode.outcome.value, pending.number) for pending in notified]
        self._write("UPDATE episode SET told = ? WHERE id = ?", facts)

    def pending_keys(self) -> tuple[NewKey, ...]:
        """Return the new undeclared keys without a notification, sorted."""
        return records(self._database, NewKey, "WHERE is_new AND NOT told ORDER BY address")

    def mark_keys_notified(self, keys: Iterable[NewKey]) -> None:
        """Store that new undeclared keys were notified."""
        self._write("UPDATE unmanaged SET told = 1 WHERE address = ?", [(key.address,) for key in keys])

    def update(
        self, present: Collection[Condition], after_cycles: int, now: dt.datetime
    ) -> tuple[ConditionState, ...]:
        """Store the conditions of this cycle; return those to notify: after ``after_cycles``, and when over.

        Invalid files are notified at once.
        """
        with self._database.transaction() as connection:
            connection.execute("UPDATE condition SET over = 1")
            for condition in set(present):
                connection.execute(
                    "INSERT INTO condition VALUES (?, ?, 1, 0, 0)"
                    " ON CONFLICT DO UPDATE SET rounds = rounds + 1, over = 0",
                    (condition.value, int(now.timestamp())),
                )
            connection.execute("DELETE FROM condition WHERE over AND NOT told")
            rest = "WHERE over OR NOT told AND rounds >= iif(name = ?, 1, ?) ORDER BY name"
            return records(self._database, ConditionState, rest, (ServiceCondition.FILES.value, after_cycles))

    def mark_condition_notified(self, state: ConditionState) -> None:
        """Store that a condition, or its end, was notified; after its end it is deleted."""
        over, begun = "DELETE FROM condition WHERE name = ?", "UPDATE condition SET told = 1 WHERE name = ?"
        self._write(over if state.is_over else begun, [(state.condition.value,)])

    def _write(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with self._database.transaction() as connection:
            connection.executemany(statement, rows)
