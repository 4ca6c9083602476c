"""The words of names in a description."""

from __future__ import annotations

import re


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
