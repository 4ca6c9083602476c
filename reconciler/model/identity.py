"""Changes outside Git to the object that a declared name stood for, where the service makes ids."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from reconciler.model.canonical import json_text
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

_RENAME: Final = "rename it in the file, or back at the service"
_UNWANTED: Final = "it is declared absent, so declare its new name absent, or delete it at the service"


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """A change outside Git of the object ``path_id``, for which the declared ``name`` stood.

    ``new_name`` is the present name of the object; None if it was deleted. ``other_id`` is the id of the
    object that has the declared name now; None if none has. At least one of the two is set. The name
    ``is_taken`` if that other object stood for another name before. The object ``is_unwanted`` if its name is
    declared absent.
    """

    name: str
    path_id: str
    new_name: str | None
    other_id: str | None
    is_taken: bool = False
    is_unwanted: bool = False

    @property
    def is_rename(self) -> bool:
        """Return whether the object still exists, under another name."""
        return self.new_name is not None

    @property
    def needs_decision(self) -> bool:
        """Return whether a person must decide which object the declared name is to stand for."""
        return self.is_rename or self.is_taken

    @property
    def title(self) -> str:
        """Return a heading for the address: renamed, or deleted and created again."""
        if self.new_name is None:
            return (
                f"has been deleted and {'replaced by a renamed object' if self.is_taken else 'created again'}"
            )
        other = "" if self.other_id is None else ", and another object has its name"
        unwanted = ", and is declared absent" if self.is_unwanted else ""
        return f"has been renamed to {json_text(self.new_name)}{other}{unwanted}"

    @property
    def reason(self) -> str:
        """Return in a few words what happened to the object."""
        if self.new_name is None:
            return f"{self.title.removeprefix('has been ')} outside Git"
        if self.other_id is None:
            return f"renamed outside Git, id {self.path_id}"
        return f"renamed outside Git to {json_text(self.new_name)}; another object has its name"

    @property
    def advice(self) -> str:
        """Return why it is not corrected, and what a person can do."""
        if self.new_name is None:
            known = "the new object is used as the declared one from now on"
            return f"{self.reason}: {_RENAME if self.is_taken else known}"
        names = f"from {json_text(self.name)} to {json_text(self.new_name)} (id {self.path_id})"
        return f"renamed outside Git {names}: {self.remedy}"

    @property
    def remedy(self) -> str:
        """Return what a person can do about a renamed object."""
        return _UNWANTED if self.is_unwanted else _RENAME


def renaming(name: str, path_id: str, names: Mapping[str, str]) -> IdentityChange | None:
    """Return the rename of the object that was named ``name``; None if it still has the name, or is not live.

    ``names`` are those of all live objects by id.
    """
    new_name = names.get(path_id, name)
    return None if new_name == name else IdentityChange(name, path_id, new_name, None)


def identity_changes(remembered: Mapping[str, str], names: Mapping[str, str]) -> dict[str, IdentityChange]:
    """Return what happened to the objects of names, whose ids are in ``remembered``.

    ``names`` are those of all live objects by id. A name is left out if its object still has it, was deleted
    without a successor, or if several objects have it: reports about these do not depend on ids.
    """
    moved = {name: path_id for name, path_id in remembered.items() if names.get(path_id) != name}
    if not moved:
        return {}
    counts, known = Counter(names.values()), set(remembered.values())
    ids = {name: path_id for path_id, name in names.items() if name in moved}
    return {
        name: IdentityChange(name, path_id, names.get(path_id), ids.get(name), ids.get(name) in known)
        for name, path_id in moved.items()
        if (path_id in names or name in ids) and counts[name] <= 1
    }
