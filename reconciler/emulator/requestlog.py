"""What was asked, for tests and people to look at. Headers, and so tokens, are never in it."""

from __future__ import annotations

import dataclasses
import itertools
import json
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_RECORDS = 100_000
_LINE_BODY = 500


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One answered request.

    ``sequence`` counts from 1 in the order in which requests took effect; ``path`` is as sent, with
    its query; ``body`` is the parsed JSON, None when there was none or it was not JSON.
    """

    sequence: int
    method: str
    path: str
    status: int
    body: Any = None

    def document(self) -> dict[str, Any]:
        """Give the record as a JSON object."""
        return dataclasses.asdict(self)

    def line(self) -> str:
        """Give the record on one line, long bodies cut, everything but printable ASCII escaped."""
        body = "" if self.body is None else " " + json.dumps(self.body)[:_LINE_BODY]
        return ascii(f"#{self.sequence} {self.method} {self.path} {self.status}")[1:-1] + body


class RequestLog:
    """The latest requests; when full, each new one drops the oldest. Safe to use from any thread.

    ``listen`` is called with every record as it is made.
    """

    def __init__(self, listen: Callable[[RequestRecord], None] | None = None) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._records: deque[RequestRecord] = deque(maxlen=MAX_RECORDS)
        self._listen = listen

    def add(self, method: str, path: str, status: int, body: object) -> None:
        """Note an answered request."""
        with self._lock:
            record = RequestRecord(next(self._numbers), method, path, status, body)
            self._records.append(record)
        if self._listen:
            self._listen(record)

    def records(self) -> tuple[RequestRecord, ...]:
        """Give the records, oldest first."""
        with self._lock:
            return tuple(self._records)

    def clear(self) -> None:
        """Forget the records; the numbers go on."""
        with self._lock:
            self._records.clear()
