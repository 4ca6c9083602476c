"""A change in pieces that the renderers for people put together, each on one safe line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.compare import common_start
from reconciler.model.escape import escape_control, quoted
from reconciler.model.plan import Action, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.plan import Change, FieldChange

_ELIDED_FROM: Final = 200
_KEPT: Final = 40
_LEAST_CUT: Final = 50
"""Cutting fewer characters than this would not make a text shorter: the place says how many are gone."""


@dataclass(frozen=True, slots=True)
class Bound:
    """How much of one field is shown: characters of a value or an item, and items on each side of a set."""

    characters: int
    items: int


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field that changes.

    A field that comes or goes with its key has one side only.

    Where it ``is_set``, ``removed`` and ``added`` are the items that go and come, ``kept`` counts the others
    and ``left_out`` those that are beyond a bound; else they hold the value before and the value after.
    ``note`` says who changed it, if that is known, and what that does to access.
    """

    name: str
    note: str
    is_set: bool
    removed: tuple[str, ...]
    added: tuple[str, ...]
    kept: int = 0
    left_out: int = 0


def field_view(field: FieldChange, bound: Bound | None = None) -> FieldView:
    """Return the texts that show ``field``, of which a ``bound`` leaves out what is beyond it and says so."""
    name, note = escape_control(field.field), note_text(field)
    if field.with_key:
        comes = field.effect.grants
        value = quoted(field.after if comes else field.before)
        shown = (value if bound is None else cut(value, bound.characters),)
        return FieldView(
            name, note, is_set=False, removed=() if comes else shown, added=shown if comes else ()
        )
    lists = isinstance(field.before, list) and isinstance(field.after, list)
    if not lists or not (field.added or field.removed):
        old, new = _shortened(field.before, field.after, bound)
        return FieldView(name, note, is_set=False, removed=(old,), added=(new,))
    removed, added = _items(field.removed, bound), _items(field.added, bound)
    return FieldView(
        name,
        note,
        is_set=True,
        removed=removed,
        added=added,
        kept=len(field.after) - len(field.added),
        left_out=len(field.removed) + len(field.added) - len(removed) - len(added),
    )


def note_text(field: FieldChange) -> str:
    """Return the origin of a change, if it has one, its effect and the reason."""
    label = "" if field.origin is None else f"[{field.origin}] "
    return f"{label}{field.effect}: {escape_control(field.reason)}"


def heading(change: Change) -> str:
    """Return the address of a key and the place of its declaration."""
    place = escape_control(f"{change.position.source}:{change.position.line}")
    return f"{escape_control(change.address)} ({place})"


SYMBOLS: Final = {
    Action.CREATE: ("+", "create", "will be created"),
    Action.UPDATE: ("~", "update in-place", "will be updated in-place"),
    Action.DELETE: ("-", "destroy", "will be destroyed"),
    Action.REPLACE: ("-/+", "destroy and then create replacement", "must be replaced"),
}
"""The symbol of an action, what it means, and what becomes of a key by it: Terraform's words."""


def scalar_text(view: FieldView) -> str:
    """Return a field that is no set on one line: its value before, after, or both."""
    return f"{view.name} = {' -> '.join((*view.removed, *view.added))}"


def is_high_impact(*fields: FieldChange) -> bool:
    """Return whether somebody loses access by one of the changes, or one of them is in conflict."""
    return any(field.effect.revokes or field.origin == Origin.CONFLICT for field in fields)


def urgency(change: Change) -> int:
    """Rank a change by how little a reviewer may miss it: conflicts, then revokes, grants, all others."""
    if any(field.origin is Origin.CONFLICT for field in change.fields):
        return 0
    if change.effect.revokes:
        return 1
    return 2 if change.effect.grants else 3


def cut(text: str, characters: int) -> str:
    """Return a safe text, of a longer one the beginning and how much is left out."""
    rest = len(text) - characters
    return text if rest < _LEAST_CUT else f"{text[:characters]}…({rest} more characters left out)"


def _shortened(before: Any, after: Any, bound: Bound | None = None) -> tuple[str, str]:
    """Quote two values; of two long texts leave out what both share, never what differs.

    Where there is a ``bound``, the same is done to values that are no texts, and what is still longer is cut.
    """
    old, new = quoted(before), quoted(after)
    is_text = isinstance(before, str) and isinstance(after, str)
    if (is_text or bound is not None) and max(len(old), len(new)) > _ELIDED_FROM:
        start = common_start(old, new)
        end = common_start(old[start:][::-1], new[start:][::-1])
        old, new = _elided(old, start, end), _elided(new, start, end)
    return (old, new) if bound is None else (cut(old, bound.characters), cut(new, bound.characters))


def _items(items: Sequence[Any], bound: Bound | None) -> tuple[str, ...]:
    if bound is None:
        return tuple(map(_item, items))
    return tuple(cut(_item(item), bound.characters) for item in items[: bound.items])


def _item(item: Any) -> str:
    if isinstance(item, dict):
        return "{" + ", ".join(f"{escape_control(key)}: {quoted(value)}" for key, value in item.items()) + "}"
    return quoted(item)


def _elided(text: str, start: int, end: int) -> str:
    tail = text[len(text) - end :]
    head = text[:start]
    if len(head) > 2 * _KEPT:
        head = f"{head[:_KEPT]}…({len(head) - 2 * _KEPT} characters alike)…{head[-_KEPT:]}"
    if len(tail) > 2 * _KEPT:
        tail = f"{tail[:_KEPT]}…({len(tail) - 2 * _KEPT} characters alike)…{tail[-_KEPT:]}"
    return head + text[start : len(text) - end] + tail
