"""An API that lists keys slowly, and counts the requests that somebody still waits for."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from chaos_runs.answering import answering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from chaos_runs.data import Key

_PAGE: Final = 1000
_PAUSE: Final = 2
_ON_THE_WAY: Final = 1.0
"""Seconds in which a request may still arrive that was sent before the pause was known everywhere."""


def _nothing(_number: int) -> None:
    pass


@dataclass(slots=True)
class Api:
    """Live keys by region; ``on_request`` is called with the number of each request, before its response.

    A request is in flight from when it was read until its response begins to be sent, or until the
    connection is closed by the other side: the system closes what a killed process had open before anybody
    can know of its end. Request number ``busy_at`` is refused with 429, unless who sent it has left, and a
    pause is asked for: ``asked_at`` is when.
    """

    rows: Mapping[int, list[dict[str, Any]]]
    delays: Iterator[float]
    url: str = ""
    on_request: Callable[[int], None] = _nothing
    busy_at: int = 0
    requests: int = 0
    refused: int = 0
    most: int = 0
    asked_at: float | None = None
    times: list[float] = field(default_factory=list)
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, busy_at: int) -> None:
        """Forget what was counted."""
        self.requests = self.refused = self.most = 0
        self.times.clear()
        self.busy_at, self.asked_at, self.on_request = busy_at, None, _nothing

    @property
    def hurried(self) -> int:
        """Return how many requests arrived in the pause, and were not on the way before."""
        if self.asked_at is None:
            return 0
        return sum(_ON_THE_WAY < at - self.asked_at < _PAUSE for at in self.times)

    def respond(self, target: str, connection: socket.socket) -> tuple[int, bytes]:
        """Return status and body of one response, late."""
        with self._lock:
            self._open = {each for each in self._open if not _is_closed(each)}
            self._open.add(connection)
            self.requests += 1
            number = self.requests
            self.most = max(self.most, len(self._open))
            self.times.append(time.monotonic())
            delay = next(self.delays)
        self.on_request(number)
        time.sleep(delay)
        with self._lock:
            self._open.discard(connection)
            if number == self.busy_at and not _is_closed(connection):
                self.refused += 1
                self.asked_at = time.monotonic()
                return 429, json.dumps({"message": "too many"}).encode()
        path, _, query = target.partition("?")
        region = int(path.rpartition("/")[2])
        offset = int(parse_qs(query).get("offset", ["0"])[0])
        limit = min(int(parse_qs(query).get("limit", [str(_PAGE)])[0]), _PAGE)
        rows = self.rows[region]
        return 200, json.dumps({"count": len(rows), "results": rows[offset : offset + limit]}).encode()


def _is_closed(connection: socket.socket) -> bool:
    """Return whether the other side has left."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@contextmanager
def serving(keys: Iterable[Key], delays: Iterator[float]) -> Iterator[Api]:
    """Serve what is stored of ``keys``."""
    rows: dict[int, list[dict[str, Any]]] = {}
    for key in keys:
        rows.setdefault(key.region, []).append({"name": key.name, **key.old})
    api = Api(rows, delays)

    with answering(lambda request: api.respond(request.path, request.connection), _PAUSE) as api.url:
        yield api
