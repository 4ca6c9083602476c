"""Queries of a history. Nothing here writes."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from reconciler.model.cycle import CycleResult, FieldOutcome, ScopeState
from reconciler.model.frozen import dataclass
from reconciler.model.plan import Action, DriftOrigin, Effect
from reconciler.model.status import (
    ApiOutage,
    ConditionState,
    CycleSummary,
    EarlierEpisode,
    Episode,
    FlappingField,
    KeyHistory,
    NewKey,
    Pending,
    ScopeStatus,
    ServiceCondition,
    Status,
)
from reconciler.model.succession import KeyExpiry, KeyRotation, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.model.status import ServiceStatus
    from reconciler.service.history.database import Database

    _Rows = tuple[str, tuple[int | str, ...]]
    """A table with the condition that selects its rows, and the values of that."""

Record = TypeVar("Record")

_LATEST_FIRST: Final = "ORDER BY last_seen DESC, id DESC"
_OF_KEY: Final = f"WHERE address = ? AND last_seen >= ? {_LATEST_FIRST} LIMIT ? OFFSET ?"
_COUNT: Final = "SELECT count(*) FROM round WHERE result = ? AND began >= ?"
_LAST_BEGAN: Final = "SELECT began FROM round ORDER BY id DESC LIMIT 2"
_OLDEST: Final = "SELECT min(began) FROM round UNION ALL SELECT min(last_seen) FROM episode"
_WINDOWS: Final = tuple(dt.timedelta(hours=hours) for hours in (1, 24, 7 * 24, 30 * 24))
_LAST_ID: Final = "SELECT max(id) FROM round WHERE result = ?"
_SUCCESSES: Final = tuple(result.value for result in CycleResult if result.is_success)


def instant(seconds: int) -> dt.datetime:
    """Return the time stored as seconds since 1970."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


_TABLES: Final[Mapping[Callable[..., object], tuple[str, Sequence[str]]]] = {
    kind: (table, [field.name for field in fields(kind)])
    for kind, table in (
        (ConditionState, "condition"),
        (CycleSummary, "round"),
        (EarlierEpisode, "episode"),
        (Episode, "episode"),
        (KeyExpiry, "expiry"),
        (KeyRotation, "rotation"),
        (FlappingField, "contest"),
        (NewKey, "unmanaged"),
        (Pending, "pending"),
        (ScopeStatus, "scope"),
    )
}
"""The table of each record, and its fields."""
_RENAMED: Final = {
    "condition": "name",
    "cycles": "rounds",
    "desired": "declared",
    "is_over": "over",
    "state": "standing",
}
"""The columns of fields that are not called alike."""
_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("began", "ended", "first_seen", "last_seen", "since", "episode.corrected"), instant),
    **dict.fromkeys(("at", "ends"), instant),
    "action": Action,
    "declared": json.loads,
    "effect": Effect,
    "errors": lambda text: tuple(json.loads(text)),
    "live": json.loads,
    "name": lambda text: ApiOutage(text[4:]) if text.startswith("api ") else ServiceCondition(text),
    "origin": DriftOrigin,
    "outcome": FieldOutcome,
    "is_rotated": bool,
    "over": bool,
    "result": CycleResult,
    "stage": Stage,
    "standing": ScopeState,
}
"""How a column, of one table or of all, is read where it is not null; the others are as they are stored."""


def records(
    database: Database, kind: Callable[..., Record], rest: str, values: Sequence[Any] = ()
) -> tuple[Record, ...]:
    """Return a record of ``kind``, a dataclass, for each row of its table that ``rest`` selects.

    Raises HistoryError.
    """
    return tuple(record for _, record in records_with(database, kind, rest, values))


def records_with(
    database: Database,
    kind: Callable[..., Record],
    rest: str,
    values: Sequence[Any] = (),
    extra: Sequence[str] = (),
) -> Iterator[tuple[Sequence[Any], Record]]:
    """Yield for each row the columns ``extra``, and the record of the others. Raises HistoryError."""
    table, names = _TABLES[kind]
    columns = [_RENAMED.get(name, name) for name in names]
    readers = [_READ.get(f"{table}.{column}", _READ.get(column)) for column in columns]
    selected = ", ".join((*extra, *columns))
    rows = database.rows(f"SELECT {selected} FROM {table} {rest}", values)  # noqa: S608 - no value is in it
    stored = list(zip(*rows, strict=True))[len(extra) :]
    # By columns: a page reads ten thousand rows, and this takes half as long as one after the other.
    found = (
        column if read is None else [value if value is None else read(value) for value in column]
        for read, column in zip(readers, stored, strict=False)
    )
    yield from zip(rows, map(kind, *found), strict=True) if rows else ()


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected drift: observed since a time, of addresses that match a glob, the latest ``limit``.

    In a glob ``*`` matches any text, ``?`` one character, ``[...]`` one of several.
    """

    since: dt.datetime
    address: str = "*"
    limit: int = 1000

    @property
    def keys(self) -> _Rows:
        """Return the table of keys with the condition that selects them, and its values."""
        glob, values = self.glob
        return f"drifted_key WHERE last_seen >= ? AND {glob}", (self.seconds, *values)

    @property
    def episodes(self) -> _Rows:
        """Return the table of drift with the condition that selects it, and its values."""
        if self.address == "*":
            return "episode WHERE last_seen >= ?", (self.seconds,)
        keys, values = self.keys  # a glob is held against each key, not against each of its episodes
        found = f"episode WHERE last_seen >= ? AND address IN (SELECT address FROM {keys})"  # noqa: S608 - as above
        return found, (self.seconds, *values)

    @property
    def glob(self) -> _Rows:
        """Return the condition on the address, and its value unless it matches everything."""
        return ("true", ()) if self.address == "*" else ("matches(address, ?)", (self.address,))

    @property
    def seconds(self) -> int:
        """Return the start of the selection in seconds since 1970."""
        return int(self.since.timestamp())


class PerKey(NamedTuple):
    """How many episodes of a key are read in full, and how many before them for its timeline."""

    shown: int = 20
    earlier: int = 180


_PER_KEY: Final = PerKey()


def episodes(database: Database, selection: Selection) -> tuple[tuple[Episode, ...], int]:
    """Return the selected drift, latest first, and its total number. Raises HistoryError."""
    selected, values = selection.episodes
    wanted = f"SELECT id FROM {selected} {_LATEST_FIRST} LIMIT {int(selection.limit)}"  # noqa: S608 - as above
    latest = records(database, Episode, f"WHERE id IN ({wanted}) {_LATEST_FIRST}", values)
    if len(latest) < selection.limit:
        return latest, len(latest)
    return latest, _number(database, selection.episodes)


def window_since(database: Database, at: dt.datetime, earliest: dt.datetime) -> dt.datetime:
    """Return the start of the shortest window, hour, day, week or month, that contains the history.

    It is not before ``earliest``. Raises HistoryError.
    """
    oldest = min((instant(first) for (first,) in database.rows(_OLDEST) if first is not None), default=at)
    fitting = (at - length for length in _WINDOWS if at - length <= oldest)
    return max(next(fitting, earliest), earliest)


def status(
    database: Database,
    selection: Selection,
    at: dt.datetime,
    service: ServiceStatus | None = None,
    per_key: PerKey = _PER_KEY,
) -> Status:
    """Return the state as of ``at``: ``selection.limit`` keys, each with its latest episodes.

    Raises HistoryError.
    """
    is_selected, glob = selection.glob
    with database.snapshot():  # cycles go on while a page is made
        keys, total = _keys(database, selection, per_key)
        # One result at a time: the indexes have them together, and grouping a million rows takes longer.
        since = selection.seconds
        counts = [(result, database.rows(_COUNT, (result.value, since))[0][0]) for result in CycleResult]
        last = records(database, CycleSummary, "ORDER BY id DESC LIMIT 1")
        successes = [database.rows(_LAST_ID, (result,))[0][0] or 0 for result in _SUCCESSES]
        began = [instant(seconds) for (seconds,) in database.rows(_LAST_BEGAN)]
        success = database.rows("SELECT ended FROM round WHERE id = ?", (max(successes),))
        return Status(
            at=at,
            since=selection.since,
            scopes=records(database, ScopeStatus, "ORDER BY scope"),
            flapping=records(database, FlappingField, f"WHERE {is_selected} ORDER BY address, field", glob),
            keys=keys,
            omitted_keys=total - len(keys),
            cycles=tuple((result, count) for result, count in counts if count),
            last_cycle=last[0] if last else None,
            last_success=instant(success[0][0]) if success else None,
            file=database.file,
            service=service,
            pending=records(database, Pending, f"WHERE {is_selected} ORDER BY address, field", glob),
            new_keys=records(database, NewKey, f"WHERE is_new AND {is_selected} ORDER BY address", glob),
            expiries=records(database, KeyExpiry, f"WHERE {is_selected} ORDER BY at, address", glob),
            rotations=records(database, KeyRotation, f"WHERE {is_selected} ORDER BY address", glob),
            apis=shown_apis(database),
            address=selection.address,
            period=began[0] - began[1] if len(began) > 1 else None,
        )


def flapping(database: Database) -> tuple[FlappingField, ...]:
    """Return the contested fields. Raises HistoryError."""
    return records(database, FlappingField, "ORDER BY address, field")


def conditions(database: Database) -> tuple[ConditionState, ...]:
    """Return the conditions of the last cycle. Raises HistoryError."""
    return records(database, ConditionState, "WHERE NOT over ORDER BY name")


def shown_apis(database: Database) -> Mapping[str, str]:
    """Return the API of each kind if the last cycle read several APIs, else empty. Raises HistoryError."""
    known = dict(database.rows("SELECT substr(name, 5), value FROM setting WHERE name LIKE 'api %'"))
    scopes = (scope.partition("/")[0] for (scope,) in database.rows("SELECT scope FROM scope"))
    used = {known.get(kind) for kind in scopes}
    return known if len(used) > 1 else {}


def journal_lines(database: Database) -> Iterator[bytes]:
    """Yield the lines of the journal, oldest first. Raises HistoryError."""
    for (line,) in database.rows("SELECT line FROM journal ORDER BY id"):
        yield line.encode()


def _keys(database: Database, selection: Selection, per_key: PerKey) -> tuple[tuple[KeyHistory, ...], int]:
    if not selection.limit:
        return (), 0
    selected, values = selection.keys
    wanted = f"SELECT address FROM {selected} ORDER BY last_seen DESC, address LIMIT {int(selection.limit)}"  # noqa: S608 - as above
    rows = database.rows(wanted, values)
    keys = tuple(_key(database, address, selection, per_key) for (address,) in rows)
    return keys, len(keys) if len(keys) < selection.limit else _number(database, selection.keys)


def _key(database: Database, address: str, selection: Selection, per_key: PerKey) -> KeyHistory:
    one = (address, selection.seconds)
    shown = records(database, Episode, _OF_KEY, (*one, per_key.shown, 0))
    if len(shown) < per_key.shown:
        return KeyHistory(address, shown)
    earlier = records(database, EarlierEpisode, _OF_KEY, (*one, per_key.earlier, per_key.shown))
    if len(earlier) < per_key.earlier:
        return KeyHistory(address, shown, earlier)
    ((count,),) = database.rows("SELECT count(*) FROM episode WHERE address = ? AND last_seen >= ?", one)
    return KeyHistory(address, shown, earlier, count - len(shown) - len(earlier))


def _number(database: Database, selected: _Rows) -> int:
    rows, values = selected
    ((number,),) = database.rows(f"SELECT count(*) FROM {rows}", values)  # noqa: S608 - as above
    return int(number)
