"""Split the names in a description into words."""

from __future__ import annotations

import re
from typing import Final

from reconciler.kinds.paths import without_slash
from reconciler.model.expressions import expression

_FORMAT: Final = expression(r"\.(?:json|xml)$")
"""The end of a path that says how a response is written."""


def last_segment(path: str) -> str:
    """Return the last segment of a path without a file extension, as in ``/pets.json``."""
    return _FORMAT.sub("", without_slash(path).rpartition("/")[2])


def plain_segments(path: str) -> list[str]:
    """Return the segments of a path that are not parameters, without a file extension."""
    return [_FORMAT.sub("", part) for part in path.split("/") if part and "{" not in part]


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case: ``petId``, ``pet-id`` and ``pet_id`` have two."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)]


def singular(word: str) -> str:
    """Return the singular of a regular English plural."""
    if word.endswith("ies") and len(word) > len("ties"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
