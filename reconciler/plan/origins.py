"""Which side made each field differ since a base: the files at a commit, or the last apply. Pure.

This is a three-way merge: the desired state at the base, the present desired state, and the live state. A
field that only Git changed is ``config``, one that only the API changed is ``drift``, one that both changed,
to different values, is a ``conflict``. Where the base does not include a field there is no origin.
"""

from __future__ import annotations

import json
from dataclasses import field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.diff.compare import desired_form
from reconciler.diff.normalize import normalize
from reconciler.model.canonical import json_text
from reconciler.model.frozen import dataclass
from reconciler.model.plan import Action, DriftOrigin, Origin
from reconciler.model.source import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey, DesiredScope, DesiredState
    from reconciler.model.plan import Change, FieldChange, Plan
    from reconciler.plan.planning import Selection


class BaseState(StrEnum):
    """The desired state of a key at the base.

    ``ABSENT``: declared absent, or undeclared in an exclusive scope. ``UNMANAGED``: not declared.
    ``UNKNOWN``: the base has no information.
    """

    DECLARED = "declared"
    ABSENT = "absent"
    UNMANAGED = "unmanaged"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class BaseKey:
    """One key at the base: ``fields`` are its declared values in normal form, as JSON.

    Unless it ``is_complete``, it may have had others.
    """

    state: BaseState
    fields: Mapping[str, str] = field(default_factory=dict)
    is_complete: bool = True


if TYPE_CHECKING:
    KeyAtBase = Callable[[Change], BaseKey]


def with_origins(kinds: Mapping[str, Kind], plan: Plan, at_base: KeyAtBase) -> Plan:
    """Return ``plan`` with the origin of each field, and of each key that is created or deleted."""
    changes, withheld = (
        tuple(_with_origin(change, _beside(kinds, change, at_base(change))) for change in part)
        for part in (plan.changes, plan.withheld)
    )
    return replace(plan, changes=changes, withheld=withheld)


def _beside(kinds: Mapping[str, Kind], change: Change, base: BaseKey) -> BaseKey:
    """Return the base with the live members that its values omit, taken from the desired values."""
    live = {name: value for name, value in change.before.items() if isinstance(value, dict | list)}
    fields = {
        name: json_text(desired_form(kinds[change.scope.kind].fields[name], json.loads(text), live[name]))
        for name, text in base.fields.items()
        if name in live
    }
    return replace(base, fields={**base.fields, **fields}) if fields else base


def with_origins_since(
    kinds: Mapping[str, Kind], plan: Plan, base: DesiredState, state: DesiredState, selected: Selection
) -> Plan:
    """Return ``plan`` with origins since ``base``, and warnings for keys no longer declared in ``state``."""
    warnings = (*plan.warnings, *no_longer_declared(base, state, selected))
    return replace(with_origins(kinds, plan, state_as_base(kinds, plan, base)), warnings=warnings)


def state_as_base(kinds: Mapping[str, Kind], plan: Plan, base: DesiredState) -> KeyAtBase:
    """Return the function that looks up the keys of ``plan`` in ``base``, the files at a commit."""
    changed = {change.address for change in (*plan.changes, *plan.withheld)}
    exclusive = {part.scope for part in base.scopes if part.exclusive is not None}
    known: dict[str, BaseKey] = {}
    for part, key in _keys(base):
        address, fields = part.scope.address(key.name), kinds[part.scope.kind].fields
        if address in changed:
            declared = key.fields.keys() - key.lifecycle.ignore_changes
            values = {name: json_text(normalize(fields[name], key.fields[name])) for name in declared}
            known[address] = BaseKey(BaseState.ABSENT if key.is_absent else BaseState.DECLARED, values)

    def at_base(change: Change) -> BaseKey:
        if base.doubt(change.address) is not None:
            return BaseKey(BaseState.UNKNOWN, is_complete=False)
        undeclared = BaseState.ABSENT if change.scope in exclusive else BaseState.UNMANAGED
        return known.get(change.address) or BaseKey(undeclared)

    return at_base


def no_longer_declared(base: DesiredState, state: DesiredState, selected: Selection) -> Iterator[Problem]:
    """Yield a warning for each key that the base declares and the files no longer do: it is not changed.

    In an exclusive scope the plan deletes it instead.
    """
    declared = {(part.scope, key.name) for part, key in _keys(state)}
    exclusive = {part.scope for part in state.scopes if part.exclusive is not None}
    for part, key in _keys(base):
        address = part.scope.address(key.name)
        if part.scope in base.unresolved or state.doubt(address) is not None:
            continue  # its scope may be declared under another name
        is_left = (part.scope, key.name) not in declared and part.scope not in exclusive
        if is_left and not key.is_absent and selected(address):
            message = "no longer declared, so no longer managed; the key itself is not changed"
            yield Problem(message, key.position, address)


def _keys(state: DesiredState) -> Iterator[tuple[DesiredScope, DesiredKey]]:
    return ((part, key) for part in state.scopes for key in part.keys)


def is_unwanted(action: Action, origin: DriftOrigin | None) -> bool:
    """Return whether a live key that must not exist was there before, and changed since."""
    return action is Action.CREATE and origin is DriftOrigin.CONFLICT


def _with_origin(change: Change, base: BaseKey) -> Change:
    match change.action:
        case Action.CREATE:  # if Git declared it before as well, it was deleted outside Git
            origin = _of_whole_key(base.state, BaseState.DECLARED)
            is_both = origin is Origin.DRIFT and _differs(base, change.after)
        case Action.DELETE:
            origin = _of_whole_key(base.state, BaseState.ABSENT)
            is_both = base.state is BaseState.DECLARED and _differs(base, change.before)
        case Action.UPDATE | Action.REPLACE:
            fields = tuple(replace(one, origin=_origin(one, base)) for one in change.fields)
            return replace(change, fields=fields)
    origin = Origin.CONFLICT if is_both else origin
    fields = tuple(replace(one, origin=origin) for one in change.fields)
    return replace(change, fields=fields, origin=origin)


def _of_whole_key(before: BaseState, now: BaseState) -> Origin | None:
    """Return the side that creates or deletes a key, by its desired state ``before``."""
    return Origin.DRIFT if before is now else None if before is BaseState.UNKNOWN else Origin.CONFIG


def _differs(base: BaseKey, values: Mapping[str, Any]) -> bool:
    """Return whether a field of the base, if it has it, has another value in ``values``."""
    return any(name in values and text != json_text(values[name]) for name, text in base.fields.items())


def _origin(change: FieldChange, base: BaseKey) -> Origin | None:
    if base.state is BaseState.UNKNOWN:
        return None
    if base.state is BaseState.ABSENT:  # it was not to exist and is live: Git did not create it
        return Origin.CONFLICT
    if change.field not in base.fields:  # Git declares it only now, if all that it declared before is known
        return Origin.CONFIG if base.is_complete else None
    before = base.fields[change.field]
    if before == json_text(change.after):
        return Origin.DRIFT
    return Origin.CONFIG if before == json_text(change.before) else Origin.CONFLICT
