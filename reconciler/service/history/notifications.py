"""What of a history a team has not been told yet, and how long a trouble has lasted."""

from __future__ import annotations

import datetime as dt
from operator import itemgetter
from typing import TYPE_CHECKING

from reconciler.model.status import NewKey
from reconciler.render.notification import AFTER_CYCLES, ConditionState, PendingNotification, ServiceCondition
from reconciler.service.history.queries import EPISODE, episode_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.service.history.database import Database

_RETRIED_FOR = dt.timedelta(days=1)
_MOST = 100_000


class Notifications:
    """The untold part of a history."""

    def __init__(self, database: Database) -> None:
        """Store the open database."""
        self._database = database

    def pending(self, now: dt.datetime) -> tuple[PendingNotification, ...]:
        """Return drift without a notification of its outcome, oldest first, unless it ended a day ago.

        Raises HistoryError.
        """
        earliest = int((now - _RETRIED_FOR).timestamp())
        waiting = sorted(AFTER_CYCLES)
        # What may have to wait comes last, or much of it would keep the rest from being told.
        rows = self._database.rows(
            f"{EPISODE} WHERE told != outcome AND (ended IS NULL OR ended >= ?)"
            f" ORDER BY ended IS NULL AND outcome IN ({', '.join('?' * len(waiting))}), rounds DESC, id"
            f" LIMIT {_MOST}",
            (earliest, *waiting),
        )
        return tuple(
            PendingNotification(row[0], row[1], episode_of(row)) for row in sorted(rows, key=itemgetter(0))
        )

    def mark_notified(self, untold: Iterable[PendingNotification]) -> None:
        """Note that somebody has been told, or never will be. Raises HistoryError."""
        facts = [(one.episode.outcome.value, one.number) for one in untold]
        with self._database.transaction() as connection:
            connection.executemany("UPDATE episode SET told = ? WHERE id = ?", facts)

    def pending_keys(self) -> tuple[NewKey, ...]:
        """Return the new undeclared keys that were not notified yet, sorted. Raises HistoryError."""
        rows = self._database.rows(
            "SELECT address, first_seen FROM unmanaged WHERE is_new AND NOT told ORDER BY address"
        )
        return tuple(NewKey(address, dt.datetime.fromtimestamp(first, dt.UTC)) for address, first in rows)

    def mark_keys_notified(self, keys: Iterable[NewKey]) -> None:
        """Store that new undeclared keys have been notified. Raises HistoryError."""
        with self._database.transaction() as connection:
            for key in keys:
                connection.execute("UPDATE unmanaged SET told = 1 WHERE address = ?", (key.address,))

    def update(
        self, troubles: Iterable[ServiceCondition], after_cycles: int, now: dt.datetime
    ) -> tuple[ConditionState, ...]:
        """Note which troubles this round had, and give those to tell: after so many rounds, and when over.

        That the files are invalid is told at once. Raises HistoryError.
        """
        present = set(troubles)
        conditions = []
        with self._database.transaction() as connection:
            connection.execute("UPDATE condition SET over = 1")
            for trouble in present:
                connection.execute(
                    "INSERT INTO condition VALUES (?, ?, 1, 0, 0)"
                    " ON CONFLICT DO UPDATE SET rounds = rounds + 1, over = 0",
                    (trouble.value, int(now.timestamp())),
                )
            connection.execute("DELETE FROM condition WHERE over AND NOT told")
            rows = connection.execute(
                "SELECT name, since, rounds, told FROM condition ORDER BY name"
            ).fetchall()
        for name, since, rounds, told in rows:
            trouble = ServiceCondition(name)
            needed = 1 if trouble is ServiceCondition.FILES else after_cycles
            is_over = trouble not in present
            if is_over or (not told and rounds >= needed):
                moment = dt.datetime.fromtimestamp(since, dt.UTC)
                conditions.append(ConditionState(trouble, moment, rounds, is_over))
        return tuple(conditions)

    def mark_condition_notified(self, condition: ConditionState) -> None:
        """Note that somebody has been told of a trouble, or of its end. Raises HistoryError."""
        over = "DELETE FROM condition WHERE name = ?"
        begun = "UPDATE condition SET told = 1 WHERE name = ?"
        with self._database.transaction() as connection:
            connection.execute(over if condition.is_over else begun, (condition.condition.value,))
