"""Time as an argument: the command line passes the system clock, tests pass a simulated one."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import threading

_LONGEST_WAIT: Final = 0.2


class Clock(Protocol):
    """The time operations that the reconciler needs."""

    def now(self) -> dt.datetime:
        """Return the present time, with a time zone."""
        ...

    def monotonic(self) -> float:
        """Return the seconds of a clock that never goes back."""
        ...

    def sleep(self, seconds: float, wake: threading.Event) -> None:
        """Wait ``seconds``, or until ``wake`` is set."""
        ...


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


SYSTEM_CLOCK: Final[Clock] = SystemClock()
"""For what real time bounds, whatever the clock of a run is: other programs, processes and machines."""
