"""The live object that each declared name stands for, in a history, where the service makes ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from reconciler.plan.identity import identified
from reconciler.service.history.database import Database, storable
from reconciler.service.history.reading import ReadOnlyDatabase

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterable, Iterator

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey, DesiredScope, DesiredState
    from reconciler.model.endpoint import BaseUrl
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.plan.identity import KnownIds
    from reconciler.plan.report import DriftReport
    from reconciler.service.history.compared import Compared

_STORE: Final = "INSERT INTO object_id VALUES (?, ?) ON CONFLICT DO UPDATE SET id = excluded.id"
_STORE_FIRST: Final = "INSERT INTO object_id VALUES (?, ?) ON CONFLICT DO NOTHING"
_ALL: Final = "SELECT address, id FROM object_id"
_EARLY: Final = "SELECT address FROM episode WHERE ended IS NULL AND rounds < ?"
_FORGET: Final = "DELETE FROM object_id WHERE address = ?"
_FORGET_ONE: Final = "DELETE FROM object_id WHERE address = ? AND id = ?"


class StoredIds(Mapping[str, str]):
    """Ids stored in a history, by address."""

    def __init__(self, known: Mapping[str, str]) -> None:
        """Store ids by addresses as SQLite stores them."""
        self._known = known

    def __getitem__(self, address: str) -> str:
        """Return the id of the object that the name at an address stood for."""
        return self._known[storable(address)]

    def __iter__(self) -> Iterator[str]:
        """Yield the addresses in their stored form."""
        return iter(self._known)

    def __len__(self) -> int:
        """Return the number of known ids."""
        return len(self._known)


class ObjectIds:
    """The ids of the objects that declared names stand for, by address."""

    def __init__(self, database: Database, kinds: Mapping[str, Kind], rounds: int = 1) -> None:
        """Read and write ``database``; a changed id is stored after ``rounds`` cycles have reported it."""
        self._database, self._kinds, self._rounds = database, kinds, rounds

    def identified(
        self, report: DriftReport, state: DesiredState, was_compared: Callable[[str], bool]
    ) -> DriftReport:
        """Return ``report`` with the identity changes of objects whose ids are stored.

        Raises HistoryError.
        """
        known = self._known()
        if not known:
            return report
        return identified(self._kinds, report, state, was_compared, StoredIds(known))

    def store_after_cycle(self, compared: Compared) -> None:
        """Store the id of each declared live key that was compared, and delete those no longer declared.

        The id of an object that was renamed remains while a person must decide, and any other until enough
        cycles have reported the change: a notification may wait for them. That of a key declared absent
        remains while its object exists. Raises HistoryError.
        """
        self._store(compared, self._undecided(compared.plan))

    def store_before_apply(self, compared: Compared) -> None:
        """Store ids as after a cycle, except changed ones, which remain for the next cycle to report, if any.

        Raises HistoryError.
        """
        plan, cycles = compared.plan, self._database.rows("SELECT 1 FROM round LIMIT 1")
        self._store(compared, plan.identity_changes if cycles else self._undecided(plan))

    def _undecided(self, plan: Plan) -> set[str]:
        """Return the addresses whose objects have changed, if a person must be notified of it first."""
        early = self._database.rows(_EARLY, (self._rounds,)) if plan.identity_changes else ()
        withheld = {change.address for change in plan.withheld}
        return {
            address
            for address, identity in plan.identity_changes.items()
            if (identity.needs_decision and address in withheld) or (storable(address),) in early
        }

    def _store(self, compared: Compared, left: Collection[str]) -> None:
        state, plan = compared.state, compared.plan
        known, declared, rows = self._known(), set[str](), list[tuple[str, str]]()
        for part, key, path_id in self._live(state, plan):
            address = part.scope.address(key.name)
            text = storable(address)
            if path_id and known.get(text) != path_id and address not in left and compared.has(address):
                rows.append((text, path_id))
            elif key.is_absent and _is_gone(part, key, known.get(text, ""), plan.names.get(part.scope)):
                continue
            declared.add(text)
        gone = [
            (text,) for text in known.keys() - declared if compared.is_whole and state.doubt(text) is None
        ]
        if rows or gone:
            with self._database.transaction() as connection:
                connection.executemany(_STORE, rows)
                connection.executemany(_FORGET, gone)

    def _live(self, state: DesiredState, plan: Plan) -> Iterator[tuple[DesiredScope, DesiredKey, str | None]]:
        """Yield the declared keys of kinds with ids, each with its id where it is live."""
        for part in state.scopes:
            if self._kinds[part.scope.kind].has_ids:
                ids = {name: path_id for path_id, name in plan.names.get(part.scope, {}).items()}
                yield from ((part, key, ids.get(key.name)) for key in part.keys)

    def _known(self) -> dict[str, str]:
        return dict(self._database.rows(_ALL))


def stored_ids(database: Database) -> KnownIds:
    """Return the ids in a history. Raises HistoryError."""
    return StoredIds(dict(database.rows(_ALL)))


def read_ids(file: str, base_urls: Mapping[str, BaseUrl], scopes: Iterable[Scope]) -> KnownIds:
    """Return the ids in a history file, without writing to it.

    Raises HistoryError if it cannot be read, or belongs to other APIs.
    """
    with ReadOnlyDatabase(file) as database:
        settings = database.rows("SELECT name, value FROM setting")
        known = dict(database.rows(_ALL))
    with Database(None, copy_of=file) as copy:
        with copy.transaction() as connection:
            connection.executemany("INSERT INTO setting VALUES (?, ?)", settings)
        copy.bind(base_urls)
        copy.bind_kinds(scopes)
    return StoredIds(known)


def forget_id(database: Database, address: str) -> bool:
    """Delete the stored id of the object for the name at ``address``; return whether there was one.

    Raises HistoryError.
    """
    with database.transaction() as connection:
        return connection.execute(_FORGET, (address,)).rowcount > 0


def store_new_id(connection: sqlite3.Connection, outcome: Outcome) -> None:
    """Store the id of the object that a name stands for after a write, as far as it is known."""
    change = outcome.change
    address = storable(change.address)
    path_id = outcome.new_id if change.action.adds else "" if change.action.destroys else change.path_id
    if change.action.adds:
        connection.execute(_FORGET, (address,))
    elif change.action.destroys:
        connection.execute(_FORGET_ONE, (address, change.path_id))
    # An update stores an id where none is known; another id is reported by a round before it is stored.
    if path_id and path_id != change.name:
        connection.execute(_STORE_FIRST, (address, path_id))


def _is_gone(part: DesiredScope, key: DesiredKey, path_id: str, names: Mapping[str, str] | None) -> bool:
    """Return whether the object of a key declared absent, and every report about it, has ended.

    ``names`` are those of live objects by id, None where they were not read.
    """
    if names is None or (name := names.get(path_id)) is None:
        return names is not None
    return name != key.name and any(other.name == name for other in part.keys)
