"""The slow run: servers that never finish, each in its own way, and requests that must end nevertheless."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fuzz.report import Broken, Report, seeded
from reconciler.api.reader import Connection, Reader
from reconciler.api.retry import RetryPolicy
from reconciler.api.writer import Writer
from reconciler.errors import ReconcilerError
from reconciler.model.endpoint import BaseUrl
from reconciler.model.request import Request
from reconciler.model.secret import Secret
from reconciler.model.system import SystemClock, SystemRandomness

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

_CONNECT: Final = 0.2
_READ: Final = 0.2
_BOUND: Final = _CONNECT + 4 * _READ
"""Seconds that one exchange may take: the connection, and four read time-outs for all of the response."""
_SLACK: Final = 5.0
"""Seconds that a busy machine may add."""
_LONGEST: Final = 20.0
"""Seconds after which a server stops, so that a run ends whatever the client does."""
_AT_ONCE: Final = 16
_PAUSES: Final = (0.0005, 0.02, 0.1, 0.19)
_OK: Final = b"HTTP/1.1 200 OK\r\n"
_JSON: Final = b"Content-Type: application/json\r\n"
_LONG: Final = b"Content-Length: 1000000\r\n\r\n"
_CHUNKED: Final = b"Transfer-Encoding: chunked\r\n\r\n"
_WAYS: Final[dict[str, tuple[bytes, bytes]]] = {
    "silence": (b"", b""),
    "half a status line": (b"HTTP/1.1 2", b""),
    "a status line, byte by byte": (b"HTTP/1.1 200 ", b"O"),
    "header lines without end": (_OK, b"X-More: y\r\n"),
    "one header without end": (_OK + b"X-Long: ", b"y"),
    "informational responses without end": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "100 Continue without end": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "informational responses with headers": (b"", b"HTTP/1.1 103 E\r\nLink: </a>\r\n\r\n"),
    "a head and no body": (_OK + _JSON + _LONG, b""),
    "a body, byte by byte": (_OK + _JSON + _LONG, b"["),
    "chunks without end": (_OK + _JSON + _CHUNKED, b"1\r\n \r\n"),
    "a chunk extension without end": (_OK + _JSON + _CHUNKED + b"1;", b"x"),
    "trailers without end": (_OK + _JSON + _CHUNKED + b"2\r\n[]\r\n0\r\n", b"X: y\r\n"),
    "blank lines without end": (b"", b"\r\n"),
    "an error, byte by byte": (b"HTTP/1.1 503 No\r\n" + _JSON + _LONG, b"["),
    "a redirect, header by header": (b"HTTP/1.1 302 Found\r\n", b"Location: /a\r\n"),
}


@dataclass(frozen=True, slots=True)
class _Case:
    way: str
    pause: float
    method: str

    @property
    def name(self) -> str:
        """Return what the case is, for the report."""
        return f"{self.method}, {self.way}, each {self.pause} s"


@contextlib.contextmanager
def slow_server(begin: bytes, repeat: bytes, pause: float) -> Iterator[str]:
    """Run a server that sends ``begin``, then ``repeat`` every ``pause`` seconds; yield its address."""
    over = threading.Event()

    def serve(peer: socket.socket) -> None:
        latest = time.monotonic() + _LONGEST
        with peer, contextlib.suppress(OSError):
            peer.sendall(begin)
            while not over.wait(pause) and time.monotonic() < latest:
                if repeat:
                    peer.sendall(repeat)

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                threading.Thread(target=serve, args=(peer,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)


def _exchange(url: str, method: str) -> str:
    """Return the error that a request ends with, or that there was none."""
    connection = Connection(
        base_url=BaseUrl(url),
        token=Secret("1234$made-up"),
        user_agent="fuzz/1",
        clock=SystemClock(),
        randomness=SystemRandomness(),
        connect_timeout=_CONNECT,
        read_timeout=_READ,
        retry=RetryPolicy(attempts=1),
    )
    try:
        if method == "GET":
            with Reader(connection) as reader:
                reader.get("/a", {})
        else:
            with Writer(connection) as writer:
                _writes(writer)[method]()
    except ReconcilerError as error:
        return type(error).__name__
    return "no error"


def _writes(writer: Writer) -> dict[str, Callable[[], object]]:
    return {
        "PATCH": lambda: writer.update(Request("PATCH", "/a", {"b": 1})),
        "POST": lambda: writer.post(Request("POST", "/a", {"b": 1})),
        "DELETE": lambda: writer.delete(Request("DELETE", "/a")),
    }


def _case(chance: random.Random, number: int) -> _Case:
    """Return a case: every way is used in turn, so that a short run covers each."""
    ways = tuple(_WAYS)
    return _Case(
        ways[number % len(ways)], chance.choice(_PAUSES), chance.choice(("GET", "PATCH", "POST", "DELETE"))
    )


def judge(case: _Case) -> tuple[float, str, Broken | None]:
    """Return how long a request to a slow server took, how it ended, and the promise that it broke."""
    begin, repeat = _WAYS[case.way]
    with slow_server(begin, repeat, case.pause) as url:
        began = time.monotonic()
        try:
            ended = _exchange(url, case.method)
        except Exception:  # noqa: BLE001 - any exception is what is looked for
            ended = traceback.format_exc(limit=-3)
            return time.monotonic() - began, "traceback", Broken("no traceback", case.name, ended, begin)
        seconds = time.monotonic() - began
    if ended == "no error":
        return seconds, ended, Broken("no response that does not end is used", case.name, ended, begin)
    if seconds > _BOUND + _SLACK:
        took = f"{seconds:.1f} s, and the bound is {_BOUND:.1f} s"
        return seconds, ended, Broken("every exchange ends in time", case.name, took, begin + repeat)
    return seconds, ended, None


def run(seed: int, cases: int) -> Report:
    """Send ``cases`` requests to slow servers, several at once."""
    began = time.perf_counter()
    chosen = [_case(seeded("slow", seed, number), number) for number in range(cases)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        judged = list(pool.map(judge, chosen))
    ends = Counter(ended for _, ended, _ in judged)
    figures = [
        f"{cases:,} requests to servers that do not finish, in {len(_WAYS)} ways",
        ", ".join(f"{name} {count:,}" for name, count in sorted(ends.items())),
        f"the longest took {max(seconds for seconds, *_ in judged):.1f} s; the bound is {_BOUND:.1f} s",
        f"{time.perf_counter() - began:.1f} s",
    ]
    return Report("slow", seed, figures, [broken for *_, broken in judged if broken is not None])
