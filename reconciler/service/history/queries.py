"""Reading a history. Nothing here writes."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.cycle import CycleResult, FieldOutcome, ScopeState
from reconciler.model.plan import Action, DriftOrigin, Effect
from reconciler.model.status import (
    CycleSummary,
    Episode,
    FlappingField,
    KeyHistory,
    NewKey,
    Pending,
    ScopeStatus,
    Status,
)
from reconciler.render.notification import ConditionState, ServiceCondition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.status import ServiceStatus
    from reconciler.service.history.database import Database

EPISODE: Final = (
    "SELECT id, told, address, field, effect, reason, declared, live, first_seen, last_seen, rounds, outcome,"
    " detail, ended, corrected, run, action, origin FROM episode"
)
_ROUND: Final = "SELECT began, ended, result, run, drifted, corrected, contested, errors, pending FROM round"
_SELECTED: Final = "last_seen >= ? AND (? = '*' OR matches(address, ?))"
_SUCCESSES: Final = tuple(result.value for result in CycleResult if result.is_success)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which drift is asked for: seen since a moment, of addresses that match a glob, the latest ``limit``.

    In a glob ``*`` stands for anything, ``?`` for one character, ``[...]`` for one of several.
    """

    since: dt.datetime
    address: str = "*"
    limit: int = 1000

    @property
    def values(self) -> tuple[int, str, str]:
        """Return the moment and the glob, which is asked for twice."""
        return int(self.since.timestamp()), self.address, self.address


def episodes(database: Database, selection: Selection) -> tuple[tuple[Episode, ...], int]:
    """Return the selected drift, latest first, and how much there is in all. Raises HistoryError."""
    latest = f"{EPISODE} WHERE {_SELECTED} ORDER BY last_seen DESC, id DESC LIMIT ?"
    found = tuple(map(episode_of, database.rows(latest, (*selection.values, selection.limit))))
    if len(found) < selection.limit:
        return found, len(found)
    ((total,),) = database.rows(f"SELECT count(*) FROM episode WHERE {_SELECTED}", selection.values)  # noqa: S608 - no value is in it
    return found, total


def status(
    database: Database,
    selection: Selection,
    at: dt.datetime,
    service: ServiceStatus | None = None,
    episodes_of_key: int = 200,
) -> Status:
    """Return how everything stands as of ``at``: ``selection.limit`` keys, each with its latest episodes.

    Raises HistoryError.
    """
    with database.snapshot():  # rounds go on while a page is made
        return _status(database, selection, at, service, episodes_of_key)


def _status(
    database: Database,
    selection: Selection,
    at: dt.datetime,
    service: ServiceStatus | None,
    episodes_of_key: int,
) -> Status:
    since = int(selection.since.timestamp())
    keys, total = _keys(database, selection, episodes_of_key)
    counts = {result: _rounds(database, result, since) for result in CycleResult}
    last = database.rows(f"{_ROUND} ORDER BY id DESC LIMIT 1")
    marks = ", ".join("?" * len(_SUCCESSES))
    success = database.rows(
        f"SELECT ended FROM round WHERE result IN ({marks}) ORDER BY id DESC LIMIT 1",  # noqa: S608 - question marks only
        _SUCCESSES,
    )
    return Status(
        at=at,
        since=selection.since,
        scopes=tuple(_scopes(database)),
        flapping=flapping(database),
        keys=keys,
        omitted_keys=total - len(keys),
        cycles=tuple((result, count) for result, count in counts.items() if count),
        last_cycle=_round(last[0]) if last else None,
        last_success=_moment(success[0][0]) if success else None,
        file=database.file,
        service=service,
        pending=pending(database),
        new_keys=new_keys(database),
    )


def flapping(database: Database) -> tuple[FlappingField, ...]:
    """Return the contested fields, sorted by address. Raises HistoryError."""
    rows = database.rows(
        "SELECT address, field, declared, live, since, corrections FROM contest ORDER BY address, field"
    )
    return tuple(
        FlappingField(address, field, json.loads(declared), json.loads(live), _moment(since), corrections)
        for address, field, declared, live, since, corrections in rows
    )


def pending(database: Database) -> tuple[Pending, ...]:
    """Return what waits for an apply, sorted by address. Raises HistoryError."""
    rows = database.rows(
        "SELECT address, field, action, effect, reason, declared, live, since FROM pending"
        " ORDER BY address, field"
    )
    return tuple(
        Pending(
            address=address,
            field=field,
            action=Action(action),
            effect=Effect(effect),
            reason=reason,
            declared=json.loads(declared),
            live=json.loads(live),
            since=_moment(since),
        )
        for address, field, action, effect, reason, declared, live, since in rows
    )


def new_keys(database: Database) -> tuple[NewKey, ...]:
    """Return the undeclared live keys that rounds have seen come, sorted by address. Raises HistoryError."""
    rows = database.rows("SELECT address, first_seen FROM unmanaged WHERE is_new ORDER BY address")
    return tuple(NewKey(address, _moment(first)) for address, first in rows)


def conditions(database: Database) -> tuple[ConditionState, ...]:
    """Return the troubles of the last round. Raises HistoryError."""
    rows = database.rows("SELECT name, since, rounds FROM condition WHERE NOT over ORDER BY name")
    return tuple(
        ConditionState(ServiceCondition(name), _moment(since), rounds) for name, since, rounds in rows
    )


def journal_lines(database: Database) -> Iterator[bytes]:
    """Return the lines of the journal, oldest first. Raises HistoryError."""
    for (line,) in database.rows("SELECT line FROM journal ORDER BY id"):
        yield line.encode()


def _keys(
    database: Database, selection: Selection, episodes_of_key: int
) -> tuple[tuple[KeyHistory, ...], int]:
    if not selection.limit:
        return (), 0
    rows = database.rows(
        f"SELECT address, count(*), count(*) OVER () FROM episode WHERE {_SELECTED}"  # noqa: S608 - as above
        " GROUP BY address ORDER BY max(last_seen) DESC, address LIMIT ?",
        (*selection.values, selection.limit),
    )
    keys = []
    for address, count, _total in rows:
        latest = f"{EPISODE} WHERE address = ? AND last_seen >= ? ORDER BY last_seen DESC, id DESC LIMIT ?"
        since, *_ = selection.values
        found = tuple(map(episode_of, database.rows(latest, (address, since, episodes_of_key))))
        keys.append(KeyHistory(address, found, count - len(found)))
    return tuple(keys), rows[0][2] if rows else 0


def _rounds(database: Database, result: CycleResult, since: int) -> int:
    # One result at a time: the index has them together, and grouping a million rows takes longer.
    ((count,),) = database.rows(
        "SELECT count(*) FROM round WHERE result = ? AND began >= ?", (result.value, since)
    )
    return int(count)


def _scopes(database: Database) -> Iterator[ScopeStatus]:
    for scope, standing, since, keys, detail in database.rows(
        "SELECT scope, standing, since, keys, detail FROM scope ORDER BY scope"
    ):
        yield ScopeStatus(scope, ScopeState(standing), _moment(since), keys, detail)


def episode_of(row: tuple[Any, ...]) -> Episode:
    """Return the drift that a row of ``EPISODE`` stands for."""
    (
        _number,
        _told,
        address,
        field,
        effect,
        reason,
        declared,
        live,
        first,
        last,
        rounds,
        outcome,
        detail,
        *rest,
    ) = row
    ended, corrected, run, action, origin = rest
    return Episode(
        address=address,
        field=field,
        effect=Effect(effect),
        reason=reason,
        declared=json.loads(declared),
        live=json.loads(live),
        first_seen=_moment(first),
        last_seen=_moment(last),
        cycles=rounds,
        outcome=FieldOutcome(outcome),
        detail=detail,
        ended=None if ended is None else _moment(ended),
        corrected=None if corrected is None else _moment(corrected),
        run=run,
        action=Action(action),
        origin=None if origin is None else DriftOrigin(origin),
    )


def _round(row: tuple[Any, ...]) -> CycleSummary:
    began, ended, result, run, drifted, corrected, contested, errors, pending = row
    return CycleSummary(
        _moment(began),
        None if ended is None else _moment(ended),
        None if result is None else CycleResult(result),
        run,
        drifted,
        corrected,
        contested,
        tuple(json.loads(errors)),
        pending,
    )


def _moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
