"""The one way to follow an apply: by the journal, the history, the event stream, the progress bar."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change


class Observer(Protocol):
    """Follows the changes of a plan. Both methods are called by several threads.

    Raises JournalError, from either method, if it cannot store what it must.
    """

    def started(self, change: Change) -> None:
        """Note that a change is about to be sent. If it raises JournalError, the change is not sent."""
        ...

    def finished(self, outcome: Outcome) -> None:
        """Note what became of a change; every change has an outcome, also one that was never sent."""
        ...


@dataclass(frozen=True, slots=True)
class SentOnly:
    """Passes to ``observer`` the outcomes of those changes only that it saw started."""

    observer: Observer
    _started: set[str] = field(default_factory=set)

    def started(self, change: Change) -> None:
        """Pass on the start of a change, and expect its outcome."""
        self.observer.started(change)
        self._started.add(change.address)

    def finished(self, outcome: Outcome) -> None:
        """Pass on the outcome of a change that was started."""
        if outcome.change.address in self._started:
            self.observer.finished(outcome)
