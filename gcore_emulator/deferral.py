"""Writes that are accepted now and executed later, as by asynchronous APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_REQUESTS_LATER: Final = 2
"""The first request after an accepted write still finds what was; the second finds its effect."""


class Deferral:
    """Stores accepted writes until they are due. Only the server's thread uses it."""

    def __init__(self) -> None:
        """Start without writes."""
        self._held: list[tuple[int, Callable[[], object]]] = []
        self._requests = 0

    def accept(self, execute: Callable[[], object]) -> None:
        """Store a write until it is due."""
        self._held.append((self._requests + _REQUESTS_LATER, execute))

    def begin_request(self) -> None:
        """Execute the writes that are due before another request."""
        self._requests += 1
        due = [execute for when, execute in self._held if when <= self._requests]
        self._held = [entry for entry in self._held if entry[0] > self._requests]
        for execute in due:
            execute()
