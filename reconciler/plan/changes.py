"""The change of one key: none, an update, a creation, a deletion or a replacement. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.compare import compare, declared_parts, field_changes, readable, whole_key
from reconciler.diff.undescribed import shown_members
from reconciler.errors import UnaddressableError
from reconciler.kinds.paths import is_segment
from reconciler.model.canonical import format_instant, instant_in, json_text
from reconciler.model.frozen import dataclass
from reconciler.model.plan import Action, Change, Effect
from reconciler.model.source import Position, Problem
from reconciler.plan.full_object import is_masked, lost_in_replacement, masked_secret, undescribed
from reconciler.plan.requests import deciding, lacking, removing, requests_of, required

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey
    from reconciler.model.plan import FieldChange
    from reconciler.model.scope import Scope

    Values = Mapping[str, Any]

CREATED: Final = "a new key"
DELETED: Final = "key deleted"


@dataclass(frozen=True, slots=True)
class Planned:
    """The change of one key, None if none is needed, and its problems.

    ``missing`` is the creation of a key that is not live, if it cannot be sent.
    """

    change: Change | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    missing: Change | None = None


UNCHANGED: Final = Planned()


def planned_change(kind: Kind, scope: Scope, key: DesiredKey, live: Values | None) -> Planned:
    """Return the change that sets the declared values of a live key, as far as they can be compared."""
    owner = None if live is None else kind.owner(live)
    if owner is not None:
        message = f"is managed elsewhere ({owner}) and is never changed; remove it from the file"
        return Planned(problems=(_problem(scope, key, message),))
    try:
        if live is not None and not key.is_absent:
            return _update(kind, scope, key, live)
        if live is not None:
            return _deletion(kind, scope, key.name, live, key.position)
        return UNCHANGED if key.is_absent else _creation(kind, scope, key)
    except UnaddressableError as error:
        return Planned(problems=(_problem(scope, key, f"{error}; write another name"),))


def change_of(  # noqa: PLR0913 - all that decides what is shown and sent
    kind: Kind,
    scope: Scope,
    name: str,
    action: Action,
    *,
    before: Values,
    after: Values,
    position: Position,
    path_id: str | None = None,
    shown: Values | None = None,
) -> Change:
    """Return the change of a key from ``before`` to ``after``, both in normal form, sorted by field.

    The fields that differ, and the fields that are sent, follow from the values alone. ``path_id`` is the id
    of a live key whose path has one, ``shown`` are live values with undescribed members. Raises
    UnaddressableError for a name or id that cannot be one segment of a path.
    """
    before, after = dict(sorted(before.items())), dict(sorted(after.items()))
    path_id = path_id if kind.has_ids else name
    if path_id is None and action is not Action.CREATE:
        raise UnaddressableError(f"{scope.address(name)} has no {kind.path_field}, so it cannot be addressed")
    match action:
        case Action.CREATE:
            fields = whole_key(after, Effect.GRANTS, CREATED)
        case Action.DELETE:
            fields = whole_key(before, Effect.REVOKES, DELETED)
        case Action.UPDATE | Action.REPLACE:
            fields = field_changes(kind, before, after)
    change = Change(
        scope=scope,
        name=name,
        path=kind.collection_path(scope) if path_id is None else kind.item_path(scope, path_id),
        fields=fields,
        before=before,
        after=after,
        patch=_patch(kind, action, name, fields, after),
        position=position,
        action=action,
        has_secret=kind.secret is not None,
        path_id=path_id,
        api=kind.api,
        shown=shown or {},
    )
    return replace(change, requests=tuple(requests_of(kind, change)))


def narrowed(kind: Kind, change: Change, names: Collection[str], action: Action) -> Change:
    """Return the update or replacement that changes only the fields ``names``.

    If it no longer reduces access, it waits for no successor.
    """
    kept = {field.field: change.before[field.field] for field in change.fields if field.field not in names}
    fields = tuple(field for field in change.fields if field.field in names)
    less = replace(change, action=action, fields=fields, after={**change.after, **kept})
    waits_for = less.waits_for if less.effect.revokes else None
    return with_requests(kind, replace(less, waits_for=waits_for))


def _patch(
    kind: Kind, action: Action, name: str, fields: Iterable[FieldChange], after: Values
) -> dict[str, Any]:
    """Return the fields that are sent: for an update, those that differ and those that the service requires.

    For a new key these are all except null ones: leaving them out means the same and is always valid.
    """
    sent: dict[str, Any] = {}
    if action is Action.UPDATE:
        names = {field.field for field in fields}
        names |= required(kind, after, names)
        sent = {name: after[name] for name in names if name in after}
    elif action.adds:
        whole = {**after, kind.identity: kind.identity_value(name)}
        sent = {n: value for n, value in whole.items() if value is not None and n not in kind.create_later}
    return dict(sorted(sent.items()))


def with_requests(kind: Kind, change: Change) -> Change:
    """Return ``change`` with the fields that are sent, and the requests that carry them."""
    change = replace(change, patch=_patch(kind, change.action, change.name, change.fields, change.after))
    return replace(change, requests=tuple(requests_of(kind, change)))


def created_instant(kind: Kind, live: Values) -> dt.datetime | None:
    """Return when a live key was created; None if it has no such field."""
    return None if kind.created is None else instant_in(live.get(kind.created))


def created_at(kind: Kind, live: Values) -> str | None:
    """Return when a live key was created, in normal form; None if it has no such field."""
    instant = created_instant(kind, live)
    return None if instant is None else format_instant(instant)


def mismatch(reasons: Iterable[str]) -> str:
    """Return the message that a live key does not match its schema."""
    return f"the service returned a key that does not match the documented schema: {', '.join(reasons)}"


def _update(kind: Kind, scope: Scope, key: DesiredKey, live: Values) -> Planned:
    ignored = key.lifecycle.ignore_changes
    declared = {n: v for n, v in key.fields.items() if n not in ignored} if ignored else key.fields
    found = compare(kind, declared, live)
    if found.faults:
        return Planned(problems=(_undeclarable(scope, key, found.faults),))
    # One odd value must not shield the others of its key.
    problems = (_odd(kind, scope, key, found.odd),) if found.odd else ()
    if not found.pairs:
        return Planned(problems=problems) if problems else UNCHANGED
    is_replaced = not kind.immutable.isdisjoint(found.pairs)
    wanted = {**live, **declared}
    dropped = undescribed(kind, live)
    if unfit := dropped or ("" if is_replaced else lacking(kind, wanted, found.pairs)):
        return Planned(problems=(*problems, replace(_problem(scope, key, unfit), is_live=bool(dropped))))
    # A key that is created again has the undeclared values of the one before.
    sent = {*(kind.settable if is_replaced else required(kind, wanted, found.pairs) | deciding(kind, live))}
    sent -= {kind.identity}
    equal = declared.keys() - found.pairs.keys() - found.same.keys() - found.odd.keys() - {kind.identity}
    same, odd = readable(kind, sorted(equal | (sent - declared.keys())), live)
    unread = odd | {name: reason for name, reason in found.odd.items() if name in sent}
    if unread:
        return Planned(problems=(_odd(kind, scope, key, dict(sorted(unread.items()))),))
    same |= found.same
    before, after = (same | {name: pair[side] for name, pair in found.pairs.items()} for side in (0, 1))
    action = Action.REPLACE if is_replaced else Action.UPDATE
    path_id = kind.id_of(live)
    shown = shown_members(kind, sent | found.pairs.keys(), live)
    if is_replaced:  # a correction may still change other fields in place, but must not store a hidden value
        shown = {name: value for name, value in shown.items() if not is_masked(value)}
    change = change_of(
        kind,
        scope,
        key.name,
        action,
        before=before,
        after=after,
        position=key.position,
        path_id=path_id,
        shown=shown,
    )
    masked = masked_secret(kind, declared, change)
    if unfit := masked or removing(kind, change):
        return Planned(problems=(*problems, replace(_problem(scope, key, unfit), is_live=bool(masked))))
    may_revoke, parts = not key.lifecycle.prevent_revoke, declared_parts(kind, declared, after)
    change = replace(change, created=created_at(kind, live), may_revoke=may_revoke, parts=parts)
    lost = lost_in_replacement(kind, live) if is_replaced else ""
    return Planned(change, problems, (_problem(scope, key, lost),) if lost else ())


def _creation(kind: Kind, scope: Scope, key: DesiredKey) -> Planned:
    """Return the creation of a key, with a problem if it cannot be sent."""
    problems: list[Problem] = []
    missing = [name for name in kind.create_requires or () if name not in key.fields]
    if kind.create_requires is None:
        message = "declared, but not on the server; create the key first, or remove it from the file"
        problems.append(_problem(scope, key, message))
    elif missing:
        message = f"declared, but not on the server, and a new key needs {', '.join(missing)}; declare it"
        problems.append(_problem(scope, key, message))
    after, faults = readable(kind, sorted(key.fields.keys() - {kind.identity}), key.fields)
    if faults:
        return Planned(problems=(*problems, _undeclarable(scope, key, faults)))
    later = sorted(kind.create_later & after.keys())
    after = {name: value for name, value in after.items() if name not in kind.create_later}
    change = change_of(kind, scope, key.name, Action.CREATE, before={}, after=after, position=key.position)
    if problems:
        return Planned(problems=tuple(problems), missing=change)
    message = f"a creation does not take {', '.join(later)}; apply again, once the key is there"
    return Planned(change, warnings=(_problem(scope, key, message),) if later else ())


def _problem(scope: Scope, key: DesiredKey, message: str) -> Problem:
    return Problem(message, key.position, scope.address(key.name))


def _undeclarable(scope: Scope, key: DesiredKey, faults: Mapping[str, str]) -> Problem:
    reasons = ", ".join(faults.values())
    return _problem(scope, key, f"the declared value cannot be compared: {reasons}; write another value")


def _odd(kind: Kind, scope: Scope, key: DesiredKey, reasons: Mapping[str, str]) -> Problem:
    there = "correct it there"
    if kind.is_custom:
        there += ", or in the kind: its `optional` defines the meaning of a missing or null value"
    message = f"{mismatch(reasons.values())}; fields that cannot be compared are not changed, {there}"
    return Problem(message, address=scope.address(key.name), is_live=True)


def undeclared(kind: Kind, scope: Scope, name: str, live: Values, exclusive: Position) -> Planned:
    """Return the deletion of a key that no file declares; ``exclusive`` is the position of that rule."""
    if not kind.has_ids and not is_segment(name):
        return Planned(problems=(_unaddressable(scope, name),))
    planned = _deletion(kind, scope, name, live, exclusive)
    return replace(planned, change=planned.change and replace(planned.change, is_undeclared=True))


def _unaddressable(scope: Scope, name: str) -> Problem:
    shown = json_text(name)
    message = f"{shown} cannot be one segment of a request path, so the key cannot be addressed"
    return Problem(f"{message}; delete it in the portal", address=scope.address(name), is_live=True)


def _deletion(kind: Kind, scope: Scope, name: str, live: Values, position: Position) -> Planned:
    """Return the deletion of a key; values that cannot be compared are omitted with a warning."""
    before, odd = readable(kind, sorted({*kind.settable} - {kind.identity}), live)
    path_id = kind.id_of(live)
    change = change_of(
        kind, scope, name, Action.DELETE, before=before, after={}, position=position, path_id=path_id
    )
    change = replace(change, created=created_at(kind, live))
    if not odd:
        return Planned(change)
    message = f"{mismatch(odd.values())}; it would be deleted, but the plan cannot show this"
    return Planned(change, warnings=(Problem(message, address=change.address, is_live=True),))
