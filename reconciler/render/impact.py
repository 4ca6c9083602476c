"""Ranks for reviewers: conflicts first, then access that is lost, then access that is gained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.escape import escape_control
from reconciler.model.phrases import listed
from reconciler.model.plan import Change, Origin
from reconciler.render.values import value_text

if TYPE_CHECKING:
    from reconciler.model.plan import FieldChange

_MOST_LOST: Final = 5


def is_high_impact(change: Change | FieldChange) -> bool:
    """Return whether a change of a key or field revokes access, or is in conflict."""
    fields = change.fields if isinstance(change, Change) else (change,)
    return change.effect.revokes or any(field.origin == Origin.CONFLICT for field in fields)


def purpose_text(change: Change) -> str:
    """Return the purpose of a change, and the successor that it waits for; empty for most."""
    if change.purpose is None:
        return ""
    waits = "" if change.waits_for is None else f", once {escape_control(change.waits_for)} is there"
    return f"{change.purpose}{waits}"


def ends_at_once(change: Change) -> bool:
    """Return whether a rotated key loses its access as soon as its successor exists: after a leak."""
    is_off = any(field.effect.revokes and field.after is True for field in change.fields)
    return change.waits_for is not None and (is_off or change.action.destroys)


def lost_access(change: Change) -> str:
    """Return who loses access to what when a rotated key ends at once; empty for other changes."""
    if not ends_at_once(change):
        return ""
    lists = ((name, value) for name, value in change.before.items() if isinstance(value, list))
    lost = [f"{name}: {value_text(item)}" for name, value in lists for item in value]
    what = f" to {escape_control(listed(lost, _MOST_LOST))}" if lost else ""
    return f"who uses its secret loses access{what}"


def priority(change: Change) -> int:
    """Return the rank of a change for a reviewer: conflicts, then revokes, grants, all others."""
    if any(field.origin == Origin.CONFLICT for field in change.fields):
        return 0
    if change.effect.revokes:
        return 1
    return 2 if change.effect.grants else 3
