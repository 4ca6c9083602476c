"""The fields of a live key that differ from the plan, or from the request that was sent. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.diff.compare import is_stored
from reconciler.diff.normalize import NotNormalError, normalize
from reconciler.diff.undescribed import shown_members
from reconciler.errors import SchemaMismatchError
from reconciler.model.canonical import json_text
from reconciler.model.frozen import dataclass
from reconciler.model.plan import Action, Change
from reconciler.plan.changes import created_at, mismatch
from reconciler.plan.requests import sent_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.kinds.kind import Kind


@dataclass(frozen=True, slots=True)
class Difference:
    """A field with an unexpected value; both values in normal form."""

    field: str
    expected: Any
    found: Any


def fields_changed_since_plan(
    kind: Kind, change: Change, live: Mapping[str, Any] | None
) -> tuple[Difference, ...]:
    """Return the fields that would be overwritten and no longer hold the value that the plan showed.

    For a key that was deleted meanwhile, or created meanwhile, the field is its identity.
    """
    if change.action is Action.CREATE:
        return () if live is None else (Difference(kind.identity, None, kind.identity_value(change.name)),)
    if live is None or kind.owner(live) is not None:
        return (Difference(kind.identity, kind.identity_value(change.name), None),)
    names = change.before if change.action.destroys else change.patch
    found = _differences(change.before, _live_values(kind, change.address, names, live))
    if change.action is Action.UPDATE:
        found += _others_differ(kind, change, live)
    created, path_id = created_at(kind, live), kind.id_of(live)
    if kind.created is not None and created != change.created:
        found = (Difference(kind.created, change.created, created), *found)
    if kind.has_ids and path_id != change.path_id:
        found = (Difference(kind.path_field, change.path_id, path_id), *found)
    return found


def fields_not_stored(
    kind: Kind, address: str, patch: Mapping[str, Any], live: Mapping[str, Any]
) -> tuple[Difference, ...]:
    """Return the fields of ``patch`` that ``live``, the key at ``address``, does not hold.

    Raises SchemaMismatchError if the live key cannot be compared.
    """
    found = _differences(patch, _live_values(kind, address, patch, live))
    return tuple(one for one in found if not is_stored(kind.fields[one.field], one.expected, one.found))


def stored_differences(
    kind: Kind, change: Change, values: Mapping[str, Any], live: Any
) -> tuple[Difference, ...]:
    """Return the fields of ``values`` that ``live``, a response about the key of ``change``, does not hold.

    Raises SchemaMismatchError if the response is about another key, or cannot be compared.
    """
    if not isinstance(live, dict):
        raise SchemaMismatchError("the response is not an object")
    if change.path_id is not None and kind.id_of(live) != change.path_id:
        shown = json_text(live.get(kind.path_field))
        raise SchemaMismatchError(f"the response is about another key: {kind.path_field} {shown}")
    if kind.name_of(live) != change.name:
        shown = json_text(live.get(kind.identity))
        what = (
            "the key was renamed" if kind.has_ids and change.path_id else "the response is about another key"
        )
        raise SchemaMismatchError(f"{what}: {kind.identity} {shown}")
    return fields_not_stored(kind, change.address, values, kind.with_response_defaults(live))


def differences_text(expected: str, found: str, differences: Iterable[Difference]) -> str:
    """Return differences as text; ``expected`` and ``found`` describe the two values of each field."""
    return "; ".join(
        f"{item.field} {expected} {json_text(item.expected)} {found} {json_text(item.found)}"
        for item in differences
    )


def _differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[Difference, ...]:
    return tuple(
        Difference(name, expected[name], value)
        for name, value in found.items()
        if json_text(value) != json_text(expected[name])
    )


def _others_differ(kind: Kind, change: Change, live: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return the fields that would be sent with other values of undescribed members."""
    shown, found = shown_members(kind, change.patch, live), list[Difference]()
    for name in sorted(change.patch.keys() & (shown.keys() | change.shown.keys())):
        old, new = (sent_value(kind, change, name, side) for side in (change.shown, shown))
        if json_text(old) != json_text(new):
            found.append(Difference(name, old, new))
    return tuple(found)


def _live_values(kind: Kind, address: str, names: Iterable[str], live: Mapping[str, Any]) -> dict[str, Any]:
    """Return the normal forms of some live values of the key at ``address``."""
    try:
        return {name: normalize(kind.fields[name], live[name]) for name in names}
    except (KeyError, NotNormalError) as error:
        reason = f"it has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
        raise SchemaMismatchError(f"{address}: {mismatch([reason])}") from error
