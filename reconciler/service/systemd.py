"""The protocol of sd_notify(3), and the heartbeat of a service."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.clock import Clock


class Supervisor:
    """Sends states to the datagram socket named ``address``; without one nothing is sent.

    ``watchdog`` is the number of seconds within which systemd expects a notification, None if it does not.
    """

    def __init__(self, address: str | None, watchdog: float | None = None) -> None:
        """Store the settings that systemd passes to a service in its environment."""
        # A leading @ is the zero byte that begins an abstract name.
        self._address = f"\0{address[1:]}" if address is not None and address.startswith("@") else address
        self.watchdog = watchdog if address is not None else None

    @classmethod
    def of(cls, environment: Mapping[str, str], process: int) -> Self:
        """Return the supervisor of a process, from its environment."""
        microseconds = environment.get("WATCHDOG_USEC", "")
        is_ours = environment.get("WATCHDOG_PID", str(process)) == str(process)
        watchdog = int(microseconds) / 1e6 if microseconds.isdigit() and is_ours else None
        return cls(environment.get("NOTIFY_SOCKET"), watchdog)

    def notify(self, *states: str) -> None:
        """Send states such as ``READY=1``. A socket without a listener is not an error."""
        if self._address is None:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(self._address)
            sender.send("\n".join(states).encode())


class Heartbeat:
    """The time of the last progress: a loop that hangs does not touch it, one that waits does."""

    def __init__(self, clock: Clock, supervisor: Supervisor, longest_silence: float) -> None:
        """Store the clock, the supervisor, and after how many seconds without progress a loop is stuck."""
        self.clock = clock
        self.supervisor = supervisor
        self._longest_silence = longest_silence
        self._last = self._notified = clock.monotonic()

    def touch(self) -> None:
        """Record progress, and notify systemd several times in its interval."""
        self._last = self.clock.monotonic()
        wanted = self.supervisor.watchdog
        if wanted is not None and self._last - self._notified >= wanted / 4:
            self._notified = self._last
            self.supervisor.notify("WATCHDOG=1")

    def silence(self) -> float:
        """Return the seconds since the last progress."""
        return self.clock.monotonic() - self._last

    def is_stuck(self) -> bool:
        """Return whether the silence is longer than any operation takes."""
        return self.silence() > self._longest_silence
