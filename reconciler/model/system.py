"""The clock of this machine, which only the command line and the defaults of the library choose."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import threading

_LONGEST_WAIT: Final = 0.2


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
