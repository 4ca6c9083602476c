"""The limit of concurrent requests to an API, and the pause that it asked for."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from reconciler.model.clock import Clock


class Gate(Protocol):
    """The gate that all requests to one API pass, from all threads, processes and machines."""

    def slot(self, stop: threading.Event, /) -> AbstractContextManager[object]:
        """Return a context for one request, entered when there is room for it.

        Entering raises StoppedError once ``stop`` is set.
        """
        ...

    def pause(self, seconds: float, /) -> None:
        """Delay all requests for ``seconds``."""
        ...

    def pause_left(self) -> float:
        """Return the seconds until a request may start; not positive if one may start now."""
        ...


class ThreadGate:
    """The gate of the threads of one process, whose number limits the concurrent requests."""

    def __init__(self, clock: Clock) -> None:
        """Store the clock to measure pauses by."""
        self._clock = clock
        self._lock = threading.Lock()
        self._until = 0.0

    def slot(self, _stop: threading.Event) -> AbstractContextManager[object]:
        """Return a context that does nothing."""
        return nullcontext()

    def pause(self, seconds: float) -> None:
        """Delay all requests for ``seconds``."""
        with self._lock:
            self._until = max(self._until, self._clock.monotonic() + seconds)

    def pause_left(self) -> float:
        """Return the seconds until a request may start."""
        return self._until - self._clock.monotonic()
