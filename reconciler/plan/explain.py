"""Why a field is equal or different, and what the requests of an apply would carry of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.compare import readable
from reconciler.kinds.kind import Form
from reconciler.model.canonical import json_text
from reconciler.model.plan import Action

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.kinds.kind import Field, Kind
    from reconciler.model.desired import DesiredKey
    from reconciler.model.plan import Change
    from reconciler.model.source import Position

RULES: Final = {
    Form.EXACT: "values are compared exactly, their type included",
    Form.INSTANT: "format date-time: moments are compared in UTC and whole seconds, however they are spelled",
    Form.SET: "uniqueItems: lists are compared as sets, so neither order nor repetition matters",
}


class Verdict(StrEnum):
    """What comparing a field found."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNDECLARED = "not declared, so left alone"
    READ_ONLY = "set by the service, so never compared"
    IDENTITY = "the identity of the key, so never changed"
    UNREADABLE = "not comparable"
    ABSENT = "the key is not on the server"


class Carried(StrEnum):
    """Why a request would carry a field, or not."""

    DIFFERS = "carried, because it differs"
    INSISTED = "carried as it is, because the service insists on it in every PATCH"
    FIXED = "not carried, because it cannot be changed in place"
    NEW = "carried, because the key is made anew"
    IGNORED = "not carried, because the lifecycle of the key ignores its changes"
    NOT = "not carried"


@dataclass(frozen=True, slots=True)
class Value:
    """A value as it was written or answered, and its normal form; ``problem`` says why it has none."""

    raw: Any
    form: Any
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One field: what the file and the API say of it, which is None where they do not, and what follows.

    ``inherited_from`` is the place of the default that the file's value comes from, where it does.
    """

    field: str
    desired: Value | None
    observed: Value | None
    rule: str
    verdict: Verdict
    carried: Carried = Carried.NOT
    inherited_from: Position | None = None


def explanations_of(
    kind: Kind, key: DesiredKey | None, observed: Mapping[str, Any] | None, change: Change | None
) -> tuple[Explanation, ...]:
    """Explain every field of the kind for one key, and where its values come from.

    ``key`` is None where no file declares it, ``observed`` where it is not on the server; ``change`` is what
    apply would do, None if that is nothing.
    """
    fields, ignored = ({}, frozenset[str]()) if key is None else (key.fields, key.lifecycle.ignore_changes)
    action = None if change is None else change.action
    found = explanations(kind, fields, observed or {}, ignored)
    if observed is None:
        found = tuple(_absent(one) for one in found)
    if change is not None and action is not Action.UPDATE:
        sent = change.requests[-1].body or {}
        found = tuple(
            replace(one, carried=Carried.NEW if one.field in sent else Carried.NOT) for one in found
        )
    if key is None:
        return found
    return tuple(replace(one, inherited_from=key.inherited_from(one.field)) for one in found)


def explanations(
    kind: Kind,
    desired: Mapping[str, Any],
    observed: Mapping[str, Any],
    ignored: Collection[str] = (),
) -> tuple[Explanation, ...]:
    """Explain every field of the kind for one key that stays, in the order of its schema."""
    found = [_explained(kind, field, desired, observed) for field in kind.fields.values()]
    different = {one.field for one in found if one.verdict is Verdict.DIFFERENT}
    insisted = kind.always_sent if different - kind.immutable - set(ignored) else ()
    return tuple(replace(one, carried=_carried(kind, one, insisted, ignored)) for one in found)


def _absent(one: Explanation) -> Explanation:
    return replace(one, verdict=Verdict.ABSENT) if one.verdict is Verdict.UNREADABLE else one


def _explained(
    kind: Kind, field: Field, desired: Mapping[str, Any], observed: Mapping[str, Any]
) -> Explanation:
    want = _value(kind, field.name, desired) if field.name in desired else None
    is_shown = field.name in observed and field.name != kind.secret  # which no answer but one should hold
    have = _value(kind, field.name, observed) if is_shown else None
    return Explanation(field.name, want, have, RULES[field.form], _verdict(kind, field, want, have))


def _value(kind: Kind, name: str, values: Mapping[str, Any]) -> Value:
    forms, reasons = readable(kind, [name], values)
    return Value(values[name], forms.get(name), reasons.get(name, ""))


def _verdict(kind: Kind, field: Field, want: Value | None, have: Value | None) -> Verdict:
    if field.name == kind.identity:
        return Verdict.IDENTITY
    if field.read_only:
        return Verdict.READ_ONLY
    if want is None:
        return Verdict.UNDECLARED
    if have is None or have.problem or want.problem:
        return Verdict.UNREADABLE
    return Verdict.EQUAL if json_text(want.form) == json_text(have.form) else Verdict.DIFFERENT


def _carried(kind: Kind, one: Explanation, insisted: Collection[str], ignored: Collection[str]) -> Carried:
    if one.verdict is Verdict.DIFFERENT and one.field in ignored:
        return Carried.IGNORED
    if one.verdict is Verdict.DIFFERENT:
        return Carried.FIXED if one.field in kind.immutable else Carried.DIFFERS
    return Carried.INSISTED if one.field in insisted else Carried.NOT
