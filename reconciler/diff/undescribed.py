"""Live members that no schema describes: an object that is sent completely includes them as shown. Pure.

A service that replaces the object would delete them otherwise. A merge patch names the members of an object
that it changes, but replaces lists. Read-only members are never sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.diff.alternatives import is_another
from reconciler.diff.completion import paired
from reconciler.diff.normalize import checked, known
from reconciler.kinds.kind import Form
from reconciler.kinds.rest import BodyRule
from reconciler.model.canonical import json_text
from reconciler.model.request import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.kinds.shape import Shape

    Beside = Callable[[Shape, Mapping[str, Any]], Sequence[str]]


def shown_members(kind: Kind, names: Iterable[str], live: Mapping[str, Any]) -> dict[str, Any]:
    """Return the live values of the fields that are sent completely and have undescribed members.

    They are without their read-only members. ``names`` are fields that have a normal form.
    """
    if kind.update.body is BodyRule.WHOLE:
        return {}
    beside = _beside_of(kind)
    fields = [kind.fields[name] for name in names if name in live and name not in kind.merged]
    found = {field.name: checked(field, live[field.name]) for field in fields}
    return {
        field.name: _settable(field.shape, found[field.name])
        for field in fields
        if next(_undescribed(field.shape, found[field.name], beside), None) is not None
    }


def with_members(kind: Kind, name: str, value: Any, shown: Mapping[str, Any]) -> Any:
    """Return the value of a field in a request, with the undescribed members of its live value in ``shown``.

    An item of a list has those of the live one that it is paired with, another alternative of an object has
    none.
    """
    if name not in shown:
        return value
    field = kind.fields[name]
    return _with_members(field.form, field.shape, value, shown[name], _beside_of(kind))


def _beside_of(kind: Kind) -> Beside:
    """Return what finds the undescribed members that an update would remove outside lists."""
    return _none if kind.update.encoding is Encoding.MERGE_PATCH else _beside


def _with_members(form: Form, shape: Shape, want: Any, shown: Any, beside: Beside) -> Any:
    if isinstance(want, list) and isinstance(shown, list) and shape.items is not None:
        return _items_with_members(form, shape.items, want, shown)
    if not isinstance(want, dict) or not isinstance(shown, dict):
        return want
    inside = {
        name: _with_members(Form.EXACT, shape.members[name], value, shown.get(name), beside)
        if name in shape.members
        else value
        for name, value in want.items()
    }
    lost = [name for name in beside(shape, shown) if name not in want]
    if not lost or is_another(shape, want, known(shape, shown)):
        return inside
    return inside | {name: shown[name] for name in lost}


def _items_with_members(form: Form, shape: Shape, want: list[Any], shown: list[Any]) -> list[Any]:
    """Return the items of a list with the members of the live ones.

    Live items of a set that differ in such members alone are one in normal form: all of them are retained.
    """
    described = [known(shape, item) for item in shown]
    pairs = paired(form, shape, want, described)
    twins: dict[str, list[int]] = {}
    if form is Form.SET:
        for at, item in enumerate(described):
            twins.setdefault(json_text(item), []).append(at)
    found: list[Any] = []
    for i, item in enumerate(want):
        places = [pairs[i]] if i in pairs else []
        places = twins.get(json_text(item), places)
        all_of_it = [_with_members(Form.EXACT, shape, item, shown[at], _beside) for at in places]
        found += {json_text(one): one for one in all_of_it}.values() or [item]
    return found


def _undescribed(shape: Shape, value: Any, beside: Beside) -> Iterator[str]:
    """Yield the name of each undescribed member that an update would remove."""
    if isinstance(value, list) and shape.items is not None:
        for item in value:
            yield from _undescribed(shape.items, item, _beside)
    if isinstance(value, dict):
        yield from beside(shape, value)
        for name in shape.members.keys() & value.keys():
            yield from _undescribed(shape.members[name], value[name], beside)


def _beside(shape: Shape, value: Mapping[str, Any]) -> Sequence[str]:
    """Return the undescribed members, which an object loses that is sent completely without them."""
    if shape.keeps_others:
        return []
    return [name for name in value if name not in shape.members and name not in shape.read_only]


def _none(_shape: Shape, _value: Mapping[str, Any]) -> Sequence[str]:
    """Return no member: an object that is merged loses none."""
    return ()


def _settable(shape: Shape, value: Any) -> Any:
    """Return a value without the members that the service sets."""
    if isinstance(value, list) and shape.items is not None:
        return [_settable(shape.items, item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _settable(shape.members[name], inner) if name in shape.members else inner
        for name, inner in value.items()
        if name not in shape.read_only
    }
