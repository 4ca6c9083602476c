"""Which declared fields differ, how, and what that does to access; the one home of deepdiff.

An equality pass comes first: most keys of a plan are unchanged, and deepdiff costs a hundred times what a
comparison does. It is called once for each key that is not equal, and names every field, member and item.
"""

from __future__ import annotations

import json
from collections import defaultdict
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.normalize import NotNormalError, normalize
from reconciler.kinds.kind import EffectRule, Field, Form, Kind
from reconciler.kinds.shape import completed
from reconciler.model.canonical import json_text
from reconciler.model.members import Edit, Index, MemberChange
from reconciler.model.plan import Effect, FieldChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


_MOST_PAIRS: Final = 40_000
"""Two lists are aligned up to so many pairs of items; the items of longer ones are paired by position."""
IDENTIFYING: Final = ("id", "name")
"""Members that say which object of a list it is."""
_EDITS: Final = {
    "dictionary_item_added": Edit.ADDED,
    "set_item_added": Edit.ADDED,
    "dictionary_item_removed": Edit.REMOVED,
    "set_item_removed": Edit.REMOVED,
    "values_changed": Edit.CHANGED,
    "type_changes": Edit.CHANGED,
}
"""What deepdiff reports of objects, sets and texts, which is all that it is given."""
_ABSENT: Final = object()
_UNCHANGED: Final = "access unchanged"
_SCALAR: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
"""The text of a value for deepdiff: 1 is not True, and there are no half characters and no line breaks."""


def differing(
    kind: Kind, desired: Mapping[str, Any], live: Mapping[str, Any]
) -> Mapping[str, tuple[Any, Any]]:
    """Return the live and the desired value, both in normal form, of each declared field that differs.

    Raises NotNormalError if a live value is not of its field's type, KeyError with the name of a declared
    field that the live key lacks.
    """
    found: dict[str, tuple[Any, Any]] = {}
    fields = kind.fields
    for name, want in desired.items():
        have = live[name]
        field = fields[name]
        # Equal values are equal in every form, and repr tells 1 from True at the speed of C.
        if (
            want == have
            and want.__class__ is have.__class__
            and (field.plainly_equal or repr(want) == repr(have))
        ):
            continue
        before, after = normalize(field, have), desired_form(field, want, have)
        if json_text(before) != json_text(after):
            found[name] = before, after
    return found


def desired_form(field: Field, want: Any, have: Any) -> Any:
    """Return the normal form of a desired value, beside the live one: of what it leaves out inside objects.

    Raises NotNormalError if it has none.
    """
    return normalize(field, completed(field.shape, want, have))


def is_stored(field: Field, want: Any, have: Any) -> bool:
    """Return whether a live value in normal form is what was sent, but for what that left out."""
    return json_text(have) in {json_text(want), json_text(desired_form(field, want, have))}


def readable(
    kind: Kind, names: Iterable[str], values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the normal forms of those ``values`` that have one, and why each of the others has none."""
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
    from deepdiff import DeepDiff  # noqa: PLC0415 - 90 ms that only a plan with changed fields pays

    names = sorted(after)
    pairs = {name: _comparable(kind.fields[name], before[name], after[name]) for name in names}
    old, new = ({name: pair[side] for name, pair in pairs.items()} for side in (0, 1))
    # By default objects with few common members are one change, and members such as "__x" are ignored.
    tree = DeepDiff(old, new, view="tree", threshold_to_diff_deeper=0, ignore_private_variables=False)
    found: defaultdict[str, list[MemberChange]] = defaultdict(list)
    for report, levels in tree.items():
        for level in levels:
            name, *path = level.path(output_format="list")
            members = found[name]
            if report.startswith("set_item"):
                path = []
            elif not path:
                continue  # the value as a whole
            values = (json.loads(side) if isinstance(side, str) else None for side in (level.t1, level.t2))
            members.append(MemberChange(tuple(path), _EDITS[report], *values))
    return tuple(
        _described(kind.fields[name], before[name], after[name], found[name]) for name in sorted(found)
    )


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
    """Return two values of a field as deepdiff compares them; a set is one of texts."""
    if field.form is not Form.SET or not (before or after):
        return _aligned(before, after)
    # Members are sorted in normal form, so that repr tells items apart, 1 from True too, at the speed of C.
    old, new = ({repr(item): item for item in items or ()} for items in (before, after))
    # deepdiff takes 20 microseconds for each item, so those that both sets have are left out.
    removed = frozenset(_SCALAR(old[text]) for text in old.keys() - new.keys())
    return removed, frozenset(_SCALAR(new[text]) for text in new.keys() - old.keys())


def _aligned(before: Any, after: Any) -> tuple[Any, Any]:
    """Return two values as deepdiff compares them: objects of texts, and lists as objects of their items.

    deepdiff pairs objects in lists by position alone, so that one more at the front would change them all.
    """
    if before is after:
        return "", ""
    pairs: Iterable[tuple[str | Index, Any, Any]]
    if isinstance(before, list) and isinstance(after, list):
        steps = _alignment(before, after)
        pairs = ((step, _at(before, step.before), _at(after, step.after)) for step in steps)
    elif isinstance(before, dict) and isinstance(after, dict):
        names = before.keys() | after.keys()
        pairs = ((name, before.get(name, _ABSENT), after.get(name, _ABSENT)) for name in names)
    else:
        return _SCALAR(before), _SCALAR(after)
    left: dict[str | Index, Any] = {}
    right: dict[str | Index, Any] = {}
    for step, old, new in pairs:
        if new is _ABSENT:
            left[step] = _SCALAR(old)
        elif old is _ABSENT:
            right[step] = _SCALAR(new)
        elif _SCALAR(old) != _SCALAR(new):  # deepdiff takes 10 microseconds for each member that is equal
            left[step], right[step] = _aligned(old, new)
    return left, right


def _alignment(before: Sequence[Any], after: Sequence[Any]) -> Iterator[Index]:
    """Yield the items that differ: in pairs where one takes the place of the other, else one by one."""
    old, new = ([*map(_SCALAR, items)] for items in (before, after))
    start, end = common_ends(old, new)
    left, right = ([*map(_identity, items[start : len(items) - end])] for items in (before, after))
    blocks: Sequence[tuple[str, int, int, int, int]] = [("replace", 0, len(left), 0, len(right))]
    if len(left) * len(right) <= _MOST_PAIRS:
        blocks = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    for _, first, last, new_first, new_last in blocks:
        for a, b in zip_longest(range(first, last), range(new_first, new_last)):
            i, j = (None if index is None else index + start for index in (a, b))
            if i is None or j is None:
                yield Index(i, j)
            elif old[i] != new[j]:
                is_same = left[a] == right[b] or not (_is_named(before[i]) or _is_named(after[j]))
                if is_same and isinstance(before[i], dict | list) and type(before[i]) is type(after[j]):
                    yield Index(i, j)
                else:
                    yield from (Index(i, None), Index(None, j))


def _at(items: Sequence[Any], index: int | None) -> Any:
    return _ABSENT if index is None else items[index]


def _identity(item: Any) -> str:
    """Return the text that says which item it is: the names of an object, or else all of it."""
    return _SCALAR({name: item[name] for name in IDENTIFYING if name in item} if _is_named(item) else item)


def _is_named(item: Any) -> bool:
    """Return whether an item of a list is an object with a name or an ID."""
    return isinstance(item, dict) and any(isinstance(item.get(name), str | int) for name in IDENTIFYING)


def common_ends(one: Sequence[Any], other: Sequence[Any]) -> tuple[int, int]:
    """Return how many characters, or items, two sequences have in common at the start, then at the end."""
    start = _common(one, other)
    return start, _common(one[start:][::-1], other[start:][::-1])


def _common(one: Sequence[Any], other: Sequence[Any]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


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
            counts = {"binds": len(change.added), "unbinds": len(change.removed)}
            reasons = [f"{verb} {count}" for verb, count in counts.items() if count]
            effect = Effect.of(grants=bool(counts["binds"]), revokes=bool(counts["unbinds"]))
            return effect, ", ".join(reasons) or _UNCHANGED
        case EffectRule.NONE:
            return Effect.NEUTRAL, _UNCHANGED


def _expiry(before: str | None, after: str | None) -> tuple[Effect, str]:
    if after is None:
        return Effect.GRANTS, "never expires"
    if before is None:
        return Effect.REVOKES, "expires, where it never did"
    # Normal forms are UTC texts of one length, so their order is the order in time.
    return (Effect.GRANTS, "expires later") if after > before else (Effect.REVOKES, "expires earlier")
