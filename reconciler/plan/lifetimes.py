"""The lifetimes of all declared keys at a time: keys that expire soon, and stages of rotations. Pure."""

from __future__ import annotations

import datetime as dt
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from reconciler.kinds.rotation import ends_of
from reconciler.model.canonical import parse_instant
from reconciler.model.frozen import dataclass
from reconciler.model.plan import Action
from reconciler.model.policy import is_soon
from reconciler.model.succession import KeyExpiry, KeyRotation, Lifetimes
from reconciler.plan.renewal import is_manual
from reconciler.plan.rotation import Successions, next_step, rotations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey, DesiredScope, DesiredState
from reconciler.model.plan import Change, Plan

HORIZON: Final = dt.timedelta(days=90)
"""What expires later is only counted."""
_ZONES: Final = dt.timedelta(days=2)


def lifetimes(kinds: Mapping[str, Kind], state: DesiredState, plan: Plan, now: dt.datetime) -> Lifetimes:
    """Return the lifetimes of the declared keys; ``plan`` determines which of them are live."""
    read = {scope for scope, _ in plan.observed}
    changes = {change.address: change for change in (*plan.changes, *plan.withheld)}
    expiries: list[KeyExpiry] = []
    found: list[KeyRotation] = []
    expiring: dict[tuple[str, str], list[_Expiring]] = {}
    manual = set[str]()
    for part in state.scopes:
        kind, whole = kinds[part.scope.kind], part.unpacked()
        of_scope = _expiries(kind, whole, now)
        expiries += of_scope.near
        manual |= of_scope.manual
        expiring.setdefault((part.scope.api, part.scope.kind), []).append(of_scope)
        if part.scope in read:
            found += _rotations(kind, whole, changes, now)
    return Lifetimes(
        tuple(sorted(expiries, key=attrgetter("at", "address"))),
        tuple(sorted(found, key=attrgetter("address"))),
        {
            key: (
                sum(one.count for one in scopes),
                min((one.first for one in scopes if one.first is not None), default=None),
            )
            for key, scopes in expiring.items()
        },
        frozenset(manual),
    )


@dataclass(frozen=True, slots=True)
class _Expiring:
    """The expiries in a scope: those soon, the number of all, and the next one.

    ``manual`` are the addresses of keys that expire soon, and that no renewal changes.
    """

    near: tuple[KeyExpiry, ...]
    count: int
    first: dt.datetime | None
    manual: frozenset[str] = frozenset()


def _expiries(kind: Kind, part: DesiredScope, now: dt.datetime) -> _Expiring:
    field = ends_of(kind).expiry
    if field is None:
        return _Expiring((), 0, None)
    far = (now + HORIZON + _ZONES).date().isoformat()  # a later text is a later time in every zone
    rotated = Successions.of(part.keys).last
    near, count, later, manual = [], 0, "", set[str]()
    for key in part.keys:
        value = key.fields.get(field)
        if value is None or key.is_absent:
            continue
        count += key.name not in rotated
        if value >= far:
            later = min(later or value, value)
        elif (instant := parse_instant(value)) is not None:
            address = part.scope.address(key.name)
            near.append(KeyExpiry(address, field, instant, key.name in rotated))
            if is_manual(kind, key):
                manual.add(address)
    first = min((one.at for one in near if one.at > now and not one.is_rotated), default=None)
    within = tuple(one for one in near if is_soon(one.at, now, HORIZON))
    return _Expiring(within, count, first or parse_instant(later), frozenset(manual))


def _rotations(
    kind: Kind, part: DesiredScope, changes: Mapping[str, Change], now: dt.datetime
) -> Iterator[KeyRotation]:
    special = [key for key in part.keys if key.lifecycle.rotates is not None]
    if not special:
        return
    live: dict[str, dict[str, object]] = {
        key.name: {} for key in part.keys if _is_live(key, changes.get(part.scope.address(key.name)))
    }
    for found in rotations(kind, part.scope, part.keys, live):
        yield KeyRotation(found.address, found.new.name, found.stage(now), found.end, next_step(found, now))


def _is_live(key: DesiredKey, change: Change | None) -> bool:
    """Return whether a declared key is live: a plan creates it if not, and deletes it if it is absent."""
    action = None if change is None else change.action
    return action is Action.DELETE if key.is_absent else action is not Action.CREATE
