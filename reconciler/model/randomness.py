"""Randomness as an argument: the real source, or in tests a seeded ``random.Random``."""

from __future__ import annotations

from typing import Protocol


class Randomness(Protocol):
    """A source of random numbers."""

    def random(self) -> float:
        """Return a number from 0 up to 1, without 1."""
        ...

    def getrandbits(self, k: int, /) -> int:
        """Return a number of ``k`` bits."""
        ...


def unique(source: Randomness) -> str:
    """Return 32 hexadecimal digits, as a unique name."""
    return f"{source.getrandbits(128):032x}"
