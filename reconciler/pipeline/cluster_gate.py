"""The share of a cluster's worker in the concurrent requests, with few calls of the scheduler.

A call of the scheduler for each request costs more than the comparison of its response. So a worker holds its
share of the leases between requests, and returns them when it does not need them, or after a while.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Protocol

from reconciler.errors import StoppedError
from reconciler.model.randomness import unique

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.clock import Clock
    from reconciler.model.randomness import Randomness

_LONGEST_WAIT: Final = 0.2
_LONGEST_HELD: Final = 3.0
"""Seconds after which a lease is returned, for workers that have come since."""
_IDLE: Final = 0.2
"""Seconds without a request after which a worker returns what it holds."""


class Leases(Protocol):
    """The leases for requests to an API, counted by the scheduler, and the pause that it stores."""

    def acquire(self, timeout: float) -> bool:
        """Return whether a lease was acquired within ``timeout`` seconds."""
        ...

    def release(self) -> object:
        """Return a lease."""
        ...

    def share(self) -> int:
        """Return the number of leases for this worker, at least one."""
        ...

    def paused(self) -> tuple[str, float]:
        """Return the name and the seconds of the last pause."""
        ...

    def publish(self, name: str, seconds: float) -> object:
        """Store a pause, and send it to all workers."""
        ...


class ClusterGate:
    """The gate of one worker: the leases that it holds, and the pause that an API asked for.

    A pause has a name and a length, not an end: the clocks of machines differ. Workers receive it, and query
    it whenever the scheduler has granted them a lease.
    """

    def __init__(self, leases: Leases, clock: Clock, randomness: Randomness) -> None:
        """Store the leases of all workers, and the clock to measure pauses by."""
        self._leases, self._clock, self._randomness = leases, clock, randomness
        self._changed = threading.Condition()
        self._held: deque[float] = deque()  # when each lease was acquired
        self._free = 0
        self._is_asking = False
        self._share, self._counted = 1, float("-inf")
        self._used = 0.0
        self._timer: threading.Timer | None = None
        self._known: set[str] = set()
        self._until = float("-inf")

    @contextmanager
    def slot(self, stop: threading.Event) -> Iterator[None]:
        """Wait until fewer requests are in flight than allowed. Raises StoppedError."""
        self._enter(stop)
        try:
            yield
        finally:
            self._leave()

    def pause(self, seconds: float) -> None:
        """Delay all requests for ``seconds``."""
        if seconds > 0:
            name = unique(self._randomness)
            self.learn(name, seconds)
            self._leases.publish(name, seconds)

    def learn(self, name: str, seconds: float) -> None:
        """Store a pause, which starts now if it is new."""
        with self._changed:
            if name not in self._known:
                self._known.add(name)
                self._until = max(self._until, self._clock.monotonic() + seconds)

    def pause_left(self) -> float:
        """Return the seconds until a request may start."""
        return self._until - self._clock.monotonic()

    def return_idle(self) -> None:
        """Return the leases that are not in use."""
        with self._changed:
            count, self._free = self._free, 0
            for _ in range(count):
                self._held.popleft()
        for _ in range(count):
            self._leases.release()

    def _enter(self, stop: threading.Event) -> None:
        beyond = 0
        while not self._entered(beyond):
            with self._changed:
                is_late = not self._free and not self._changed.wait(_LONGEST_WAIT)
                beyond = len(self._held) if is_late else 0
            if stop.is_set():
                raise StoppedError("interrupted before it was sent")

    def _entered(self, beyond: int) -> bool:
        """Use a free lease, or acquire one from the scheduler, with up to ``beyond`` more than the share.

        One thread at a time asks.
        """
        with self._changed:
            if self._free:
                self._free -= 1
                self._used = self._clock.monotonic()
                return True
            is_within = len(self._held) < self._share
            if self._is_asking or len(self._held) >= self._share + beyond:
                return False
            self._is_asking = True
        try:
            return self._acquired(_LONGEST_WAIT if is_within else 0.0)
        finally:
            with self._changed:
                self._is_asking = False
                self._changed.notify()

    def _acquired(self, timeout: float) -> bool:
        if self._counted + _LONGEST_HELD < self._clock.monotonic():
            self._share, self._counted = self._leases.share(), self._clock.monotonic()
        if not self._leases.acquire(timeout):
            return False
        with self._changed:
            self._held.append(self._clock.monotonic())
            self._used = self._clock.monotonic()
        try:
            self.learn(*self._leases.paused())
        except BaseException:
            self._leave()
            raise
        return True

    def _leave(self) -> None:
        with self._changed:
            is_over = len(self._held) > self._share or self._held[0] + _LONGEST_HELD < self._clock.monotonic()
            if is_over:
                self._held.popleft()
            else:
                self._free += 1
                self._changed.notify()
                self._watch()
        if is_over:
            self._leases.release()

    def _watch(self) -> None:
        if self._timer is None and self._free:
            timer = threading.Timer(_IDLE, self._look)
            timer.daemon = True
            with suppress(RuntimeError):  # no further thread can be started: leases are returned by their age
                timer.start()
                self._timer = timer

    def _look(self) -> None:
        with self._changed:
            self._timer = None
            is_idle = self._clock.monotonic() - self._used >= _IDLE
            if not is_idle:
                self._watch()
        if is_idle:
            self.return_idle()
