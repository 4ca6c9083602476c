"""Rounds on a schedule, as a service that can be left alone."""

from __future__ import annotations

import datetime as dt
import random
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError
from reconciler.normalize import format_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from reconciler.cli.console import Console
    from reconciler.clock import Clock
    from reconciler.schedule import Schedule


class Service:
    """Runs rounds until ``stop`` is set. A signal to end lets the round finish; SIGHUP begins one at once."""

    def __init__(
        self,
        schedule: Schedule,
        clock: Clock,
        console: Console,
        stop: threading.Event,
        jitter: random.Random | None = None,
    ) -> None:
        """Take the schedule, the clock, and the event that ends the service."""
        self._schedule = schedule
        self._clock = clock
        self._console = console
        self._stop = stop
        self._wake = threading.Event()
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads load, hides nothing
        self._failures = 0
        self._failing_since: dt.datetime | None = None

    def run(self, work: Callable[[], None]) -> None:
        """Call ``work`` in each round.

        An error in the first round is raised: nothing is known to work yet. One in a later round is told
        together with since when rounds have failed, and the rounds go on, at growing distances.
        """
        with self._signals():
            planned = self._clock.monotonic()
            work()
            while not self._stop.is_set():
                planned = self._schedule.following(planned, self._clock.monotonic(), self._failures)
                if self._wait(planned):
                    planned = self._clock.monotonic()  # a round that was asked for begins a new grid
                if not self._stop.is_set():
                    self._round(work)

    def _wait(self, planned: float) -> bool:
        """Wait for the round planned for ``planned``, or until somebody wakes the service: then give True."""
        start = self._schedule.start(planned, self._jitter.random())
        left = max(0.0, start - self._clock.monotonic())
        due = format_instant(self._clock.now() + dt.timedelta(seconds=left))
        self._console.detail(f"Next round at {due}")
        self._clock.sleep(left, self._wake)
        is_woken = self._wake.is_set()
        self._wake.clear()
        return is_woken

    def _round(self, work: Callable[[], None]) -> None:
        began = self._clock.now()
        try:
            work()
        except ReconcilerError as error:
            if self._stop.is_set():
                return  # it was cut short, which is no failure
            self._console.complain(error)
            self._failures += 1
            self._failing_since = self._failing_since or began
            since = format_instant(self._failing_since)
            self._console.error(f"rounds have failed since {since}: {self._failures} in a row")
            return
        if self._failing_since is not None:
            self._console.note(
                f"Rounds succeed again; they had failed since {format_instant(self._failing_since)}"
            )
        self._failures, self._failing_since = 0, None

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Listen for signals as long as the service runs."""

        def end(_signal: int, _frame: FrameType | None) -> None:
            self._stop.set()
            self._wake.set()

        def begin(_signal: int, _frame: FrameType | None) -> None:
            self._wake.set()

        wanted = {signal.SIGINT: end, signal.SIGTERM: end, signal.SIGHUP: begin}
        before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
