"""A clock that moves when it is told to, and by what sleeps on it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading


class YearClock:
    """A made-up clock."""

    def __init__(self, now: dt.datetime) -> None:
        """Start at a time."""
        self._now, self._began = now, now

    def now(self) -> dt.datetime:
        """Return the present time."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return (self._now - self._began).total_seconds()

    def sleep(self, seconds: float, wake: threading.Event) -> None:
        """Advance the time at once."""
        if not wake.is_set():
            self._now += dt.timedelta(seconds=seconds)

    def pass_until(self, time: dt.datetime) -> None:
        """Advance the time to ``time``, unless that has passed."""
        self._now = max(self._now, time)
