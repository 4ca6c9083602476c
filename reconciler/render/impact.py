"""What a reviewer must see first: conflicts, then access that is lost, then access that is gained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.plan import Change, Origin

if TYPE_CHECKING:
    from reconciler.model.plan import FieldChange


def is_high_impact(change: Change | FieldChange) -> bool:
    """Return whether access is lost by a change, of a key or of one field, or it is in conflict."""
    fields = change.fields if isinstance(change, Change) else (change,)
    return change.effect.revokes or any(field.origin == Origin.CONFLICT for field in fields)


def priority(change: Change) -> int:
    """Return the rank of a change for a reviewer: conflicts, then revokes, grants, all others."""
    if any(field.origin == Origin.CONFLICT for field in change.fields):
        return 0
    if change.effect.revokes:
        return 1
    return 2 if change.effect.grants else 3
