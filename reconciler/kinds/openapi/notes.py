"""What a person has to decide or to look at, one line for each sort of note."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST: Final = 12
"""Subjects that one line names."""


class Notes:
    """Collects notes: those of one sort are one line, which lists what it is about."""

    def __init__(self) -> None:
        """Start without notes."""
        self._subjects: dict[str, list[str]] = {}

    def add(self, text: str, *subjects: str) -> None:
        """Add a note; ``{}`` in its text is where the subjects go, of every note of this text."""
        known = self._subjects.setdefault(text, [])
        known += [subject for subject in subjects if subject not in known]

    def __iter__(self) -> Iterator[str]:
        """Yield each note as one line."""
        for text, subjects in self._subjects.items():
            yield text.replace("{}", listed(subjects, _MOST)) if subjects else text
