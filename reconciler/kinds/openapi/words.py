"""The words of names in a description."""

from __future__ import annotations

import re
from typing import Final

from reconciler.model.expressions import expression

_FORMAT: Final = expression(r"\.(?:json|xml)$")
"""The end of a path that says how a response is written."""


def last_segment(path: str) -> str:
    """Return the last segment of a path, without a format at its end, as in ``/pets.json``."""
    return _FORMAT.sub("", path.rstrip("/").rpartition("/")[2])


def plain_segments(path: str) -> list[str]:
    """Return the segments of a path that are no parameters, without a format at the end."""
    return [_FORMAT.sub("", part) for part in path.split("/") if part and "{" not in part]


def words_of(name: str) -> list[str]:
    """Return the words of a name, in small letters: ``petId``, ``pet-id`` and ``pet_id`` have two."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)]


def singular(word: str) -> str:
    """Return a plural word of English without its ending."""
    if word.endswith("ies") and len(word) > len("ties"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
