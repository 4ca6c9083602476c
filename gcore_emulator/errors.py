"""Errors that prevent the emulator from starting; refusals of single requests are in `responses`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class EmulatorError(Exception):
    """The emulator cannot run: the message says what is wrong and where."""


class SeedError(EmulatorError):
    """The keys to start with are unusable; ``problems`` holds every reason as ``where: what``."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Store all the problems as the message, one per line."""
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
