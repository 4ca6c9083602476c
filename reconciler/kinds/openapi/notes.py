"""Notes for the user of a draft, one line for each type of note."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST: Final = 12
"""Subjects that one line names."""
NO_NAME: Final = "identity: the listed objects have no name"
"""The start of the note that files have to contain an id which the service generates."""
ONLY_SETS: Final = " sets no field except "
"""Part of the note that files identify a key by its id, because an update sets the name alone."""
NOT_CREATED: Final = "the draft does not create keys"
"""Part of each note on why a draft has no creation."""


class Notes:
    """Collects notes: those with one text become one line, which lists their subjects."""

    def __init__(self) -> None:
        """Start without notes."""
        self._subjects: dict[str, list[str]] = {}

    def add(self, text: str, *subjects: str) -> None:
        """Add a note; ``{}`` in its text is replaced by the subjects of all notes with this text."""
        known = self._subjects.setdefault(text, [])
        known += [subject for subject in subjects if subject not in known]

    def __iter__(self) -> Iterator[str]:
        """Yield each note as one line."""
        for text, subjects in self._subjects.items():
            yield text.replace("{}", listed(subjects, _MOST)) if subjects else text
