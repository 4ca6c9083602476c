"""Git as the state file: who made each field differ since a base commit. Pure.

What the files said at the base, what they say now, and what the API answers are the three sides of a
merge. A field that Git alone changed is ``config``, one that only the API changed is ``drift``, one that
both changed, to different values, is a ``conflict``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.errors import Problem
from reconciler.model import Action, Origin
from reconciler.normalize import json_text, normalize

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.declared import DesiredKey, DesiredState
    from reconciler.kinds import Kind
    from reconciler.model import Change, FieldChange, Plan
    from reconciler.plan import Selection


def labelled(kinds: Mapping[str, Kind], plan: Plan, base: DesiredState) -> Plan:
    """Give ``plan`` with the origin of each field; ``base`` is what the files said at the base commit."""
    changed = {change.address for change in plan.changes}
    declared = {
        address: key
        for part in base.scopes
        for key in part.keys
        if (address := part.scope.address(key.name)) in changed
    }
    changes = tuple(
        _labelled(kinds[change.scope.kind], change, declared.get(change.address)) for change in plan.changes
    )
    return replace(plan, changes=changes)


def released(base: DesiredState, state: DesiredState, selected: Selection) -> Iterator[Problem]:
    """Warn of each key that the base declares and the files no longer do: it stays live, and unwatched."""
    declared = {(part.scope, key.name) for part in state.scopes for key in part.keys}
    for part in base.scopes:
        for key in part.keys:
            address = part.scope.address(key.name)
            if (part.scope, key.name) not in declared and selected(address):
                message = "no longer declared, so no longer managed; the key itself stays as it is"
                yield Problem(message, key.position, address)


def _labelled(kind: Kind, change: Change, base: DesiredKey | None) -> Change:
    whole: Origin | None = None
    match change.action:
        case Action.CREATE:  # Git asked for it before as well: then somebody deleted it
            whole = Origin.DRIFT if base is not None and not base.is_absent else Origin.CONFIG
        case Action.DELETE:
            whole = Origin.DRIFT if base is not None and base.is_absent else Origin.CONFIG
        case Action.UPDATE | Action.REPLACE:
            pass
    values = {} if base is None else base.fields
    fields = tuple(replace(field, origin=whole or _origin(kind, field, values)) for field in change.fields)
    return replace(change, fields=fields)


def _origin(kind: Kind, field: FieldChange, base: Mapping[str, Any]) -> Origin:
    if field.field not in base:
        return Origin.CONFIG  # Git declares it only now
    before = json_text(normalize(kind.fields[field.field], base[field.field]))
    if before == json_text(field.after):
        return Origin.DRIFT
    return Origin.CONFIG if before == json_text(field.before) else Origin.CONFLICT
