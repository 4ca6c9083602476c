"""Randomness as an argument: by default the real source, in tests a seeded ``random.Random``."""

from __future__ import annotations

import random
from typing import Final, Protocol


class Randomness(Protocol):
    """A source of random numbers."""

    def random(self) -> float:
        """Return a number from 0 up to 1, without 1."""
        ...

    def getrandbits(self, k: int, /) -> int:
        """Return a number of ``k`` bits."""
        ...


SYSTEM_RANDOMNESS: Final[Randomness] = random.SystemRandom()
"""The source of the operating system, which nobody can predict."""


def unique(source: Randomness = SYSTEM_RANDOMNESS) -> str:
    """Return 32 hexadecimal digits, as a unique name."""
    return f"{source.getrandbits(128):032x}"
