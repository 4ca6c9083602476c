"""The last applied state, and undeclared live keys, in a history.

A declared field whose live value was as desired, whoever made it so, counts as applied. A file that changes
later is pending until it is applied; a live value that changes meanwhile is drift.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.normalize import normalize
from reconciler.model.canonical import json_text
from reconciler.model.outcome import Result
from reconciler.model.plan import Action
from reconciler.model.scope import scope_text
from reconciler.model.status import NewKey
from reconciler.plan.drift import record_names
from reconciler.plan.origins import BaseKey, BaseState
from reconciler.service.history.database import storable
from reconciler.service.history.object_ids import store_new_id

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterable, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.cycle import DriftedField
    from reconciler.model.desired import DesiredKey, DesiredScope, DesiredState
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change, Plan
    from reconciler.model.scope import Scope
    from reconciler.plan.origins import KeyAtBase
    from reconciler.service.history.compared import Compared
    from reconciler.service.history.database import Database

_STORE: Final = (
    "INSERT INTO applied VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
    " state = excluded.state, fields = excluded.fields, complete = excluded.complete"
    " WHERE state != excluded.state OR fields != excluded.fields OR complete != excluded.complete"
)
_MEET: Final = "INSERT INTO applied VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
"""Stores that a key was there, so that it is not taken for a new one later."""
_NEVER: Final = BaseKey(BaseState.UNKNOWN, {}, is_complete=False)


class Applied:
    """The last applied state, and the live keys that no file declares, by address."""

    def __init__(self, database: Database, kinds: Mapping[str, Kind]) -> None:
        """Read and write ``database``."""
        self._database = database
        self._kinds = kinds
        self._state: DesiredState | None = None
        self._open: frozenset[str] = frozenset()

    def at_base(self) -> KeyAtBase:
        """Return a function that returns the last applied state of the key of a change.

        Both raise HistoryError.
        """
        scopes = self._baseline("declared")

        def look_up(change: Change) -> BaseKey:
            if known := _find(self._database.rows, change.address):
                return known
            if str(change.scope) not in scopes:
                return _NEVER
            if not change.is_undeclared:
                return BaseKey(BaseState.UNMANAGED)
            was_live = self._database.rows("SELECT 1 FROM unmanaged WHERE address = ?", (change.address,))
            return BaseKey(BaseState.UNMANAGED if was_live else BaseState.ABSENT)

        return look_up

    def new_keys(self, plan: Plan, now: dt.datetime) -> tuple[NewKey, ...]:
        """Return the unmanaged keys of ``plan`` that were not live when a cycle first read their scope.

        A key that was declared before is not new, nor is a renamed one. Raises HistoryError.
        """
        scopes = self._baseline()
        known = dict(self._database.rows("SELECT address, iif(is_new, first_seen, NULL) FROM unmanaged"))
        new = []
        renamed = {
            address.removesuffix(one.name) + (one.new_name or "")
            for address, one in plan.identity_changes.items()
        }
        for address in dict.fromkeys(plan.unmanaged):  # several live keys may have one name
            if not scope_text(address, scopes) or address in renamed:
                continue
            stored = storable(address)
            if stored not in known and not _find(self._database.rows, stored):
                new.append(NewKey(address, now.replace(microsecond=0)))
            elif known.get(stored) is not None:
                new.append(NewKey(address, dt.datetime.fromtimestamp(known[stored], dt.UTC)))
        return tuple(new)

    def store_unmanaged(self, plan: Plan, now: dt.datetime) -> None:
        """Store which live keys no file declares; ``plan`` has all keys of its scopes.

        Raises HistoryError.
        """
        new = {key.address for key in self.new_keys(plan, now)}
        present = {*plan.unmanaged, *_left_of(plan)}
        with self._database.transaction() as connection:
            for scope, _ in plan.observed:
                _drop(connection, "unmanaged", scope, present)
            connection.executemany(
                "INSERT INTO unmanaged (address, first_seen, is_new) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [(storable(address), int(now.timestamp()), address in new) for address in plan.unmanaged],
            )
            connection.executemany(
                "INSERT INTO baseline VALUES (?, 0) ON CONFLICT DO NOTHING",
                [(str(scope),) for scope, _ in plan.observed],
            )

    def store(self, compared: Compared) -> None:
        """Store what is applied already: all that the plan does not change. Raises HistoryError."""
        state, plan = compared.state, compared.plan
        changes = {change.address: change for change in (*plan.changes, *plan.withheld)}
        read = {scope for scope, _ in plan.observed}
        scopes = self._baseline("declared")
        left_before = self._open if self._state is state else None
        left: set[str] = set()
        with self._database.transaction() as connection:
            for part in state.scopes:
                if part.scope not in read:
                    left.update(part.scope.address(key.name) for key in part.keys)
                    continue
                base = BaseKey(BaseState.UNMANAGED) if str(part.scope) in scopes else _NEVER
                left.update(self._store_scope(connection, part, changes, compared.has, base, left_before))
                if compared.is_whole:
                    statement = "INSERT INTO baseline VALUES (?, 1) ON CONFLICT DO UPDATE SET declared = 1"
                    connection.execute(statement, (str(part.scope),))
                    addresses = (part.scope.address(key.name) for key in part.keys)
                    rows = [_row(address, base) for address in addresses if not compared.has(address)]
                    connection.executemany(_MEET, rows)
            for change in changes.values():
                if change.is_undeclared and str(change.scope) not in scopes:
                    connection.execute(_MEET, _row(change.address, _NEVER))
        self._state, self._open = (state, frozenset(left)) if compared.is_whole else (None, frozenset())

    def store_pending(
        self, fields: Iterable[DriftedField], was_compared: Callable[[str], bool], now: dt.datetime
    ) -> None:
        """Store the differences that wait for an apply, since when; remove those that no longer wait.

        Raises HistoryError.
        """
        waiting = {field.key: field for field in fields}
        with self._database.transaction() as connection:
            for row in connection.execute("SELECT address, field FROM pending").fetchall():
                if row not in waiting and was_compared(row[0]):
                    connection.execute("DELETE FROM pending WHERE address = ? AND field = ?", row)
            for key, field in waiting.items():
                change = field.change
                before, after = json_text(change.before), json_text(change.after)
                facts = (field.action.value, change.effect.value, change.reason)
                connection.execute(
                    "INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?, ?, ?, ?, coalesce("
                    "(SELECT since FROM pending WHERE address = ? AND field = ? AND declared = ?), ?))",
                    (*key, *facts, before, after, *key, before, int(now.timestamp())),
                )

    def purge_undeclared(self, state: DesiredState, plan: Plan) -> None:
        """Delete the applied state of keys that ``state``, the complete desired state, no longer declares.

        Keys in an exclusive scope remain until they are deleted. Raises HistoryError.
        """
        read = {scope for scope, _ in plan.observed}
        left = _left_of(plan)
        declared = {str(part.scope) for part in state.scopes}
        with self._database.transaction() as connection:
            for part in state.scopes:
                if part.scope in read:
                    present = {part.scope.address(key.name) for key in part.keys}
                    _drop(connection, "applied", part.scope, present | left)
            for (scope,) in connection.execute("SELECT scope FROM baseline").fetchall():
                if scope not in declared and state.doubt(scope) is None:
                    _drop(connection, "applied", scope, set())
                    _drop(connection, "unmanaged", scope, set())
                    connection.execute("DELETE FROM baseline WHERE scope = ?", (scope,))

    def _store_scope(  # noqa: PLR0913, PLR0917 - what decides about each key
        self,
        connection: sqlite3.Connection,
        part: DesiredScope,
        changes: Mapping[str, Change],
        was_compared: Callable[[str], bool],
        base: BaseKey,
        left_before: frozenset[str] | None,
    ) -> Iterable[str]:
        """Store the keys of a scope; ``base`` is used where nothing is stored. Yield those not applied.

        ``left_before`` are those that the last cycle with the same files left; None after other files.
        """
        kind = self._kinds[part.scope.kind]
        for key in part.keys:
            address = part.scope.address(key.name)
            change, is_compared = changes.get(address), was_compared(address)
            if change is not None or not is_compared:
                yield address
            elif left_before is not None and address not in left_before:
                continue  # stored in the last cycle, which read the same files
            if is_compared:
                stored = _applied(kind, key, change, _find(connection.execute, address) or base)
                if stored.state is not BaseState.UNMANAGED:
                    connection.execute(_STORE, _row(address, stored))

    def _baseline(self, which: str = "1") -> frozenset[str]:
        rows = self._database.rows(f"SELECT scope FROM baseline WHERE {which}")  # noqa: S608 - a column
        return frozenset(scope for (scope,) in rows)


def _left_of(plan: Plan) -> set[str]:
    """Return the addresses of undeclared keys that wait to be deleted, and of those that have a problem.

    A key that could not be compared, such as one of an ambiguous name, is neither deleted nor new.
    """
    waiting = {change.address for change in (*plan.changes, *plan.withheld) if change.is_undeclared}
    return waiting | {problem.address for problem in plan.problems}


def store_write(connection: sqlite3.Connection, outcome: Outcome) -> None:
    """Store what a write has applied, within a transaction."""
    change = outcome.change
    if not outcome.result.is_success and not (change.action.adds and outcome.secret_at):
        return
    store_new_id(connection, outcome)
    if change.is_undeclared:
        connection.execute("DELETE FROM applied WHERE address = ?", (change.address,))
        return
    if change.action is Action.DELETE:
        connection.execute(_STORE, _row(change.address, BaseKey(BaseState.ABSENT)))
        return
    before = _find(connection.execute, change.address) or _NEVER
    connection.execute(_STORE, _row(change.address, _after_write(outcome, before)))


def _after_write(outcome: Outcome, before: BaseKey) -> BaseKey:
    """Return the applied state of a key that exists after a write: only values that were confirmed."""
    change = outcome.change
    if not outcome.result.is_success:
        return BaseKey(BaseState.DECLARED, is_complete=False)  # a new key whose secret is stored, no more
    is_made = change.action is Action.CREATE and outcome.result is Result.APPLIED
    names: Iterable[str] = record_names(change)
    if change.action is Action.CREATE:
        # A key that somebody else made was compared with what the request would have carried.
        names = change.after if is_made else change.patch.keys() & change.after.keys()
    # What an object leaves out was not applied, and may be anything by the next reading.
    written = {name: json_text(change.parts.get(name, change.after[name])) for name in names}
    return BaseKey(BaseState.DECLARED, {**before.fields, **written}, is_made or before.is_complete)


def _applied(kind: Kind, key: DesiredKey, change: Change | None, before: BaseKey) -> BaseKey:
    """Return the applied state of a key after a cycle that found ``change`` or no difference."""
    if change is not None and (key.is_absent or change.action in {Action.CREATE, Action.DELETE}):
        return before
    if key.is_absent:
        return BaseKey(BaseState.ABSENT)
    left = frozenset[str]() if change is None else frozenset(field.field for field in change.fields)
    ignored = key.lifecycle.ignore_changes
    fields: dict[str, str] = {}
    for name, value in key.fields.items():
        if name == kind.identity or name in ignored:
            continue
        if name not in left:
            fields[name] = json_text(normalize(kind.fields[name], value))
        elif name in before.fields:
            fields[name] = before.fields[name]
    return BaseKey(BaseState.DECLARED, fields, not left or before.is_complete)


def _find(query: Callable[[str, tuple[str]], Iterable[Any]], address: str) -> BaseKey | None:
    """Return the last applied state of a key, None if nothing is stored."""
    rows = query("SELECT state, fields, complete FROM applied WHERE address = ?", (address,))
    for state, fields, is_complete in rows:
        return BaseKey(BaseState(state), json.loads(fields), bool(is_complete))
    return None


def _row(address: str, key: BaseKey) -> tuple[Any, ...]:
    return address, key.state.value, json.dumps(key.fields, sort_keys=True), int(key.is_complete)


def _drop(connection: sqlite3.Connection, table: str, scope: Scope | str, but: Collection[str]) -> None:
    """Delete the rows of the keys of a scope, except some."""
    front = storable(f"{scope}/")
    safe = {storable(address) for address in but}
    rows = connection.execute(
        f"SELECT address FROM {table} WHERE substr(address, 1, length(?)) = ?",  # noqa: S608 - a table
        (front, front),
    ).fetchall()
    gone = [row for row in rows if row[0] not in safe]
    connection.executemany(f"DELETE FROM {table} WHERE address = ?", gone)  # noqa: S608 - as above
