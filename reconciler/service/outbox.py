"""Who is notified, each in its own form, and what did not arrive yet."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import deque
from typing import TYPE_CHECKING, Final

from reconciler.errors import ReconcilerError
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.model.notification import Notification

_MOST_WAITING: Final = 100
_LONGEST_WAIT: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody who is notified; ``name`` is shown, and so is ``place``, which holds no secret.

    ``send`` delivers a notification with an identifier, which is the same if it is sent again, and returns
    the response in words. It raises ReconcilerError.
    """

    name: str
    place: str
    send: Callable[[Notification, str], str]
    close: Callable[[], object]


class Outbox:
    """Sends notifications to all receivers: one that fails keeps no other from being notified.

    A receiver that failed is not tried again before the next cycle: that would take as long, and hold up the
    cycles. What others received waits for it in memory; what nobody received is left to the history.
    """

    def __init__(
        self, receivers: Sequence[Receiver], failed: Callable[[str], object], count: Callable[[str], object]
    ) -> None:
        """Store the receivers; ``failed`` shows an error, ``count`` counts a result: sent or failed."""
        self.receivers = receivers
        self._failed, self._count = failed, count
        self._waiting: dict[int, deque[tuple[Notification, str]]] = {
            number: deque(maxlen=_MOST_WAITING) for number in range(len(receivers))
        }
        self._down: set[int] = set()

    def begin(self, now: dt.datetime) -> None:
        """Start a cycle: send what waits, unless it is older than a day."""
        self._down.clear()
        for number, waiting in self._waiting.items():
            while waiting and number not in self._down:
                notification, identifier = waiting[0]
                is_old = now - notification.at > _LONGEST_WAIT
                if is_old or self._send(number, notification, identifier):
                    waiting.popleft()

    def send(self, notification: Notification) -> bool:
        """Send a notification, and return whether it arrived anywhere: if not, it is to be sent again."""
        identifier = f"msg_{uuid.uuid4().hex}"
        missed = [
            number
            for number in self._waiting
            if number in self._down or not self._send(number, notification, identifier)
        ]
        if len(missed) == len(self._waiting):
            return False
        for number in missed:
            self._waiting[number].append((notification, identifier))
        return True

    def _send(self, number: int, notification: Notification, identifier: str) -> bool:
        receiver = self.receivers[number]
        try:
            receiver.send(notification, identifier)
        except ReconcilerError as error:
            self._down.add(number)
            self._failed(f"{receiver.name} delivery failed: {error}")
            self._count("failed")
            return False
        self._count("sent")
        return True
