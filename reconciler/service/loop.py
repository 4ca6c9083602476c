"""Reconcile cycles on a schedule, without supervision."""

from __future__ import annotations

import datetime as dt
import gc
from typing import TYPE_CHECKING, Final

from reconciler.model.canonical import format_instant
from reconciler.model.cycle import CycleResult
from reconciler.model.status import ServiceStatus

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from reconciler.model.cycle import CycleReport
    from reconciler.model.randomness import Randomness
    from reconciler.service.schedule import Schedule
    from reconciler.service.settings import Messages
    from reconciler.service.systemd import Heartbeat

_LONGEST_SLEEP: Final = 10.0
"""Seconds between two touches of the heartbeat while nothing is due."""


class Service:
    """Runs cycles until ``stop`` is set; ``wake`` starts one at once."""

    def __init__(  # noqa: PLR0913, PLR0917 - everything that a loop depends on
        self,
        schedule: Schedule,
        jitter: float,
        heartbeat: Heartbeat,
        stop: threading.Event,
        wake: threading.Event,
        messages: Messages,
        randomness: Randomness,
    ) -> None:
        """Store the schedule, the maximum delay of a cycle in seconds, and the followers of the service."""
        self._schedule = schedule
        self._jitter = jitter
        self._stop, self._wake = stop, wake
        self._heartbeat = heartbeat
        self._clock, self._supervisor = heartbeat.clock, heartbeat.supervisor
        self._messages = messages
        self._randomness = randomness
        watchdog = self._supervisor.watchdog
        self._longest_sleep = _LONGEST_SLEEP if watchdog is None else min(_LONGEST_SLEEP, watchdog / 4)
        self._started = self._clock.now()
        self._next_cycle: dt.datetime | None = None
        self._last: CycleReport | None = None
        self._failures = 0
        self._blind = 0
        self._failing_since: dt.datetime | None = None

    def run(self, work: Callable[[], CycleReport]) -> None:
        """Call ``work`` for each cycle.

        The interval grows while nothing can be read; every failure is reported with the time of the first.
        """
        self._supervisor.notify("READY=1")
        planned = self._clock.monotonic()
        self._cycle(work)
        while not self._stop.is_set():
            now = self._clock.monotonic()
            planned = self._schedule.following(planned, now, self._clock.now(), self._blind)
            if self._wait(planned):
                planned = self._clock.monotonic()  # a cycle on request begins a new grid
            if not self._stop.is_set():
                self._cycle(work)
        self._supervisor.notify("STOPPING=1")

    def status(self, files_invalid_since: dt.datetime | None = None) -> ServiceStatus:
        """Return the state that only the service knows. Any thread may call this."""
        return ServiceStatus(
            self._started, self._next_cycle, self._failing_since, self._failures, files_invalid_since
        )

    def unready(self) -> str:
        """Return why the service is not ready, empty if the last cycle could read a scope."""
        last = self._last
        if last is None:
            return "no round has ended yet"
        if not last.is_blind:
            return ""
        since = "" if self._failing_since is None else f", since {format_instant(self._failing_since)}"
        return "\n".join([f"rounds fail{since}", *last.errors])

    def _wait(self, planned: float) -> bool:
        """Wait for the cycle planned for ``planned``; return whether one was requested before."""
        start = planned + self._jitter * self._randomness.random()
        left = max(0.0, start - self._clock.monotonic())
        # A whole second: two clocks were asked one after the other.
        due_at = self._clock.now() + dt.timedelta(seconds=left + 0.5)
        self._next_cycle = due_at.replace(microsecond=0)
        due = format_instant(self._next_cycle)
        self._messages.detail(f"Next round at {due}", "round.next")
        result = "none yet" if self._last is None else self._last.result.value
        self._supervisor.notify(f"STATUS=Last round: {result}; next round at {due}")
        while (left := start - self._clock.monotonic()) > 0 and not self._wake.is_set():
            self._clock.sleep(min(left, self._longest_sleep), self._wake)
            self._heartbeat.touch()
        is_woken = self._wake.is_set()
        self._wake.clear()
        return is_woken

    def _cycle(self, work: Callable[[], CycleReport]) -> None:
        self._next_cycle = None
        report = work()
        gc.collect()  # the collector is paused for most of a cycle, and would never find the time
        self._last = report
        if report.result is CycleResult.INTERRUPTED:
            return  # it was cut short, which is not a failure
        self._blind = self._blind + 1 if report.is_blind else 0
        if report.result is CycleResult.FAILED:
            self._failures += 1
            self._failing_since = self._failing_since or report.began
            since = format_instant(self._failing_since)
            self._messages.error(
                f"rounds have failed since {since}: {self._failures} in a row", "rounds.failing"
            )
            return
        if self._failing_since is not None:
            since = format_instant(self._failing_since)
            self._messages.note(f"Rounds succeed again; they had failed since {since}", "rounds.recovered")
        self._failures, self._failing_since = 0, None
