"""The requests of a change, as small as the API of its kind allows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from reconciler.diff.undescribed import with_members
from reconciler.kinds.rest import BodyRule
from reconciler.kinds.wire import body_of, with_name
from reconciler.model.canonical import json_text
from reconciler.model.phrases import listed
from reconciler.model.plan import Action, Change
from reconciler.model.request import Encoding, Request

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.kinds.shape import Shape

    Values = Mapping[str, Any]


def requests_of(kind: Kind, change: Change) -> Iterator[Request]:
    """Yield the requests that apply sends, in order."""
    query = f"?{urlencode(kind.query)}" if kind.query else ""
    path = change.path + query
    update, own = kind.update, path
    if change.action is Action.UPDATE and update.method is not None:
        if update.path is not None and change.path_id is not None:
            own = kind.update_path(change.scope, change.path_id) + query
        is_whole = update.body is BodyRule.WHOLE
        body = _update_body(kind, change)
        yield Request(update.method, own, body, update.encoding, kind.headers, is_whole)
    if change.action.destroys:
        yield Request("DELETE", path, headers=kind.headers)
    if change.action.adds:
        collection = kind.collection_path(change.scope) + query
        yield Request("POST", collection, body_of(kind, change.patch), update.creation, kind.headers)


def required(kind: Kind, values: Values, changed: Iterable[str]) -> set[str]:
    """Return the fields that an update of ``changed`` must carry besides, for a key with these values."""
    sent = {*changed, *kind.always_sent}
    met = {
        name
        for name, conditions in kind.sent_with.items()
        if conditions.keys() <= sent
        and all(json_text(values.get(other)) in map(json_text, conditions[other]) for other in conditions)
    }
    chosen = {_chosen(group, values) for group in kind.sent_one_of if sent.isdisjoint(group)}
    return {*kind.always_sent, *met, *chosen}


def _chosen(group: Sequence[str], values: Values) -> str:
    """Return the field of a group that is sent if none differs: the first one that the key has."""
    return next((name for name in group if values.get(name) is not None), group[0])


def lacking(kind: Kind, values: Values, changed: Collection[str]) -> str:
    """Return why an update of ``changed`` fields cannot carry all required fields, or an empty string."""
    missing = {name for name in required(kind, values, changed) if values.get(name) is None}
    for group in kind.sent_one_of:
        if missing & {*group}:
            what = f"an update must carry one of {listed(group)}"
            return f"{what}, and the key has none of them; declare one"
    names = sorted(missing & kind.sent_with.keys())
    if not names:
        return ""
    others = sorted({other for name in names for other in kind.sent_with[name]})
    given = listed(f"{other} {json_text(values[other])}" for other in others)
    return f"with {given} an update must carry {listed(names)} too, which the key does not have; declare it"


def deciding(kind: Kind, live: Values) -> set[str]:
    """Return the fields that determine what an update carries, and those that it carries unchanged."""
    conditions = {other for every in kind.sent_with.values() for other in every}
    some = {_chosen(group, live) for group in kind.sent_one_of}
    found = required(kind, live, conditions & live.keys()) | some
    return (conditions & live.keys()) | {name for name in found if live.get(name) is not None}


def removing(kind: Kind, change: Change) -> str:
    """Return why a merge patch would remove a required member by null, or an empty string."""
    if change.action is not Action.UPDATE:
        return ""
    is_merged = kind.update.encoding is Encoding.MERGE_PATCH
    sent = {
        name: merge_patch(change.before.get(name), after)
        for name, after in change.patch.items()
        if is_merged or name in kind.merged
    }
    needed = kind.schema["required"] if is_merged else ()
    found = [
        *(name for name in needed if name in sent and sent[name] is None),
        *(path for name, patch in sent.items() for path in _removed(kind.fields[name].shape, patch, name)),
    ]
    if not found:
        return ""
    what = f"a merge patch (RFC 7396) removes what is null, and {listed(found)} must be there"
    return f"{what}; write another value, or correct the kind: no `required` there, or another encoding"


def _removed(shape: Shape, patch: Any, path: str) -> Iterator[str]:
    """Yield the path of each required member that a merge patch removes below ``path``."""
    if isinstance(patch, dict):
        for name in sorted(patch.keys() & shape.members.keys()):
            if patch[name] is None and name not in shape.optional:
                yield f"{path}.{name}"
            yield from _removed(shape.members[name], patch[name], f"{path}.{name}")


def _update_body(kind: Kind, change: Change) -> Any:
    """Return the body of an update, with the members of the API."""
    encoding, name = kind.update.encoding, kind.identity_value(change.name)
    if encoding is Encoding.JSON_PATCH:
        return _operations(kind, change, name)
    values: Mapping[str, Any] = {
        field: sent_value(kind, change, field, change.shown) for field in change.patch
    }
    if kind.identity in kind.always_sent:
        values = {**values, kind.identity: name}
    elif encoding is not Encoding.MERGE_PATCH:
        values = with_name(kind, values, name)
    return body_of(kind, values, change.path_id)


def _operations(kind: Kind, change: Change, name: str | int) -> list[Mapping[str, Any]]:
    """Return the operations of JSON Patch (RFC 6902) that set the values of fields."""
    values = {field: sent_value(kind, change, field, change.shown) for field in change.patch}
    body = body_of(kind, with_name(kind, values, name))
    return [_operation(kind, field, change, body) for field in change.patch]


def _operation(kind: Kind, name: str, change: Change, body: Mapping[str, Any]) -> Mapping[str, Any]:
    there = kind.renamed.get(name, name)
    pointer = "/" + there.replace("~", "~0").replace("/", "~1")
    # To replace a member that is not there is an error; to add one that is there replaces it.
    before = change.before.get(name)
    is_missing = before is None or (name in kind.optional and before == kind.optional[name])
    return {"op": "add" if is_missing else "replace", "path": pointer, "value": body[there]}


def sent_value(kind: Kind, change: Change, name: str, shown: Values) -> Any:
    """Return the value of a field in an update, with the undescribed members in ``shown``."""
    before, after = change.before.get(name), change.patch[name]
    if kind.update.encoding is Encoding.MERGE_PATCH or name in kind.merged:
        value = merge_patch(before, after)
    else:
        value = _with_nulls(kind.fields[name].shape, before, after)
    return with_members(kind, name, value, shown)


def _with_nulls(shape: Shape, before: Any, after: Any) -> Any:
    """Return ``after`` with null for each member that an object loses, if the member is nullable.

    A service may leave members unchanged that a body omits.
    """
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    none = type(None)
    removed = [name for name in shape.members if name in before and name not in after]
    inside = {
        name: _with_nulls(shape.members[name], before.get(name), value) if name in shape.members else value
        for name, value in after.items()
    }
    return inside | {name: None for name in removed if none in shape.members[name].types}


def merge_patch(before: Any, after: Any) -> Any:
    """Return the smallest merge patch (RFC 7396) that turns ``before`` into ``after``.

    It is ``after`` itself if either is not an object.
    """
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    removed = {name: None for name in before if name not in after}
    changed = {
        name: merge_patch(before.get(name), value)
        for name, value in after.items()
        if name not in before or json_text(before[name]) != json_text(value)
    }
    return {**changed, **removed}
