"""Participants of an apply besides the API: observers, and the store of the secrets of new keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change
    from reconciler.model.secret import Secret
    from reconciler.model.succession import SecretAlias


class Observer(Protocol):
    """Follows the changes of a plan: the journal, the history, the event stream, the progress bar.

    Both methods are called by several threads, and raise JournalError if they cannot record a change.
    """

    def started(self, change: Change) -> None:
        """Record that a change is about to be sent. If it raises JournalError, the change is not sent."""
        ...

    def finished(self, outcome: Outcome) -> None:
        """Record the outcome of a change, also of one that was not sent."""
        ...


class SentOnly:
    """Passes to ``observer`` only the outcomes of changes whose start it has received."""

    def __init__(self, observer: Observer) -> None:
        """Start before the first change."""
        self._observer = observer
        self._started: set[str] = set()

    def started(self, change: Change) -> None:
        """Pass on the start of a change, and expect its outcome."""
        self._observer.started(change)
        self._started.add(change.address)

    def finished(self, outcome: Outcome) -> None:
        """Pass on the outcome of a change that was started."""
        if outcome.change.address in self._started:
            self._observer.finished(outcome)


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """The place of the secret of a new key; ``problem`` is the reason if it is elsewhere or lost."""

    where: str = ""
    problem: str = ""
    is_lost: bool = False


class SecretStore(Observer, Protocol):
    """Stores the secrets of new keys. Between start and end of a change its secret may be in memory only.

    ``started`` raises SinkError if no further key may be created.
    """

    def outdated(self, change: Change) -> str:
        """Return a remark about the stored secret of a deleted key, empty if there is none."""
        ...

    def store(self, change: Change, secret: Secret) -> StoredSecret:
        """Store a secret in its place, or else in a fallback file. Raises SinkError if it is lost."""
        ...

    def missing(self, change: Change) -> str:
        """Return why a rotated key must not lose access, if the secret of its successor is not stored."""
        ...

    def publish(self, alias: SecretAlias) -> str:
        """Store the secret of a key under its alias too; return why that failed, empty on success."""
        ...
