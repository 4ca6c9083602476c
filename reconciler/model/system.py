"""The clock and the random numbers of this machine: the choice of the command line and of the library."""

from __future__ import annotations

import datetime as dt
import random
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import threading

_LONGEST_WAIT: Final = 0.2
_SOURCE: Final = random.SystemRandom()


class SystemClock:
    """The machine's clock."""

    def now(self) -> dt.datetime:
        """Return the present time in UTC."""
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        """Return seconds since some instant."""
        return time.monotonic()

    def sleep(self, seconds: float, wake: threading.Event) -> None:
        """Wait ``seconds``, or until ``wake`` is set.

        The wait is split into short parts, because a signal that arrives just before the main thread waits is
        handled only when the wait ends.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not wake.wait(min(left, _LONGEST_WAIT)):
            pass


class SystemRandomness:
    """The source of the operating system, which nobody can predict; it can be sent to other processes."""

    def random(self) -> float:
        """Return a number from 0 up to 1, without 1."""
        return _SOURCE.random()

    def getrandbits(self, k: int, /) -> int:
        """Return a number of ``k`` bits."""
        return _SOURCE.getrandbits(k)
