"""Writing what rounds find and do, each step in a transaction of its own."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.model.canonical import json_text
from reconciler.model.cycle import FieldOutcome, ScopeState
from reconciler.model.plan import Action
from reconciler.plan.drift import WHOLE_KEY, record_names
from reconciler.service.history.applied import store_write
from reconciler.service.history.flapping import add_flapping, end_flapping

if TYPE_CHECKING:
    import datetime as dt
    import sqlite3
    from collections.abc import Callable, Collection, Iterable, Mapping

    from reconciler.model.cycle import CycleReport, DriftedField
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change
    from reconciler.model.scope import Scope
    from reconciler.plan.drift import FlappingRule
    from reconciler.service.history.database import Database

    FieldKey = tuple[str, str]
    """The address of a key, and the name of a field."""


@dataclass(frozen=True, slots=True)
class HistoryRun:
    """Who writes: an identifier, the command, the version of this tool, the actor, the files' commit."""

    run: str
    command: str
    version: str
    who: str
    git_commit: str | None


class History:
    """What one run adds to a history: rounds, the drift that they saw, and what became of it."""

    def __init__(self, database: Database, run: HistoryRun, clock: Callable[[], dt.datetime]) -> None:
        """Store the open database, what to say of the run, and the present. Raises HistoryError."""
        self.database = database
        self._run = run.run
        self._clock = clock
        self._round = 0
        with database.transaction() as connection:
            facts = (run.run, self._now(), run.command, run.version, run.who, run.git_commit)
            connection.execute("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?)", facts)

    def begin_cycle(self) -> None:
        """Note that a round begins: should it be cut off, that shows. Raises HistoryError."""
        with self.database.transaction() as connection:
            statement = "INSERT INTO round (run, began) VALUES (?, ?)"
            self._round = connection.execute(statement, (self._run, self._now())).lastrowid or 0

    def contested(
        self,
        drifted: Iterable[DriftedField],
        declared: Callable[[Collection[FieldKey]], Mapping[FieldKey, str]],
        rule: FlappingRule,
    ) -> frozenset[FieldKey]:
        """Name the fields that are not to be corrected, because somebody keeps changing them back.

        ``declared`` gives the normal forms, as JSON, that the files now declare for some fields: a contest
        over another value is over. Raises HistoryError.
        """
        earliest = self._now() - rule.window.total_seconds()
        with self.database.transaction() as connection:
            end_flapping(connection, declared)
            for field in drifted:
                add_flapping(connection, field, rule.corrections, earliest, self._now())
            rows = connection.execute("SELECT address, field FROM contest").fetchall()
        return frozenset((address, field) for address, field in rows)

    def record_drift(
        self,
        drifted: Iterable[DriftedField],
        compared: Callable[[str], bool],
        declared: Callable[[Collection[FieldKey]], Collection[FieldKey]] = tuple,
    ) -> None:
        """Note the drift of this round, before any of it is corrected.

        ``compared`` tells whether the key at an address was looked at, or is no longer declared: drift there
        that was not seen again has ended. ``declared`` gives those of some fields that the files still
        declare: one that they do not may hold anything. Raises HistoryError.
        """
        now = self._now()
        with self.database.transaction() as connection:
            gone = set(connection.execute("SELECT address, field FROM episode WHERE ended IS NULL"))
            for field in drifted:
                gone.discard((field.address, field.change.field))
                _saw(connection, field, now)
            over = [key for key in sorted(gone) if compared(key[0])]
            known = set(declared(over))
            for key in over:
                outcome = FieldOutcome.ENDED if key in known else FieldOutcome.UNDECLARED
                _end(connection, key, outcome, now)

    def started(self, change: Change) -> None:
        """Ignore a write before it is sent: a journal records it."""

    def finished(self, outcome: Outcome) -> None:
        """Note what became of the drift that a write was to correct, and what it applied.

        Raises HistoryError.
        """
        result, change = FieldOutcome.of(outcome.result), outcome.change
        with self.database.transaction() as connection:
            store_write(connection, outcome)
            for name in record_names(change):
                key = (change.address, name)
                if result is FieldOutcome.CORRECTED:
                    _corrected(connection, key, _desired(change, name), self._now(), self._run)
                else:
                    _note(connection, key, result, outcome.detail)

    def end_cycle(self, report: CycleReport, declared: Iterable[Scope] | None = None) -> None:
        """Note the end of the round, and how everything stands.

        ``declared`` are all scopes of the files, by default those of the report. Raises HistoryError.
        """
        if declared is None:
            declared = [part.scope for part in report.scopes]
        counts = Counter(field.outcome for field in report.fields)
        with self.database.transaction() as connection:
            for field in report.fields:
                key = (field.address, field.change.field)
                if field.outcome is FieldOutcome.CORRECTED:  # and not noted yet, as the disk was full then
                    _corrected(connection, key, json_text(field.declared), self._now(), self._run)
                else:
                    _note(connection, key, field.outcome, field.detail)
            facts = (
                int(report.ended.timestamp()),
                report.result.value,
                len(report.fields),
                counts[FieldOutcome.CORRECTED],
                counts[FieldOutcome.CONTESTED],
                json.dumps(report.errors),
                len(report.pending),
                self._round,
            )
            connection.execute(
                "UPDATE round SET ended = ?, result = ?, drifted = ?, corrected = ?, contested = ?,"
                " errors = ?, pending = ? WHERE id = ?",
                facts,
            )
            _keep_scopes(connection, report, declared)

    def purge(self, keep: dt.timedelta) -> None:
        """Drop what ended longer than ``keep`` ago; what goes on stays. Raises HistoryError."""
        latest = self._now() - int(keep.total_seconds())
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM round WHERE began < ? AND id != ?", (latest, self._round))
            connection.execute("DELETE FROM episode WHERE last_seen < ? AND ended < ?", (latest, latest))
            connection.execute("DELETE FROM journal WHERE at < ?", (latest,))
            connection.execute(
                "DELETE FROM run WHERE began < ? AND id NOT IN (SELECT run FROM round) AND id != ?",
                (latest, self._run),
            )

    def _now(self) -> int:
        return int(self._clock().timestamp())


class JournalTable:
    """The lines of a journal, kept in a history; a sink."""

    def __init__(self, database: Database, clock: Callable[[], dt.datetime]) -> None:
        """Store the open database, and the present."""
        self._database = database
        self._clock = clock

    def append(self, line: bytes) -> None:
        """Keep a line, on disk when this returns. Raises HistoryError."""
        with self._database.transaction() as connection:
            facts = (int(self._clock().timestamp()), line.decode())
            connection.execute("INSERT INTO journal (at, line) VALUES (?, ?)", facts)


def _desired(change: Change, name: str) -> str:
    """Return, as JSON, what a write makes of a field, or of a key that it creates or deletes."""
    if name != WHOLE_KEY:
        return json_text(change.after[name])
    return json_text(dict(change.after)) if change.action is Action.CREATE else "null"


def _saw(connection: sqlite3.Connection, field: DriftedField, now: int) -> None:
    key = (field.address, field.change.field)
    values = (json_text(field.declared), json_text(field.live))
    seen = connection.execute(
        "UPDATE episode SET last_seen = ?, rounds = rounds + 1, origin = ?"
        " WHERE address = ? AND field = ? AND ended IS NULL AND declared = ? AND live = ?",
        (now, field.origin, *key, *values),
    )
    if seen.rowcount:
        return
    _end(connection, key, FieldOutcome.CHANGED, now)
    connection.execute(
        "INSERT INTO episode (address, field, effect, reason, declared, live, first_seen, last_seen, rounds,"
        " outcome, action, origin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)",
        (
            *key,
            field.change.effect.value,
            field.change.reason,
            *values,
            now,
            now,
            field.outcome.value,
            field.action.value,
            field.origin,
        ),
    )


def _end(connection: sqlite3.Connection, key: FieldKey, outcome: FieldOutcome, now: int) -> None:
    connection.execute(
        "UPDATE episode SET ended = ?, outcome = ?, detail = ''"
        " WHERE address = ? AND field = ? AND ended IS NULL",
        (now, outcome.value, *key),
    )


def _corrected(connection: sqlite3.Connection, key: FieldKey, declared: str, now: int, run: str) -> None:
    """Note that a field now holds ``declared``: a correction, if that is what it had drifted from."""
    connection.execute(
        "UPDATE episode SET ended = ?, outcome = ?, detail = '', corrected = ?, run = ?"
        " WHERE address = ? AND field = ? AND declared = ? AND ended IS NULL",
        (now, FieldOutcome.CORRECTED.value, now, run, *key, declared),
    )
    _end(connection, key, FieldOutcome.ENDED, now)


def _note(connection: sqlite3.Connection, key: FieldKey, outcome: FieldOutcome, detail: str) -> None:
    statement = "UPDATE episode SET outcome = ?, detail = ? WHERE address = ? AND field = ? AND ended IS NULL"
    connection.execute(statement, (outcome.value, detail, *key))


def _keep_scopes(connection: sqlite3.Connection, report: CycleReport, declared: Iterable[Scope]) -> None:
    """Keep how the scopes of a round stand; drop those that the files, if any were read, do not declare."""
    now = int(report.ended.timestamp())
    known = {str(scope) for scope in declared}
    for (scope,) in connection.execute("SELECT scope FROM scope").fetchall() if known else ():
        if scope not in known:
            connection.execute("DELETE FROM scope WHERE scope = ?", (scope,))
    for part in report.scopes:
        # Of a scope that cannot be read, the number of keys is the last that was known.
        keys: Any = None if part.state is ScopeState.UNREACHABLE else part.keys
        connection.execute(
            "INSERT INTO scope VALUES (?, ?, ?, coalesce(?, 0), ?) ON CONFLICT DO UPDATE SET"
            " since = iif(standing = excluded.standing, since, excluded.since), standing = excluded.standing,"
            " keys = coalesce(?, keys), detail = excluded.detail",
            (str(part.scope), part.state.value, now, keys, part.detail, keys),
        )
