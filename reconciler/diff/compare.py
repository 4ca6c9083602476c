"""The declared fields that differ, how, and the effect on access; the only module that imports deepdiff.

An equality pass comes first: most keys of a plan are unchanged, and deepdiff costs a hundred times as much as
a comparison. It is called once for each key with an object or a list that is not equal, and returns every
member and item.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.alignment import SetItem, aligned, beside, common_ends, scalar_text
from reconciler.diff.completion import completed, leaves_out
from reconciler.diff.normalize import NotNormalError, checked, normalize, set_of_texts
from reconciler.kinds.kind import EffectRule, Field, Form, Kind
from reconciler.model.canonical import json_text
from reconciler.model.frozen import dataclass
from reconciler.model.members import Edit, MemberChange
from reconciler.model.plan import Effect, FieldChange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reconciler.diff.alignment import Path


_EDITS: Final = {
    "dictionary_item_added": Edit.ADDED,
    "dictionary_item_removed": Edit.REMOVED,
    "values_changed": Edit.CHANGED,
    "type_changes": Edit.CHANGED,
}
"""What deepdiff reports of objects and texts, which is all that it is given."""
_SURE: Final = frozenset({str, type(None), list, dict})
"""Types of values that have the same type whenever they are equal."""
_UNITS: Final = frozenset({str, type(None), bool, int, float})
"""Types of values without members."""
_UNCHANGED: Final = "access unchanged"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The fields of a key whose desired and live values may differ, each value normalised once.

    ``pairs`` are the live and the desired value of each field that differs, ``same`` the values of those that
    are only spelled differently, all in normal form. ``faults`` and ``odd`` are the reasons why a desired or
    a live value has none; such fields are in neither.
    """

    pairs: Mapping[str, tuple[Any, Any]]
    same: Mapping[str, Any]
    faults: Mapping[str, str]
    odd: Mapping[str, str]


def equality(kind: Kind) -> Callable[[Mapping[str, Any], Mapping[str, Any]], bool]:
    """Return a function that returns whether a live key certainly holds every desired value, fast.

    Most keys of a plan are unchanged. False is inconclusive: equal values may be spelled differently.
    """
    # Equal texts and nulls are of one type; but 1 == True, and inside a list or an object only repr tells.
    fields = kind.fields.values()
    nested = [field.name for field in fields if not field.plainly_equal]
    typed = [field.name for field in fields if field.plainly_equal and not _SURE.issuperset(field.types)]

    def are_equal(desired: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
        if not desired.items() <= live.items():
            return False
        for name in typed:
            if name in desired and desired[name].__class__ is not live[name].__class__:
                return False
        return not nested or all(
            repr(desired[name]) == repr(live[name]) for name in nested if name in desired
        )

    return are_equal


def compare(kind: Kind, desired: Mapping[str, Any], live: Mapping[str, Any]) -> Comparison:
    """Compare the desired fields of a key with the live ones, by equality of their normal forms."""
    pairs: dict[str, tuple[Any, Any]] = {}
    same: dict[str, Any] = {}
    faults: dict[str, str] = {}
    odd: dict[str, str] = {}
    for name, want in desired.items():
        field = kind.fields[name]
        if _is_surely_equal(field, want, live):
            continue
        forms, reasons = readable(kind, [name], live)
        try:
            after = desired_form(field, want, forms[name]) if forms else normalize(field, want)
        except NotNormalError as error:
            faults[name] = str(error)
            continue
        if reasons:
            odd[name] = reasons[name]
        elif forms[name] == after and json_text(forms[name]) == json_text(after):
            same[name] = after
        else:
            pairs[name] = forms[name], after
    return Comparison(pairs, same, faults, odd)


def _is_surely_equal(field: Field, want: Any, live: Mapping[str, Any]) -> bool:
    try:
        have = live[field.name]
        return bool(
            want == have
            and want.__class__ is have.__class__
            and (field.plainly_equal or repr(want) == repr(have))
        )
    except (KeyError, RecursionError):
        return False


def desired_form(field: Field, want: Any, have: Any) -> Any:
    """Return the normal form of a desired value; members that it omits inside objects come from the live one.

    ``have`` is in normal form. Raises NotNormalError if the desired value has none.
    """
    texts = set_of_texts(field, want)
    if texts is not None:
        return texts
    if leaves_out(field.shape, want):
        want = completed(field.form, field.shape, checked(field, want), have)
    return normalize(field, want)


def declared_parts(kind: Kind, declared: Mapping[str, Any], after: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the declared values to which ``after``, in normal form, adds live members."""
    both = {name: kind.fields[name] for name in sorted(after.keys() & declared.keys())}
    parts = {
        name: checked(field, declared[name])
        for name, field in both.items()
        if leaves_out(field.shape, declared[name])
    }
    return {
        name: part
        for name, part in parts.items()
        if json_text(normalize(kind.fields[name], part)) != json_text(after[name])
    }


def is_stored(field: Field, want: Any, have: Any) -> bool:
    """Return whether a live value in normal form contains all that was sent; it may have more members."""
    return json_text(have) in {json_text(want), json_text(desired_form(field, want, have))}


def readable(
    kind: Kind, names: Iterable[str], values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the normal forms of the ``values`` that have one, and the reasons why the others have none."""
    forms: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for name in names:
        try:
            forms[name] = normalize(kind.fields[name], values[name])
        except KeyError:
            reasons[name] = f"it has no {name}"
        except NotNormalError as error:
            reasons[name] = str(error)
    return forms, reasons


def field_changes(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """Return the change of each field that differs, sorted by name.

    ``before`` and ``after`` hold the values of the same fields in normal form.
    """
    # Most fields are equal, or single values; repr tells normal forms apart at the speed of C.
    pairs = {name: (before[name], want) for name, want in after.items() if repr(before[name]) != repr(want)}
    units = {name for name, pair in pairs.items() if _UNITS.issuperset(map(type, pair))}
    old, new = beside(
        ((name,), *_comparable(kind.fields[name], *pair)) for name, pair in pairs.items() if name not in units
    )
    wholes = {path for path in old.keys() | new.keys() if len(path) == 1}
    found = _members(*({path: side[path] for path in side.keys() - wholes} for side in (old, new)))
    names = {str(name) for (name,) in wholes} | found.keys() | units
    return tuple(
        _described(kind.fields[name], before[name], after[name], found.get(name, ()))
        for name in sorted(names)
    )


def _members(old: Mapping[Path, Any], new: Mapping[Path, Any]) -> Mapping[str, Sequence[MemberChange]]:
    """Return the changes inside each field, by the texts of nested values at their full paths."""
    found: defaultdict[str, list[MemberChange]] = defaultdict(list)
    if not old and not new:
        return found
    from deepdiff import DeepDiff  # noqa: PLC0415 - 90 ms that only a change of an object or a list pays

    # By default objects with few common members are one change, and each name is looked at.
    tree = DeepDiff(old, new, view="tree", threshold_to_diff_deeper=0, ignore_private_variables=False)
    for report, levels in tree.items():
        for level in levels:
            relation = level.up.t1_child_rel or level.up.t2_child_rel
            name, *steps = relation.param  # the whole path: there is one level
            path = tuple(step for step in steps if not isinstance(step, SetItem))
            values = (json.loads(side) if isinstance(side, str) else None for side in (level.t1, level.t2))
            found[name].append(MemberChange(path, _EDITS[report], *values))
    return found


def reversed_change(kind: Kind, change: FieldChange) -> FieldChange:
    """Return the change of a field in the other direction, from after to before, with no origin."""
    members = [member.reversed() for member in change.members]
    return _described(kind.fields[change.field], change.after, change.before, members)


def whole_key(values: Mapping[str, Any], effect: Effect, reason: str) -> tuple[FieldChange, ...]:
    """Return the change of each field of a key that is created (``GRANTS``) or deleted (``REVOKES``)."""
    is_new = effect is Effect.GRANTS
    return tuple(
        FieldChange(name, None if is_new else value, value if is_new else None, effect, reason, with_key=True)
        for name, value in values.items()
    )


def _described(field: Field, before: Any, after: Any, members: Iterable[MemberChange]) -> FieldChange:
    ordered = tuple(sorted(members, key=_position))
    change = FieldChange(field.name, before, after, Effect.NEUTRAL, members=ordered)
    effect, reason = effect_of(field.effect, change)
    return FieldChange(field.name, before, after, effect, reason, ordered)


def _position(member: MemberChange) -> tuple[object, ...]:
    steps = [
        (step, 0, 0) if isinstance(step, str) else ("", *(-1 if at is None else at for at in step))
        for step in member.path
    ]
    return steps, member.edit, "" if member.path else json_text([member.before, member.after])


def _comparable(field: Field, before: Any, after: Any) -> tuple[Any, Any]:
    """Return two values of a field in the form that deepdiff compares; a set is an object of its items.

    deepdiff hashes each item of a set, which takes five times as long as a member of an object.
    """
    if field.form is not Form.SET or not (before or after):
        return aligned(before, after)
    # Items that both sets have are left out: deepdiff would take as long for them as for the others.
    old, new = before or [], after or []
    start, end = common_ends(old, new) if field.plainly_equal else (0, 0)
    # Members are sorted in normal form, so that repr tells items apart, 1 from True too, at the speed of C.
    lost, gained = ({repr(item): item for item in items[start : len(items) - end]} for items in (old, new))
    removed = (scalar_text(lost[text]) for text in lost.keys() - gained.keys())
    added = (scalar_text(gained[text]) for text in gained.keys() - lost.keys())
    return {(SetItem(text),): text for text in removed}, {(SetItem(text),): text for text in added}


def effect_of(rule: EffectRule, change: FieldChange) -> tuple[Effect, str]:
    """Return the effect of a change, with the reason in a few words."""
    match rule:
        case EffectRule.SWITCH_OFF:
            return (
                (Effect.REVOKES, "disables the key") if change.after else (Effect.GRANTS, "enables the key")
            )
        case EffectRule.EXPIRY:
            return _expiry(change.before, change.after)
        case EffectRule.BINDING:
            sides = {Effect.GRANTS: ("binds", change.added), Effect.REVOKES: ("unbinds", change.removed)}
            reasons = {side: f"{verb} {len(items)}" for side, (verb, items) in sides.items() if items}
            return Effect.joined(reasons), ", ".join(reasons.values()) or _UNCHANGED
        case EffectRule.NONE:
            return Effect.NEUTRAL, _UNCHANGED


def _expiry(before: str | None, after: str | None) -> tuple[Effect, str]:
    if after is None:
        return Effect.GRANTS, "never expires"
    if before is None:
        return Effect.REVOKES, "expires, and did not before"
    # Normal forms are UTC texts of one length, so their order is the order in time.
    return (Effect.GRANTS, "expires later") if after > before else (Effect.REVOKES, "expires earlier")
