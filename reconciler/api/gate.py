"""How many requests to an API are in flight at once, and the pause that it asked for."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from reconciler.model.clock import Clock


class Gate(Protocol):
    """What all requests to one API pass, of however many threads, processes and machines."""

    def slot(self, stop: threading.Event, /) -> AbstractContextManager[object]:
        """Return a context for one request, entered when there is room for it.

        Entering raises StoppedError once ``stop`` is set.
        """
        ...

    def pause(self, seconds: float, /) -> None:
        """Let no request begin for ``seconds``."""
        ...

    def pause_left(self) -> float:
        """Return the seconds until a request may begin; not positive if one may begin now."""
        ...


class ThreadGate:
    """The gate of the threads of one process, whose number bounds the requests in flight."""

    def __init__(self, clock: Clock) -> None:
        """Store the clock to measure pauses by."""
        self._clock = clock
        self._lock = threading.Lock()
        self._until = 0.0

    def slot(self, _stop: threading.Event) -> AbstractContextManager[object]:
        """Return a context that does nothing."""
        return nullcontext()

    def pause(self, seconds: float) -> None:
        """Let no request begin for ``seconds``."""
        with self._lock:
            self._until = max(self._until, self._clock.monotonic() + seconds)

    def pause_left(self) -> float:
        """Return the seconds until a request may begin."""
        return self._until - self._clock.monotonic()
