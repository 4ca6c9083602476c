"""The body of an update that replaces the object: its live and its declared fields. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.completion import paired
from reconciler.diff.normalize import NotNormalError, known, normalize
from reconciler.diff.undescribed import with_members
from reconciler.errors import SchemaMismatchError
from reconciler.kinds.kind import Form
from reconciler.kinds.rest import BodyRule
from reconciler.kinds.wire import PAIRS
from reconciler.model.expressions import expression
from reconciler.model.phrases import listed
from reconciler.model.request import Encoding
from reconciler.plan.requests import merge_patch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.kinds.shape import Shape
    from reconciler.model.plan import Change

    Values = Mapping[str, Any]

_MASKED: Final = expression(
    r"(?:\w+ )?\S*[*\u2022]{4}\S*|\*{3}|REDACTED"
    r"|[<\[({*]{1,3}(?:redacted|masked|hidden|filtered|sensitive|secret|encrypted)(?: \w+)?[>\])}*]{1,3}",
    re.IGNORECASE,
)
"""A string in which a service hides a secret, perhaps behind a scheme: written back, it would be the secret.

A sentence with asterisks in it is none; a word in brackets, such as ``[REDACTED]``, is one.
"""
_MOST: Final = 10
_UNDECLARED: Final = object()


def undescribed(kind: Kind, live: Values) -> str:
    """Return why an update with the full object would lose members of it, or an empty string.

    A member that the kind file does not describe cannot be sent.
    """
    if kind.update.body is not BodyRule.WHOLE:
        return ""
    known = _ids(kind)
    described = kind.schema["properties"]
    read = frozenset(kind.read_from.values())
    names = list[str]()
    for name, value in live.items():
        if name not in described and name not in known:
            names += _unread(value, name, read)
        if name in kind.fields and not kind.fields[name].read_only:
            names += _unknown(described[name], value, name)
    if not names:
        return ""
    what = f"an update sends the complete key, and would drop {listed(sorted(names), _MOST)}"
    pairs = tuple(f"{name}[]." for name, shown in kind.shown.items() if shown.shape == PAIRS)
    remedy = "describe it there, as readOnly if it cannot be set"
    if pairs and all(name.startswith(pairs) for name in names):
        remedy = "add it there to read_only, under shown, if the service sets it"
    return f"{what}, which its kind does not describe; {remedy}"


def lost_in_replacement(kind: Kind, live: Values) -> str:
    """Return the undescribed values that a key loses when it is deleted and created again; empty if none."""
    described = kind.schema["properties"].keys() | _ids(kind)
    read = frozenset(kind.read_from.values())
    names = sorted(
        path for name, value in live.items() if name not in described for path in _unread(value, name, read)
    )
    what = f"its replacement would be without {listed(names, _MOST)}, which its kind does not describe"
    return f"{what}; describe it there, as readOnly if the service sets it" if names else ""


def _ids(kind: Kind) -> frozenset[str]:
    """Return the names of the id of a key, which need no description."""
    return frozenset({kind.path_field, *(["id"] if kind.envelope.api_type is not None else [])})


def full_values(kind: Kind, live: Values, patch: Values) -> Values:
    """Return the fields that an update sends of a live object, just read, overridden by ``patch``.

    Raises SchemaMismatchError if a value would be lost: one that is not described, not shown, or masked.
    """
    problem = undescribed(kind, live)
    if problem:
        raise SchemaMismatchError(problem)
    kept = {
        name: live[name]
        for name in kind.settable
        if name in live and name not in patch and not _means_missing(kind, name, live[name])
    }
    lost = [
        name for name in kind.settable if not {name}.issubset({*live, *patch, *kind.optional, kind.identity})
    ]
    if lost:
        what = f"an update sends the complete key, and the response does not show {listed(lost, _MOST)}"
        raise SchemaMismatchError(f"{what}, which would be lost; declare it, or update by changed fields")
    hidden = [name for name, value in kept.items() if is_masked(value)]
    if hidden:
        what = (
            f"an update sends the complete key, and the response masks the value of {listed(hidden, _MOST)}"
        )
        raise SchemaMismatchError(f"{what}, and the mask would be stored; declare it")
    try:
        inside = {
            name: normalize(kind.fields[name], value) if isinstance(value, dict | list | float) else value
            for name, value in kept.items()
        }
    except NotNormalError as error:
        raise SchemaMismatchError(f"an update sends the complete key, and {error}") from error
    return {**inside, **patch}


def _means_missing(kind: Kind, name: str, value: Any) -> bool:
    """Return whether a null value means a missing one, because the field itself is not nullable."""
    return value is None and name in kind.optional and type(None) not in kind.fields[name].types


def masked_secret(kind: Kind, declared: Values, change: Change) -> str:
    """Return why the update or replacement would store a masked secret, or an empty string.

    Undeclared values are sent as the response shows them: members beside declared ones, and the other fields
    of a replaced object. A merge patch has no members of objects that do not change, and a declared value
    without members has none that is undeclared.
    """
    minimal = kind.merged if kind.update.encoding is not Encoding.MERGE_PATCH else change.patch.keys()
    found = [
        path
        for name, value in change.patch.items()
        if name != kind.identity and (name not in declared or isinstance(value, dict | list))
        for path in _masks(
            declared.get(name, _UNDECLARED),
            with_members(
                kind,
                name,
                merge_patch(change.before.get(name), value) if name in minimal & declared.keys() else value,
                change.shown,
            ),
            name,
            kind.fields[name].shape,
            kind.fields[name].form,
        )
    ]
    if not found:
        return ""
    what = f"the response masks the value of {listed(found, _MOST)}"
    return f"{what}, and the mask would be stored; declare it"


def _masks(want: Any, value: Any, path: str, shape: Shape | None, form: Form = Form.EXACT) -> Iterator[str]:
    """Yield the path of each undeclared value that is masked."""
    if want is _UNDECLARED:
        yield from (path,) if is_masked(value) else ()
    elif isinstance(want, dict) and isinstance(value, dict):
        for name, inner in value.items():
            below = None if shape is None else shape.members.get(name)
            yield from _masks(want.get(name, _UNDECLARED), inner, f"{path}.{name}", below)
    elif isinstance(want, list) and isinstance(value, list) and shape is not None and shape.items is not None:
        pairs = paired(form, shape.items, want, [known(shape.items, item) for item in value])
        places = {j: i for i, j in pairs.items()}
        for j, item in enumerate(value):
            inner = want[places[j]] if j in places else _UNDECLARED
            yield from _masks(inner, item, f"{path}[]", shape.items)


def without_masked(value: Any) -> Any:
    """Return a value without the members of its objects that the service masks."""
    if not isinstance(value, dict):
        return value
    return {
        name: without_masked(inner)
        for name, inner in value.items()
        if isinstance(inner, dict) or not is_masked(inner)
    }


def _unread(value: Any, path: str, read: Collection[str]) -> Iterator[str]:
    """Yield each member that the schema does not describe; in a partly read object each unread one."""
    is_outer = any(where.startswith(f"{path}.") for where in read)
    if is_outer and isinstance(value, dict):
        for name, inner in value.items():
            yield from _unread(inner, f"{path}.{name}", read)
    elif path not in read and not (is_outer and value is None):
        yield path


def _unknown(keywords: Values, value: Any, path: str) -> Iterator[str]:
    """Yield the members inside a value that its schema does not describe."""
    if isinstance(value, list):
        for item in value:
            yield from _unknown(keywords.get("items", {}), item, f"{path}[]")
    known = keywords.get("properties")
    if not isinstance(value, dict) or known is None:
        return
    takes_others = isinstance(keywords.get("additionalProperties"), dict)
    for name, inner in value.items():
        if name not in known:
            yield from () if takes_others else (f"{path}.{name}",)
        elif not known[name].get("readOnly"):
            yield from _unknown(known[name], inner, f"{path}.{name}")


def is_masked(value: Any) -> bool:
    """Return whether a value is, or holds, a secret that the service masks with asterisks."""
    match value:
        case str():
            return _MASKED.fullmatch(value) is not None
        case dict():
            return any(map(is_masked, value.values()))
        case list():
            return any(map(is_masked, value))
        case _:
            return False
