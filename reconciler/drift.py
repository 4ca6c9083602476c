"""A plan read the other way round: what somebody changed outside Git, and what of it to correct. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from reconciler.diff import explain
from reconciler.errors import Position, Problem
from reconciler.model import Action, effect_of_all
from reconciler.normalize import json_text, normalize
from reconciler.plan import fingerprint, past_expiries

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from reconciler.declared import DesiredState
    from reconciler.kinds import Kind
    from reconciler.model import Change, Effect, FieldChange, Plan

    Wanted = Callable[[str, FieldChange], bool]
    """Tells whether the drift of a field of the key at an address is to be corrected."""


_NOWHERE: Final = Position("", 0, 0)


class Correction(StrEnum):
    """Which drift is corrected, by what the drift did to access."""

    ALL = "all"
    GRANTS = "grants"
    REVOKES = "revokes"

    def covers(self, effect: Effect) -> bool:
        """Tell whether drift with this effect is corrected. A list that changed may have done both."""
        match self:
            case Correction.ALL:
                return True
            case Correction.GRANTS:
                return effect.grants
            case Correction.REVOKES:
                return effect.revokes


@dataclass(frozen=True, slots=True)
class TugOfWar:
    """A field is contested once corrected ``corrections`` times within ``window`` and drifted again."""

    corrections: int = 3
    window: dt.timedelta = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class DriftedKey:
    """A live key that is not as declared: ``fields`` go from the declared to the live value.

    ``correction`` is the change that would bring it back.
    """

    correction: Change
    fields: tuple[FieldChange, ...]

    @property
    def effect(self) -> Effect:
        """Give what the drift of all its fields together did to access."""
        return effect_of_all(self.fields)


def of_existing_keys(kinds: Mapping[str, Kind], plan: Plan) -> Plan:
    """Leave to ``apply`` what comes and goes, and make a problem of each key that should be there and is not.

    A scheduled correction makes no secret, and destroys nothing. Of a key that would have to be replaced what
    can be changed in place is left.
    """
    told = {problem.address for problem in plan.problems}
    reasons = {
        Action.CREATE: "declared, but not on the server; apply creates it",
        Action.REPLACE: "differs in what cannot be changed in place; apply replaces it",
        Action.DELETE: "is live, and is to be absent; apply deletes it",
    }
    missing = tuple(
        Problem(reasons[change.action], change.position, change.address)
        for change in plan.changes
        if change.action in reasons and change.address not in told
    )
    in_place = (_in_place(kinds[change.scope.kind], change) for change in plan.changes)
    changes = tuple(change for change in in_place if change is not None)
    problems = tuple(sorted((*plan.problems, *missing), key=lambda p: (p.position or _NOWHERE, p.address)))
    name = fingerprint(changes, problems, plan.observed, plan.base_url)
    return replace(plan, changes=changes, problems=problems, fingerprint=name)


def _in_place(kind: Kind, change: Change) -> Change | None:
    """Give what of a change is an update; None if nothing is."""
    if change.action is Action.UPDATE:
        return change
    fields = tuple(field for field in change.fields if field.field not in kind.immutable)
    if change.action is not Action.REPLACE or not fields:
        return None
    names = sorted({field.field for field in fields}.union(kind.always_sent))
    patch = {name: change.after[name] for name in names if name in change.after}
    return replace(change, action=Action.UPDATE, fields=fields, patch=patch)


def drift_of(kinds: Mapping[str, Kind], plan: Plan) -> tuple[DriftedKey, ...]:
    """Give each key of ``plan`` that somebody changed outside Git, sorted by address."""
    return tuple(DriftedKey(change, _reverse(kinds[change.scope.kind], change)) for change in plan.changes)


def corrections(
    kinds: Mapping[str, Kind], plan: Plan, drifted: Iterable[DriftedKey], wanted: Wanted, now: dt.datetime
) -> Plan:
    """Narrow ``plan`` to the fields that are ``wanted``, by the address of their key and their drift.

    What cannot be corrected, such as a key that is gone or an expiry that is not after ``now``, stands in
    the way of itself only: the result has no problems, and no change that has one.
    """
    narrowed = (_narrowed(kinds[key.correction.scope.kind], key, wanted) for key in drifted)
    changes = tuple(
        change
        for change in narrowed
        if change.fields
        and (change.may_revoke or not change.effect.revokes)
        and not any(past_expiries(kinds[change.scope.kind], change, now))
    )
    return replace(
        plan, changes=changes, problems=(), fingerprint=fingerprint(changes, (), plan.observed, plan.base_url)
    )


def declared_values(
    kinds: Mapping[str, Kind], state: DesiredState, fields: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str], str]:
    """Give the normal form, as JSON, of those ``fields`` (address and name) that ``state`` declares."""
    wanted = set(fields)
    addresses = {address for address, _ in wanted}
    return {
        (address, name): json_text(normalize(kinds[part.scope.kind].fields[name], value))
        for part in state.scopes
        for key in part.keys
        if (address := part.scope.address(key.name)) in addresses
        for name, value in key.fields.items()
        if (address, name) in wanted
    }


def _reverse(kind: Kind, change: Change) -> tuple[FieldChange, ...]:
    return explain((kind.fields[field.field] for field in change.fields), change.after, change.before)


def _narrowed(kind: Kind, key: DriftedKey, wanted: Wanted) -> Change:
    """Give the correction with only the fields that are wanted.

    What the service insists on goes along; a field of that sort that is not to be corrected is sent as it is.
    """
    change = key.correction
    names = {field.field for field in key.fields if wanted(change.address, field)}
    carried = {name: change.before[name] for name in kind.always_sent if name in change.patch}
    return replace(
        change,
        fields=tuple(field for field in change.fields if field.field in names),
        patch=carried | {name: value for name, value in change.patch.items() if name in names},
    )
