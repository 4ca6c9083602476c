"""Differences inside the value of a field: members of objects, items of lists and sets."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from reconciler.model.frozen import dataclass


class Edit(StrEnum):
    """What happened to one member of a field."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Index(NamedTuple):
    """The positions of an item in the old and the new list; None where the list does not hold it."""

    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class MemberChange:
    """One member that differs inside a field, at the deepest level.

    ``path`` leads to it from the value of the field: names of members and positions in lists. An item of a
    set has no position, so its path is empty. A side without the member has None.
    """

    path: tuple[str | Index, ...]
    edit: Edit
    before: Any = None
    after: Any = None

    def reversed(self) -> MemberChange:
        """Return the change from after to before."""
        path = tuple(step if isinstance(step, str) else Index(step.after, step.before) for step in self.path)
        edit = {Edit.ADDED: Edit.REMOVED, Edit.REMOVED: Edit.ADDED}.get(self.edit, self.edit)
        return MemberChange(path, edit, self.after, self.before)
