"""Time as an argument: the command line passes the system clock, tests pass a simulated one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import datetime as dt
    import threading


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
