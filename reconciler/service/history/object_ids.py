"""Which live object each declared name stands for, by a history, where the service makes ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.identity import identified
from reconciler.service.history.database import storable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey, DesiredScope, DesiredState
    from reconciler.model.outcome import Outcome
    from reconciler.plan.report import DriftReport
    from reconciler.service.history.database import Database

_STORE: Final = "INSERT INTO object_id VALUES (?, ?) ON CONFLICT DO UPDATE SET id = excluded.id"
_STORE_FIRST: Final = "INSERT INTO object_id VALUES (?, ?) ON CONFLICT DO NOTHING"
_EARLY: Final = "SELECT address FROM episode WHERE ended IS NULL AND rounds < ?"
_FORGET: Final = "DELETE FROM object_id WHERE address = ?"


class ObjectIds:
    """The ids of the objects that declared names stand for, by address."""

    def __init__(self, database: Database, kinds: Mapping[str, Kind], rounds: int) -> None:
        """Read and write ``database``; another id is stored once so many ``rounds`` have reported it."""
        self._database, self._kinds, self._rounds = database, kinds, rounds

    def identified(
        self, report: DriftReport, state: DesiredState, was_compared: Callable[[str], bool]
    ) -> DriftReport:
        """Return ``report`` with what became of the objects whose ids are stored. Raises HistoryError."""
        known = self._known()
        if not known:
            return report
        addresses = (part.scope.address(key.name) for part, key in self._keys(state))
        ids = {address: known[text] for address in addresses if (text := storable(address)) in known}
        return identified(self._kinds, report, state, was_compared, ids)

    def store(
        self,
        state: DesiredState,
        report: DriftReport,
        was_compared: Callable[[str], bool],
        *,
        is_whole: bool,
    ) -> None:
        """Store the id of each declared live key that was compared, and drop those no longer declared.

        The id of an object that was renamed stays while a person has to decide, any other until enough
        rounds have reported that it is another one: a notification may wait for them. ``is_whole`` is not so
        where the report is about only some keys. Raises HistoryError.
        """
        moved = {key.correction.address: key for key in report.drifted if key.fate is not None}
        early = self._database.rows(_EARLY, (self._rounds,)) if moved else ()
        left = {
            address for address, key in moved.items() if key.is_undecided or (storable(address),) in early
        }
        live = {
            scope: {name: path_id for path_id, name in names.items()}
            for scope, names in report.plan.names.items()
        }
        known, declared, rows = self._known(), set[str](), list[tuple[str, str]]()
        for part, key in self._keys(state):
            address = part.scope.address(key.name)
            text, path_id = storable(address), live.get(part.scope, {}).get(key.name)
            declared.add(text)
            if path_id and known.get(text) != path_id and address not in left and was_compared(address):
                rows.append((text, path_id))
        gone = [(text,) for text in known.keys() - declared if is_whole and state.doubt(text) is None]
        if rows or gone:
            with self._database.transaction() as connection:
                connection.executemany(_STORE, rows)
                connection.executemany(_FORGET, gone)

    def _keys(self, state: DesiredState) -> Iterator[tuple[DesiredScope, DesiredKey]]:
        parts = (part for part in state.scopes if self._kinds[part.scope.kind].has_ids)
        return ((part, key) for part in parts for key in part.keys if not key.is_absent)

    def _known(self) -> dict[str, str]:
        return dict(self._database.rows("SELECT address, id FROM object_id"))


def store_new_id(connection: sqlite3.Connection, outcome: Outcome) -> None:
    """Store which object a name stands for after a write, within a transaction, as far as that is known."""
    change = outcome.change
    address = storable(change.address)
    path_id = outcome.new_id if change.action.adds else "" if change.action.destroys else change.path_id
    if change.action.adds or change.action.destroys:
        connection.execute(_FORGET, (address,))
    # An update stores an id where none is known; another id is reported by a round before it is stored.
    if path_id and path_id != change.name:
        connection.execute(_STORE_FIRST, (address, path_id))
