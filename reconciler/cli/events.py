"""``apply --events``: JSON lines on stdout as things happen."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from reconciler.cli.console import Console
from reconciler.errors import ConfigurationError
from reconciler.model.clock import Clock
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Change, Plan
from reconciler.render.events import Event, applied, begun, ended, error, event_line, planned, version


class EventStream:
    """Prints events from any thread; the first names the program and its version.

    An event that cannot be written stops no write to the API; it is reported once, and sets ``is_broken``.
    """

    def __init__(self, clock: Clock, console: Console) -> None:
        """Store the clock for the times of events."""
        self.is_broken = False
        self._has_reader = True
        self._clock = clock
        self._console = console
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}
        self._print(version())

    @property
    def is_delivered(self) -> bool:
        """Return whether every event was written, and the pipe is open."""
        return self._has_reader and not self.is_broken

    def planned(self, plan: Plan) -> None:
        """Print the planned changes."""
        self._print(*planned(plan))

    def started(self, change: Change) -> None:
        """Print that a write is about to be sent."""
        self._began[change.address] = self._clock.monotonic()
        self._print(begun(change))

    def finished(self, outcome: Outcome) -> None:
        """Print the outcome of a change."""
        began = self._began.get(outcome.change.address)
        self._print(*ended(outcome, None if began is None else self._clock.monotonic() - began))

    def applied(self, outcomes: Sequence[Outcome]) -> None:
        """Print the summary."""
        self._print(applied(outcomes))

    def errors(self, texts: Iterable[str]) -> None:
        """Print errors."""
        self._print(*(error(text) for text in texts))

    def _print(self, *events: Event) -> None:
        with self._lock:
            try:
                for event in events:
                    if not self.is_broken:
                        self._has_reader &= self._console.result(event_line(event, self._clock.now()))
            except ConfigurationError as failure:
                self.is_broken = True
                self._console.complain(failure)
