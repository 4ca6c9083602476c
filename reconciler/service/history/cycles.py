"""Record the results of reconcile cycles, each step in a transaction of its own.

Flapping fields and keys are changed back repeatedly, and so no longer corrected.
"""

from __future__ import annotations

import json
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.model.canonical import json_text
from reconciler.model.cycle import FieldOutcome, ScopeState
from reconciler.model.frozen import dataclass
from reconciler.model.plan import Action
from reconciler.plan.drift import WHOLE_KEY, record_names
from reconciler.service.history.applied import store_write
from reconciler.service.history.database import storable

if TYPE_CHECKING:
    import datetime as dt
    import sqlite3
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from reconciler.model.cycle import CycleReport, DriftedField
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change
    from reconciler.model.scope import Scope
    from reconciler.plan.drift import FlappingRule
    from reconciler.service.history.database import Database

    FieldKey = tuple[str, str]
    """The address of a key, and the name of a field."""


_SETTLE = (
    "UPDATE episode SET outcome = ?, detail = ?"
    " WHERE address = ? AND field = ? AND ended IS NULL AND (outcome != ? OR detail != ?)"
)
"""Writes nothing where that is stored already, as it is in most rounds."""


@dataclass(frozen=True, slots=True)
class HistoryRun:
    """The writer of records: an identifier, the command, the version, the actor, the files' commit."""

    run: str
    command: str
    version: str
    who: str
    git_commit: str | None


class History:
    """The records that one run adds to a history: cycles, their drift, its outcomes, and a journal.

    Every method raises HistoryError.
    """

    def __init__(self, database: Database, run: HistoryRun, clock: Callable[[], dt.datetime]) -> None:
        """Store the open database and the clock, and record the run."""
        self.database = database
        self._run = run.run
        self._clock = clock
        self._cycle = 0
        facts = (run.run, self._now(), run.command, run.version, run.who, run.git_commit)
        with database.transaction() as connection:
            connection.execute("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?)", facts)

    def begin_cycle(self) -> None:
        """Record the start of a cycle, so that an interrupted cycle is visible."""
        with self.database.transaction() as connection:
            statement = "INSERT INTO round (run, began) VALUES (?, ?)"
            self._cycle = connection.execute(statement, (self._run, self._now())).lastrowid or 0

    def contested(
        self,
        drifted: Iterable[DriftedField],
        declared: Callable[[Mapping[FieldKey, str]], Mapping[FieldKey, str]],
        rule: FlappingRule,
    ) -> frozenset[FieldKey]:
        """Return the fields that are not to be corrected, because they are repeatedly changed back.

        ``declared`` returns the normal forms, as JSON, that the files now declare for some fields, called
        with those that flap: flapping around another value has ended.
        """
        earliest = self._now() - rule.window.total_seconds()
        with self.database.transaction() as connection:
            _end_flapping(connection, declared)
            for field in drifted:
                _add_flapping(connection, field, rule.corrections, earliest, self._now())
            return frozenset(connection.execute("SELECT address, field FROM contest").fetchall())

    def record_drift(
        self,
        drifted: Iterable[DriftedField],
        compared: Callable[[str], bool],
        declared: Callable[[Collection[FieldKey]], Collection[FieldKey]] = tuple,
    ) -> None:
        """Record the drift of this cycle, before any of it is corrected.

        ``compared`` returns whether the key at an address was compared, or is no longer declared: its drift
        that was not observed again has ended. ``declared`` returns those of some fields that the files still
        declare: the others may have any value.
        """
        now = self._now()
        with self.database.transaction() as connection:
            gone = set(connection.execute("SELECT address, field FROM episode WHERE ended IS NULL"))
            for field in drifted:
                gone.discard(field.key)
                _record(connection, field, now)
            over = [key for key in sorted(gone) if compared(key[0])]
            known = set(declared(over))
            for key in over:
                _end(connection, key, FieldOutcome.ENDED if key in known else FieldOutcome.UNDECLARED, now)

    def append(self, line: bytes) -> None:
        """Store a line of a journal, on disk when this returns."""
        with self.database.transaction() as connection:
            connection.execute("INSERT INTO journal (at, line) VALUES (?, ?)", (self._now(), line.decode()))

    def started(self, change: Change) -> None:
        """Do nothing before a write: a journal records it."""

    def finished(self, outcome: Outcome) -> None:
        """Record the outcome of a correction by a write, and what it applied."""
        result, change = FieldOutcome.of(outcome.result), outcome.change
        with self.database.transaction() as connection:
            store_write(connection, outcome)
            for name in record_names(change):
                self._settle(
                    connection, (change.address, name), result, outcome.detail, _desired(change, name)
                )

    def end_cycle(self, report: CycleReport, declared: Iterable[Scope]) -> None:
        """Record the end of the cycle, and the state of all scopes; ``declared`` are those of the files."""
        counts = Counter(field.outcome for field in report.fields)
        with self.database.transaction() as connection:
            for field in report.fields:  # what was corrected too: the disk may have been full then
                desired = json_text(field.desired)
                self._settle(connection, field.key, field.outcome, field.detail, desired)
            facts = {
                "ended": int(report.ended.timestamp()),
                "result": report.result.value,
                "drifted": len(report.fields),
                "corrected": counts[FieldOutcome.CORRECTED],
                "contested": counts[FieldOutcome.CONTESTED],
                "errors": json.dumps(report.errors),
                "pending": len(report.pending),
            }
            changes = ", ".join(f"{column} = ?" for column in facts)
            connection.execute(f"UPDATE round SET {changes} WHERE id = ?", (*facts.values(), self._cycle))  # noqa: S608 - columns
            _record_scopes(connection, report, declared)

    def purge(self, retention: dt.timedelta) -> None:
        """Delete records that ended longer than ``retention`` ago; drift that lasts remains."""
        latest = self._now() - int(retention.total_seconds())
        with self.database.transaction() as connection:
            for rows, values in (
                ("round WHERE began < ? AND id != ?", (latest, self._cycle)),
                ("episode WHERE last_seen < ? AND ended < ?", (latest, latest)),
                ("journal WHERE at < ?", (latest,)),
                (
                    "run WHERE began < ? AND id NOT IN (SELECT run FROM round) AND id != ?",
                    (latest, self._run),
                ),
            ):
                connection.execute(f"DELETE FROM {rows}", values)  # noqa: S608 - no value is in it

    def _settle(
        self, connection: sqlite3.Connection, key: FieldKey, outcome: FieldOutcome, detail: str, desired: str
    ) -> None:
        """Record the outcome of drift: corrected, if the field now has the value ``desired``."""
        if outcome is not FieldOutcome.CORRECTED:
            facts = (outcome.value, detail)
            connection.execute(_SETTLE, (*facts, *key, *facts))
            return
        now = self._now()
        changes = "ended = ?, outcome = ?, detail = '', corrected = ?, run = ?"
        _update(connection, key, changes, (now, outcome.value, now, self._run), {"declared": desired})
        _end(connection, key, FieldOutcome.ENDED, now)

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _desired(change: Change, name: str) -> str:
    """Return, as JSON, the value that a write gives to a field, or to a key that it creates or deletes."""
    if name != WHOLE_KEY:
        return json_text(change.after[name])
    return json_text(dict(change.after)) if change.action is Action.CREATE else "null"


def _record(connection: sqlite3.Connection, field: DriftedField, now: int) -> None:
    change, values = field.change, {"declared": json_text(field.desired), "live": json_text(field.live)}
    seen = (now, field.origin)
    if _update(connection, field.key, "last_seen = ?, rounds = rounds + 1, origin = ?", seen, values):
        return
    _end(connection, field.key, FieldOutcome.CHANGED, now)
    facts = (change.effect.value, change.reason, *values.values(), now, now)
    connection.execute(
        "INSERT INTO episode (address, field, effect, reason, declared, live, first_seen, last_seen, outcome,"
        " action, origin, rounds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
        (*field.key, *facts, field.outcome.value, field.action.value, field.origin),
    )


def _end(connection: sqlite3.Connection, key: FieldKey, outcome: FieldOutcome, now: int) -> None:
    _update(connection, key, "ended = ?, outcome = ?, detail = ''", (now, outcome.value))


def _update(
    connection: sqlite3.Connection,
    key: FieldKey,
    changes: str,
    values: Sequence[object],
    wanted: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Update the open drift of a field if its columns have the ``wanted`` values; return the row count."""
    conditions = "".join(f" AND {column} = ?" for column in wanted)
    statement = f"UPDATE episode SET {changes} WHERE address = ? AND field = ? AND ended IS NULL{conditions}"  # noqa: S608 - no value is in it
    return connection.execute(statement, (*values, *key, *wanted.values())).rowcount


def _record_scopes(connection: sqlite3.Connection, report: CycleReport, declared: Iterable[Scope]) -> None:
    """Record the state of the scopes; delete those that the files, if any were read, do not declare.

    A scope whose names could not be looked up stands for the known scopes that they may mean.
    """
    known = {str(scope): scope for scope in declared}
    named = [scope for scope in known.values() if scope.is_named]
    before = [scope for (scope,) in connection.execute("SELECT scope FROM scope").fetchall()]
    for scope in before if known else ():
        if scope not in known and not any(one.may_hold(scope) for one in named):
            connection.execute("DELETE FROM scope WHERE scope = ?", (scope,))
    for part in report.scopes:
        # Of a scope that cannot be read, the number of keys is the last that was known.
        keys = None if part.state is ScopeState.UNREACHABLE else part.keys
        meant = [scope for scope in before if part.scope.may_hold(scope)] or [str(part.scope)]
        facts = (part.state.value, int(report.ended.timestamp()), keys, part.detail)
        for scope in meant:
            connection.execute(
                "INSERT INTO scope VALUES (?, ?, ?, coalesce(?, 0), ?) ON CONFLICT DO UPDATE"
                " SET since = iif(standing = excluded.standing, since, excluded.since),"
                " standing = excluded.standing, keys = coalesce(?, keys), detail = excluded.detail",
                (scope, *facts, keys),
            )


def clear_flapping(database: Database, address: str, field: str) -> bool:
    """Allow corrections of a field again; return whether it was contested. Raises HistoryError."""
    with database.transaction() as connection:
        return _clear(connection, (address, field))


def _end_flapping(
    connection: sqlite3.Connection,
    declared: Callable[[Mapping[FieldKey, str]], Mapping[FieldKey, str]],
) -> None:
    """Allow corrections again of each field for which the files now declare another value."""
    rows = connection.execute("SELECT address, field, declared FROM contest").fetchall()
    present = declared({(address, field): value for address, field, value in rows}) if rows else {}
    for *key, value in rows:
        if storable(present.get((key[0], key[1]), "")) != value:
            _clear(connection, (key[0], key[1]))


def _clear(connection: sqlite3.Connection, key: FieldKey) -> bool:
    if not connection.execute("DELETE FROM contest WHERE address = ? AND field = ?", key).rowcount:
        return False
    # Corrections up to now count no longer, by number: one that comes after in the same second counts.
    connection.execute(
        "INSERT INTO settled SELECT ?, ?, coalesce(max(id), 0) FROM episode"
        " WHERE address = ? AND field = ? AND corrected IS NOT NULL"
        " ON CONFLICT DO UPDATE SET last_episode = excluded.last_episode",
        (*key, *key),
    )
    return True


def _add_flapping(
    connection: sqlite3.Connection, field: DriftedField, corrections: int, earliest: float, now: int
) -> None:
    """Store a field as flapping if it was corrected often enough since ``earliest``; update its value."""
    declared, live = json_text(field.desired), json_text(field.live)
    statement = "UPDATE contest SET live = ? WHERE address = ? AND field = ?"
    if connection.execute(statement, (live, *field.key)).rowcount:
        return
    ((count,),) = connection.execute(
        "SELECT count(*) FROM episode WHERE address = ? AND field = ? AND corrected > ? AND declared = ?"
        " AND id > coalesce((SELECT last_episode FROM settled WHERE address = ? AND field = ?), 0)",
        (*field.key, earliest, declared, *field.key),
    ).fetchall()
    if count >= corrections:
        facts = (*field.key, declared, live, now, count)
        connection.execute("INSERT INTO contest VALUES (?, ?, ?, ?, ?, ?)", facts)
