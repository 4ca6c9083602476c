"""A change in parts that the renderers for people combine, each on one safe line.

Objects, sets and lists of objects are shown in Terraform's nested form: the members and items that differ,
and the number of the others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.alignment import IDENTIFYING, common_ends
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.model.members import Edit, Index, MemberChange
from reconciler.model.phrases import counted
from reconciler.model.plan import Action, Change, Effect, FieldChange
from reconciler.render.impact import purpose_text
from reconciler.render.values import value_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from reconciler.model.status import Episode

_ELIDED_FROM: Final = 200
_KEPT: Final = 40
_LEAST_CUT: Final = 50
"""Cutting fewer characters than this would not make a text shorter: it says how many are gone."""
SYMBOLS: Final = {
    Action.CREATE: ("+", "create", "will be created"),
    Action.UPDATE: ("~", "update in-place", "will be updated in-place"),
    Action.DELETE: ("-", "destroy", "will be destroyed"),
    Action.REPLACE: ("-/+", "destroy and then create replacement", "must be replaced"),
}
"""The symbol of an action, what it means, and what becomes of a key by it: Terraform's words."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The display limits of a field: characters of a value or an item, and items on each side of a set."""

    characters: int
    items: int


class Mark(StrEnum):
    """The content of a line: a value that is added, removed or changed, context, or omitted lines."""

    ADD = "+"
    REMOVE = "-"
    CHANGE = "~"
    CONTEXT = " "
    HIDDEN = "#"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a field: ``lead`` such as a name, then the value before, the value after, or both."""

    mark: Mark
    lead: str = ""
    before: str | None = None
    after: str | None = None
    depth: int = 0

    @property
    def text(self) -> str:
        """Return the line without its mark."""
        return self.lead + " -> ".join(side for side in (self.before, self.after) if side is not None)


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field that changes: one line, or the differing lines between ``brackets``, ``{}`` or ``[]``.

    ``note`` is the side that changed it, if known, and the effect on access. ``left_out`` counts the lines
    beyond a bound. ``mark`` is that of the field itself.
    """

    name: str
    note: str
    lines: tuple[Line, ...]
    brackets: str = ""
    left_out: int = 0
    mark: Mark = Mark.CHANGE


def field_view(field: FieldChange, bound: Bound | None = None) -> FieldView:
    """Return the texts that show ``field``, without the parts beyond ``bound``, which are counted."""
    name, mark = escape_control(field.field), Mark.CHANGE
    brackets = _brackets(field.before, field.after, field.members)
    if field.with_key:
        mark, value = (Mark.ADD, field.after) if field.effect.grants else (Mark.REMOVE, field.before)
        brackets = "[]" if _has_objects(value) else ""
        lines = (
            [_one_sided(mark, "", item) for item in value]
            if brackets
            else [_one_sided(mark, f"{name} = ", value)]
        )
    elif brackets:
        lines = list(_inside(field.before, field.after, field.members))
    else:
        lines = [_changed(f"{name} = ", field.before, field.after)]
    if bound is None:
        return FieldView(name, note_text(field), tuple(lines), brackets, mark=mark)
    counts: Counter[Mark] = Counter()
    shown: list[Line] = []
    left_out = 0
    for line in lines:
        counts[line.mark] += 1
        if counts[line.mark] <= bound.items:
            shown.append(_cut_line(line, bound.characters))
        elif line.mark not in {Mark.CONTEXT, Mark.HIDDEN}:
            left_out += 1
    return FieldView(name, note_text(field), tuple(shown), brackets, left_out, mark)


def _brackets(before: Any, after: Any, members: Sequence[MemberChange]) -> str:
    """Return the brackets of a value whose differing members are shown; empty if it is shown in full.

    A list of scalars is shown in full, because its meaning depends on the order.
    """
    if not members or type(before) is not type(after):
        return ""
    if isinstance(before, dict):
        return "{}"
    is_set = not members[0].path
    return "[]" if is_set or _has_objects(before) or _has_objects(after) else ""


def _has_objects(value: Any) -> bool:
    """Return whether a value is a list that contains an object or a list."""
    return isinstance(value, list) and any(isinstance(item, dict | list) for item in value)


def _inside(
    before: Any, after: Any, members: Sequence[MemberChange], depth: int = 0, context: Collection[str] = ()
) -> Iterator[Line]:
    """Yield the lines between brackets; ``context`` are equal members that are shown as well."""
    if not members[0].path:
        removed = (member.before for member in members if member.edit is Edit.REMOVED)
        added = [member.after for member in members if member.edit is Edit.ADDED]
        yield from (_one_sided(Mark.REMOVE, "", item) for item in removed)
        yield from (_one_sided(Mark.ADD, "", item) for item in added)
        yield from _hidden(len(after) - len(added), "element")
        return
    steps: defaultdict[str | Index, list[MemberChange]] = defaultdict(list)
    for member in members:
        steps[member.path[0]].append(replace(member, path=member.path[1:]))
    if isinstance(before, dict):
        same = before.keys() & after.keys() - steps.keys()
        for name in sorted(same.intersection(context)):
            yield _one_sided(Mark.CONTEXT, f"{name} = ", before[name], depth)
        for name in sorted((before.keys() | after.keys()) - same):
            lead = f"{escape_control(name)} = "
            yield from _member(lead, before.get(name), after.get(name), steps[name], depth)
        yield from _hidden(len(same.difference(context)), "attribute", depth)
        return
    same_items = i = j = 0
    pairs = {step.before: step for step in steps if isinstance(step, Index) and step.after is not None}
    while i < len(before) or j < len(after):
        possible = (Index(i, None), Index(None, j), pairs.get(i))
        step = next((index for index in possible if index in steps), None)
        if step is None:
            same_items, i, j = same_items + 1, i + 1, j + 1
            continue
        yield from _hidden(same_items, "element", depth)
        same_items = 0
        old, new = None if step.before is None else before[i], None if step.after is None else after[j]
        yield from _member("", old, new, steps[step], depth)
        i, j = i + (step.before is not None), j + (step.after is not None)
    yield from _hidden(same_items, "element", depth)


def _member(
    lead: str, before: Any, after: Any, members: Sequence[MemberChange], depth: int
) -> Iterator[Line]:
    is_whole = not members[0].path
    brackets = "" if is_whole else _brackets(before, after, members)
    if is_whole and members[0].edit is Edit.ADDED:
        yield _one_sided(Mark.ADD, lead, after, depth)
    elif is_whole and members[0].edit is Edit.REMOVED:
        yield _one_sided(Mark.REMOVE, lead, before, depth)
    elif not brackets:
        yield _changed(lead, before, after, depth)
    else:
        yield Line(Mark.CHANGE, f"{lead}{brackets[0]}", depth=depth)
        yield from _inside(before, after, members, depth + 1, () if lead else IDENTIFYING)
        yield Line(Mark.CONTEXT, brackets[1], depth=depth)


def _hidden(count: int, noun: str, depth: int = 0) -> Iterator[Line]:
    if count:
        yield Line(Mark.HIDDEN, f"({counted(count, f'unchanged {noun}')} hidden)", depth=depth)


def _one_sided(mark: Mark, lead: str, value: Any, depth: int = 0) -> Line:
    text = value_text(value)
    return Line(mark, lead, text, None, depth) if mark is Mark.REMOVE else Line(mark, lead, None, text, depth)


def diff_lines(view: FieldView, neutral: str, pad: str = "   ") -> Iterator[str]:
    """Yield the lines of a field in the form of a diff, each marked by ``+``, ``-`` or else ``neutral``."""
    for line in view.lines:
        start = f"{pad}{'    ' * line.depth}{line.lead}"
        if line.mark is Mark.HIDDEN or line.before is line.after is None or line.mark is Mark.CONTEXT:
            hash_mark = "# " if line.mark is Mark.HIDDEN and neutral != "#" else ""
            yield f"{neutral}{pad}{'    ' * line.depth}{hash_mark}{line.text}"
            continue
        if line.before is not None:
            yield f"-{start}{line.before}"
        if line.after is not None:
            yield f"+{start}{line.after}"


def becomes(change: Change) -> str:
    """Return what happens to the key of a change, after a space; empty for an update."""
    return "" if change.action is Action.UPDATE else f" {SYMBOLS[change.action][2]}"


def key_note(fields: Sequence[FieldChange], effect: Effect) -> str:
    """Return the effect on access of all fields; for a key that is created or deleted, with the reason."""
    notes = {note_text(field) for field in fields if field.with_key}
    return notes.pop() if len(notes) == 1 else str(effect)


def change_note(change: Change) -> str:
    """Return the purpose of a change, if any, and the effect on access of all its fields."""
    return ": ".join(filter(None, (purpose_text(change), key_note(change.fields, change.effect))))


def becomes_with_note(change: Change) -> str:
    """Return what happens to the key, with the effect on access and the purpose."""
    shown = becomes(change)
    return f"{shown} ({change_note(change)})" if shown or change.purpose is not None else ""


def note_text(field: FieldChange | Episode) -> str:
    """Return the origin of a difference, if it is known, its effect and the reason."""
    origin = "" if field.origin is None else f"[{field.origin}] "
    return f"{origin}{field.effect}: {escape_control(field.reason)}"


def line_text(view: FieldView) -> str:
    """Return a field on one line, without omitted lines."""
    if not view.brackets:
        return view.lines[0].text
    text = ""
    for line in view.lines:
        if line.mark is not Mark.HIDDEN:
            is_close = line.mark is Mark.CONTEXT and line.lead in {"}", "]"}
            text += "" if is_close or not text or text.endswith(("{", "[")) else ", "
            text += line.text if line.mark is Mark.CONTEXT else f"{line.mark} {line.text}"
    more = f", and {view.left_out} more" if view.left_out else ""
    return f"{view.name} = {view.brackets[0]}{text}{more}{view.brackets[1]}"


def cut(text: str, characters: int) -> str:
    """Return a safe text, shortened to its start and the number of omitted characters if it is long."""
    rest = len(text) - characters
    return text if rest < _LEAST_CUT else f"{text[:characters]}…({rest} more characters left out)"


def _changed(lead: str, before: Any, after: Any, depth: int = 0) -> Line:
    """Return the line of two values; of two long texts, only the common parts are shortened."""
    old, new = value_text(before), value_text(after)
    if isinstance(before, str) and isinstance(after, str):
        old, new = _elided(old, new)
    return Line(Mark.CHANGE, lead, old, new, depth)


def _cut_line(line: Line, characters: int) -> Line:
    """Return a line without the ends of long values, and without the common parts of two long values."""
    old, new = line.before, line.after
    if old is not None and new is not None and not (old[0] == new[0] == '"'):  # texts are without it already
        old, new = _elided(old, new)
    before, after = (None if text is None else cut(text, characters) for text in (old, new))
    return replace(line, before=before, after=after)


def _elided(old: str, new: str) -> tuple[str, str]:
    """Return two texts; if one is long, without most of their common start and end."""
    if max(len(old), len(new)) <= _ELIDED_FROM:
        return old, new
    start, end = common_ends(old, new)
    before, after = (
        _shortened(text[:start]) + text[start : len(text) - end] + _shortened(text[len(text) - end :])
        for text in (old, new)
    )
    return before, after


def _shortened(text: str) -> str:
    rest = len(text) - 2 * _KEPT
    return text if rest <= 0 else f"{text[:_KEPT]}…({rest} characters alike)…{text[-_KEPT:]}"
