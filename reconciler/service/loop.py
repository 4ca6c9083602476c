"""Rounds on a schedule, as a service that can be left alone."""

from __future__ import annotations

import datetime as dt
import gc
import random
import signal
import threading
from typing import TYPE_CHECKING, Final

from reconciler.cli.signals import finisher, heard, nothing_held, nothing_to_say
from reconciler.model.canonical import format_instant
from reconciler.model.cycle import CycleResult
from reconciler.model.status import ServiceStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from reconciler.cli.console import Console
    from reconciler.model.clock import Clock
    from reconciler.model.cycle import CycleReport
    from reconciler.service.schedule import Schedule
    from reconciler.service.systemd import Heartbeat, Supervisor

_LONGEST_SLEEP: Final = 10.0
"""Seconds between two beats of the heartbeat while nothing is due."""


class Service:
    """Runs rounds until ``stop`` is set.

    SIGHUP begins a round at once. A signal to end lets writes in flight finish; a second waits for nothing.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - everything that a loop depends on
        self,
        schedule: Schedule,
        jitter: float,
        clock: Clock,
        console: Console,
        stop: threading.Event,
        heartbeat: Heartbeat,
        supervisor: Supervisor,
        rng: random.Random | None = None,
    ) -> None:
        """Store the schedule, by how many seconds a round may come later, and the event that ends it all."""
        self._schedule = schedule
        self._jitter = jitter
        self._clock = clock
        self._console = console
        self._stop = stop
        self._heartbeat = heartbeat
        self._supervisor = supervisor
        self._rng = rng or random.Random()  # noqa: S311 - spreads load, hides nothing
        watchdog = supervisor.watchdog
        self._longest_sleep = _LONGEST_SLEEP if watchdog is None else min(_LONGEST_SLEEP, watchdog / 4)
        self._wake = threading.Event()
        self._started = clock.now()
        self._next_round: dt.datetime | None = None
        self._last: CycleReport | None = None
        self._failures = 0
        self._blind = 0
        self._failing_since: dt.datetime | None = None

    def run(
        self,
        work: Callable[[], CycleReport],
        held: Callable[[], Sequence[str]] = nothing_held,
        last_words: Callable[[], None] = nothing_to_say,
    ) -> None:
        """Call ``work`` in each round.

        Rounds in which nothing could be read are followed by growing distances; every failure is told
        together with since when rounds have failed. A second signal does not end the process while something
        is ``held``; else ``last_words`` is called before.
        """
        with self._signals(held, last_words):
            self._supervisor.notify("READY=1")
            planned = self._clock.monotonic()
            self._round(work)
            while not self._stop.is_set():
                now = self._clock.monotonic()
                planned = self._schedule.following(planned, now, self._clock.now(), self._blind)
                if self._wait(planned):
                    planned = self._clock.monotonic()  # a round that was asked for begins a new grid
                if not self._stop.is_set():
                    self._round(work)
            self._supervisor.notify("STOPPING=1")

    def status(self, files_invalid_since: dt.datetime | None = None) -> ServiceStatus:
        """Return what only the service knows. Any thread may ask."""
        return ServiceStatus(
            self._started, self._next_round, self._failing_since, self._failures, files_invalid_since
        )

    def unready(self) -> str:
        """Say why the service is not ready, or nothing if it is: the last round could read something."""
        last = self._last
        if last is None:
            return "no round has ended yet"
        if not last.is_blind:
            return ""
        since = "" if self._failing_since is None else f", since {format_instant(self._failing_since)}"
        return "\n".join([f"rounds fail{since}", *last.errors])

    def _wait(self, planned: float) -> bool:
        """Wait for the round planned for ``planned``, or until somebody wakes the service: then give True."""
        start = planned + self._jitter * self._rng.random()
        left = max(0.0, start - self._clock.monotonic())
        # A whole second: two clocks were asked one after the other.
        due_at = self._clock.now() + dt.timedelta(seconds=left + 0.5)
        self._next_round = due_at.replace(microsecond=0)
        due = format_instant(self._next_round)
        self._console.detail(f"Next round at {due}")
        state = "none yet" if self._last is None else self._last.result.value
        self._supervisor.notify(f"STATUS=Last round: {state}; next round at {due}")
        while (left := start - self._clock.monotonic()) > 0 and not self._wake.is_set():
            self._clock.sleep(min(left, self._longest_sleep), self._wake)
            self._heartbeat.touch()
        is_woken = self._wake.is_set()
        self._wake.clear()
        return is_woken

    def _round(self, work: Callable[[], CycleReport]) -> None:
        self._next_round = None
        report = work()
        gc.collect()  # the collector is paused for most of a round, and would never find the time
        self._last = report
        if report.result is CycleResult.INTERRUPTED:
            return  # it was cut short, which is no failure
        self._blind = self._blind + 1 if report.is_blind else 0
        if report.result is CycleResult.FAILED:
            self._failures += 1
            self._failing_since = self._failing_since or report.began
            since = format_instant(self._failing_since)
            self._console.error(f"rounds have failed since {since}: {self._failures} in a row")
            return
        if self._failing_since is not None:
            self._console.note(
                f"Rounds succeed again; they had failed since {format_instant(self._failing_since)}"
            )
        self._failures, self._failing_since = 0, None

    def _signals(
        self, held: Callable[[], Sequence[str]], last_words: Callable[[], None]
    ) -> AbstractContextManager[None]:
        """Listen for signals as long as the service runs."""
        finish = finisher(self._stop, self._console, held, last_words)

        def end() -> None:
            finish()
            self._wake.set()

        return heard({signal.SIGINT: end, signal.SIGTERM: end, signal.SIGHUP: self._wake.set})
