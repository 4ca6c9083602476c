"""The receivers of notifications, and undelivered messages."""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque
from typing import TYPE_CHECKING, Final

from reconciler.errors import ReconcilerError
from reconciler.model.frozen import dataclass
from reconciler.model.randomness import unique
from reconciler.service.history.undelivered import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.model.notification import Notification
    from reconciler.model.randomness import Randomness
    from reconciler.service.history.undelivered import Undelivered

_MOST_WAITING: Final = 100
_LONGEST_WAIT: Final = dt.timedelta(days=1)


def new_identifier(source: Randomness) -> str:
    """Return the identifier of a new message."""
    return f"msg_{unique(source)}"


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver of notifications; ``name`` and ``place``, which contains no secret, may be shown.

    ``send`` delivers a notification with an identifier, which is the same if it is sent again, and returns
    the response in words. It raises ReconcilerError.
    """

    name: str
    place: str
    send: Callable[[Notification, str], str]
    close: Callable[[], object]


class Outbox:
    """Sends notifications to all receivers: the failure of one does not affect the others.

    A receiver that failed is not retried before the next cycle, so that cycles are not delayed. Messages that
    only some receivers got wait for the others in the history, for a later run too; a message that no
    receiver got stays pending.
    """

    def __init__(
        self,
        receivers: Sequence[Receiver],
        undelivered: Undelivered,
        failed: Callable[[str], object],
        count: Callable[[str], object],
        randomness: Randomness,
    ) -> None:
        """Store the receivers, and their undelivered messages from earlier runs. Raises HistoryError.

        ``failed`` shows an error, ``count`` counts a result: sent or failed.
        """
        self.receivers, self._randomness = receivers, randomness
        self._undelivered, self._failed, self._count = undelivered, failed, count
        self._by_name = dict(_named(receivers))
        left = undelivered.read() if receivers else {}
        self._waiting = {name: deque(left.get(name, ()), _MOST_WAITING) for name in self._by_name}
        self._down: set[str] = set()

    def begin(self, now: dt.datetime) -> None:
        """Start a cycle: send undelivered messages, unless they are older than a day. Raises HistoryError."""
        self._down.clear()
        before = self._count_of_waiting()
        for name, waiting in self._waiting.items():
            while waiting and name not in self._down:
                is_old = now - waiting[0].notification.at > _LONGEST_WAIT
                if is_old or self._send(name, waiting[0]):
                    waiting.popleft()
        if self._count_of_waiting() != before:
            self._undelivered.store(self._waiting)

    def send(self, notification: Notification) -> bool:
        """Send a notification, and return whether any receiver got it; otherwise it must be sent again.

        Raises HistoryError.
        """
        message = Waiting(notification, new_identifier(self._randomness))
        missed = [name for name in self._waiting if name in self._down or not self._send(name, message)]
        if len(missed) == len(self._waiting):
            return False
        for name in missed:
            self._waiting[name].append(message)
        if missed:
            self._undelivered.store(self._waiting)
        return True

    def _count_of_waiting(self) -> int:
        return sum(map(len, self._waiting.values()))

    def _send(self, name: str, message: Waiting) -> bool:
        receiver = self._by_name[name]
        try:
            receiver.send(message.notification, message.identifier)
        except ReconcilerError as error:
            self._down.add(name)
            self._failed(f"{receiver.name} delivery failed: {error}")
            self._count("failed")
            return False
        self._count("sent")
        return True


def _named(receivers: Sequence[Receiver]) -> Iterator[tuple[str, Receiver]]:
    """Yield the receivers, each with a stable name for later runs, since the place omits secrets."""
    counts: Counter[str] = Counter()
    for receiver in receivers:
        name = f"{receiver.name} {receiver.place}"
        counts[name] += 1
        yield f"{name} {counts[name]}", receiver
