"""The other side of a fuzz run: a clock that does not wait, scripted responses, and a raw socket."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import threading
from typing import TYPE_CHECKING, Any, Final

from reconciler.api.reader import Connection
from reconciler.api.retry import RetryPolicy
from reconciler.model.endpoint import BaseUrl
from reconciler.model.secret import Secret
from reconciler.model.system import SystemRandomness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import httpx

    from fuzz.responses import Response

NOW: Final = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
_MOST_ASKED: Final = 200


class StillClock:
    """A clock that moves only while a caller sleeps."""

    def __init__(self) -> None:
        """Start at noon."""
        self._elapsed = 0.0

    def now(self) -> dt.datetime:
        """Return the instant."""
        return NOW + dt.timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return the seconds since the beginning."""
        return self._elapsed

    def sleep(self, seconds: float, wake: threading.Event) -> None:
        """Move on without waiting."""
        if not wake.is_set():
            self._elapsed += seconds


class Script:
    """Returns its responses in turn, the last one forever; ``last`` is the latest one returned."""

    def __init__(self, responses: Sequence[Response]) -> None:
        """Store the responses."""
        self._responses = responses
        self._asked = 0
        self.last = responses[0]

    def next(self) -> Response:
        """Return the next response; endless requests are refused."""
        self._asked += 1
        if self._asked > _MOST_ASKED:
            raise AssertionError(f"asked {_MOST_ASKED} times and more")
        self.last = self._responses[min(self._asked, len(self._responses)) - 1]
        return self.last

    def __call__(self, _request: httpx.Request) -> httpx.Response:
        """Respond to a request."""
        return self.next().response()


def connection(transport: httpx.BaseTransport | None, url: str = "http://127.0.0.1") -> Connection:
    """Connect to a function instead of a server, or to a raw socket."""
    settings: dict[str, Any] = {"connect_timeout": 5.0, "read_timeout": 5.0}
    return Connection(
        base_url=BaseUrl(url),
        token=Secret("1234$made-up"),
        user_agent="fuzz/1",
        clock=StillClock(),
        randomness=SystemRandomness(),
        retry=RetryPolicy(attempts=3),
        transport=transport,
        **settings,
    )


class RawSide:
    """A server that reads what comes, responds with preset bytes, and closes."""

    def __init__(self, listener: socket.socket) -> None:
        """Store the listening socket."""
        self._listener = listener
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.responses: Sequence[bytes] = [b""]
        self.asked = 0

    def serve(self) -> None:
        """Respond until the socket is closed."""
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer, contextlib.suppress(OSError):
                peer.recv(65536)
                self.asked += 1
                peer.sendall(self.last)

    @property
    def last(self) -> bytes:
        """The latest response."""
        return self.responses[max(0, min(self.asked, len(self.responses)) - 1)]

    def begin(self, responses: Sequence[bytes]) -> None:
        """Replace the responses."""
        self.responses, self.asked = responses, 0


@contextlib.contextmanager
def raw_side() -> Iterator[RawSide]:
    """Run a raw server on a loopback socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        side = RawSide(listener)
        thread = threading.Thread(target=side.serve, daemon=True)
        thread.start()
        yield side
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
