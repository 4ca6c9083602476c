"""Which declared fields differ, and how; the one home of deepdiff.

A cheap equality pass comes first: most keys of a plan are unchanged, and deepdiff costs a hundred
times what a comparison does. It is asked only about fields that are known to differ.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.effects import effect_of
from reconciler.diff.normalize import NotNormalError, normalize
from reconciler.kinds.kind import Form
from reconciler.model.canonical import json_text
from reconciler.model.plan import Effect, FieldChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.kinds.kind import Field, Kind

DEEPEST: Final = 64
"""How deep a live value may be nested and still be compared."""


def differing(kind: Kind, desired: Mapping[str, Any], observed: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the declared fields whose values differ, sorted.

    Raises NotNormalError if an observed value is not of its field's type, KeyError with the name of
    a declared field that the answer lacks.
    """
    names: list[str] = []
    fields = kind.fields
    for name, want in desired.items():
        have = observed[name]
        field = fields[name]
        # Equal values are equal in every form, and repr tells 1 from True at the speed of C.
        if (
            want == have
            and want.__class__ is have.__class__
            and (field.plainly_equal or repr(want) == repr(have))
        ):
            continue
        if json_text(normalize(field, want)) != json_text(normalize(field, have)):
            names.append(name)
    return tuple(sorted(names))


def readable(
    kind: Kind, names: Iterable[str], values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the normal forms of those ``values`` that have one, and why each of the others has none."""
    forms: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for name in names:
        if name not in values:
            reasons[name] = f"it has no {name}"
        elif not _is_shallow(values[name]):
            reasons[name] = f"{name} is nested more than {DEEPEST} deep"
        else:
            try:
                forms[name] = normalize(kind.fields[name], values[name])
            except NotNormalError as error:
                reasons[name] = str(error)
    return forms, reasons


def _is_shallow(value: Any) -> bool:
    """Return whether a value is nested so little that every function can walk it."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return True
    return False


def explain(
    fields: Iterable[Field], before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[FieldChange, ...]:
    """Describe the change of each of ``fields``, which are known to differ.

    ``before`` and ``after`` hold values in normal form for at least these fields.
    """
    described = tuple(fields)
    sets = [field.name for field in described if field.form is Form.SET]
    added, removed = _set_items(
        {name: frozenset(map(json_text, before[name] or ())) for name in sets},
        {name: frozenset(map(json_text, after[name] or ())) for name in sets},
    )
    return tuple(
        _field_change(field, before[field.name], after[field.name], added[field.name], removed[field.name])
        for field in described
    )


def whole_key(
    fields: Iterable[Field], values: Mapping[str, Any], effect: Effect, reason: str
) -> tuple[FieldChange, ...]:
    """Describe each of ``fields`` of a key that comes (``grants``) or goes, all with the same effect."""
    comes = effect is Effect.GRANTS
    return tuple(
        FieldChange(
            field.name,
            None if comes else values[field.name],
            values[field.name] if comes else None,
            effect,
            reason,
            with_key=True,
        )
        for field in fields
    )


def _field_change(field: Field, before: Any, after: Any, added: list[str], removed: list[str]) -> FieldChange:
    new = tuple(json.loads(item) for item in sorted(added))
    gone = tuple(json.loads(item) for item in sorted(removed))
    effect, reason = effect_of(field.effect, before, after, new, gone)
    return FieldChange(field.name, before, after, effect, reason, new, gone)


def _set_items(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[defaultdict[str, list[str]], defaultdict[str, list[str]]]:
    """Return the items that each set of texts gained and lost, by field.

    A scalar that differs explains itself; what changed inside a container is deepdiff's to say.
    """
    added: defaultdict[str, list[str]] = defaultdict(list)
    removed: defaultdict[str, list[str]] = defaultdict(list)
    if not before:
        return added, removed
    from deepdiff import DeepDiff  # noqa: PLC0415 - 90 ms that only a plan with changed sets pays

    tree = DeepDiff(before, after, view="tree")
    for level in tree.get("set_item_added", ()):
        added[level.path(output_format="list")[0]].append(level.t2)
    for level in tree.get("set_item_removed", ()):
        removed[level.path(output_format="list")[0]].append(level.t1)
    return added, removed
