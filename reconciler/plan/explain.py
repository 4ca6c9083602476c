"""Why a field is equal or different, and whether a request of apply would contain it. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.compare import desired_form, field_changes, readable
from reconciler.kinds.kind import Field, Form, Kind
from reconciler.model.canonical import json_text
from reconciler.model.frozen import dataclass
from reconciler.model.plan import Action, Change, FieldChange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.desired import DesiredKey
    from reconciler.model.source import Position

RULES: Final = {
    Form.EXACT: "values are compared exactly, their type included",
    Form.INSTANT: "format date-time: instants are compared in UTC and whole seconds, however spelled",
    Form.SET: "uniqueItems: lists are compared as sets, so neither order nor repetition matters",
}
_OBJECT: Final = "of an object, the members that the file declares are compared exactly, their type included"
_ITEMS: Final = ", and of an item, the members that the file declares"


class Verdict(StrEnum):
    """The result of comparing a field."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNDECLARED = "not declared, so left alone"
    READ_ONLY = "set by the service, so never compared"
    IDENTITY = "the identity of the key, so never changed"
    UNREADABLE = "not comparable"
    ABSENT = "the key is not on the server"


class Carried(StrEnum):
    """Why a request would contain a field, or would not."""

    DIFFERS = "carried, because it differs"
    REQUIRED = "carried unchanged, because the service requires it in every update"
    FIXED = "not carried, because it cannot be changed in place"
    NEW = "carried, because the key is created again"
    IGNORED = "not carried, because the lifecycle of the key ignores its changes"
    NOT = "not carried"


@dataclass(frozen=True, slots=True)
class Value:
    """A value as written or received, and its normal form; ``problem`` is the reason if it has none."""

    raw: Any
    form: Any
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One field: its values in the file and the API, None if there is none, and their comparison.

    ``change`` is the difference between the live and the desired value. ``inherited_from`` is the position of
    the default that the file's value comes from, if it does.
    """

    field: str
    desired: Value | None
    live: Value | None
    rule: str
    verdict: Verdict
    carried: Carried
    change: FieldChange | None = None
    inherited_from: Position | None = None


def explanations(
    kind: Kind, key: DesiredKey | None, live: Mapping[str, Any] | None, change: Change | None
) -> tuple[Explanation, ...]:
    """Return an explanation of every field of the kind for one key, in the order of its schema.

    ``key`` is None if no file declares it, ``live`` if it is not live; ``change`` is the planned change, None
    if there is none.
    """
    declared = {} if key is None else key.fields
    shown = {name: value for name, value in (live or {}).items() if name != kind.secret}
    sides = [
        {name: _value(kind, name, values) for name in kind.fields if name in values}
        for values in (declared, shown)
    ]
    names = [
        name
        for name in kind.settable
        if name != kind.identity and all(name in side and not side[name].problem for side in sides)
    ]
    have = {name: sides[1][name].form for name in names}
    want = {name: desired_form(kind.fields[name], declared[name], have[name]) for name in names}
    is_equal = json_text(have) == json_text(want)
    differences = {field.field: field for field in (() if is_equal else field_changes(kind, have, want))}
    explained = []
    for name, field in kind.fields.items():
        verdict = Verdict.DIFFERENT if name in differences else Verdict.EQUAL
        if name == kind.identity:
            verdict = Verdict.IDENTITY
        elif name not in kind.settable:
            verdict = Verdict.READ_ONLY
        elif name not in declared:
            verdict = Verdict.UNDECLARED
        elif name not in names:
            verdict = Verdict.UNREADABLE if live is not None else Verdict.ABSENT
        one = Explanation(
            field=name,
            desired=sides[0].get(name),
            live=sides[1].get(name),
            rule=_rule(field),
            verdict=verdict,
            carried=_carried(kind, name, verdict, key, change),
            change=differences.get(name),
            inherited_from=None if key is None else key.inherited_from(name),
        )
        explained.append(one)
    return tuple(explained)


def _rule(field: Field) -> str:
    if field.shape.members:
        return _OBJECT
    items = field.shape.items
    return RULES[field.form] + (_ITEMS if items is not None and items.members else "")


def _value(kind: Kind, name: str, values: Mapping[str, Any]) -> Value:
    forms, reasons = readable(kind, [name], values)
    return Value(values[name], forms.get(name), reasons.get(name, ""))


def _carried(
    kind: Kind, name: str, verdict: Verdict, key: DesiredKey | None, change: Change | None
) -> Carried:
    is_different = verdict is Verdict.DIFFERENT
    body = {} if change is None else change.patch
    if change is not None and change.action is not Action.UPDATE:
        return Carried.NEW if name in body else Carried.NOT
    if is_different and key is not None and name in key.lifecycle.ignore_changes:
        return Carried.IGNORED
    if is_different and name in kind.immutable:
        return Carried.FIXED
    if name in body:
        return Carried.DIFFERS if is_different else Carried.REQUIRED
    return Carried.NOT
