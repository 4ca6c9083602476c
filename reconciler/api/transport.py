"""The network under every exchange: bounded in time and size, whatever the server does.

A time-out of HTTP libraries limits one read. A server that sends a header line, or another ``100 Continue``,
every second never exceeds it. So every read, write and handshake gets the remaining time of the exchange, and
a waiting read ends soon after the run is stopped.
"""

from __future__ import annotations

import contextlib
import math
import socket
import zlib
from typing import TYPE_CHECKING, Any, Final

import httpcore
import httpx

from reconciler.errors import StoppedError

if TYPE_CHECKING:
    import ssl
    import threading
    from collections.abc import Iterable, Iterator

    from reconciler.api.environment import Proxy
    from reconciler.api.exchange import Bounds
    from reconciler.model.clock import Clock

GRACE: Final = "reconciler.grace"
"""The extension of a request that says how many seconds it goes on after the run was stopped."""
_LARGEST_HEAD: Final = 2**20
_GLANCE: Final = 0.2
"""Seconds between two looks at the stop."""
_PART: Final = 64 * 2**10
_ANY_ZLIB: Final = zlib.MAX_WBITS | 32
_CODINGS: Final = frozenset({"gzip", "x-gzip", "deflate"})
_FAILURES: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


class Budget:
    """The remaining time and size of one exchange at a time."""

    def __init__(self, clock: Clock, stop: threading.Event, bounds: Bounds) -> None:
        """Store the bounds; :meth:`start` begins an exchange."""
        self._clock = clock
        self._stop = stop
        self._bounds = bounds
        self.start(math.inf)

    def start(self, grace: float) -> None:
        """Start an exchange, which continues for ``grace`` seconds after the run was stopped."""
        self._began = self._clock.monotonic()
        self._latest = self._began + self._bounds.head
        self._grace = grace
        self._is_ending = False
        self._head: int | None = 0

    def end_head(self) -> None:
        """Apply the time limit of the complete exchange from now on."""
        if not self._is_ending:
            self._latest = self._began + self._bounds.whole
        self._head = None

    def left(self, late: type[httpcore.TimeoutException], timeout: float | None) -> float:
        """Return the remaining seconds, at most ``timeout``.

        Raises ``late`` if none remain, StoppedError after a stop.
        """
        now = self._clock.monotonic()
        if self._grace < math.inf and not self._is_ending and self._stop.is_set():
            self._is_ending = True
            self._latest = min(self._latest, now + self._grace)
        if self._is_ending and self._latest <= now:
            raise StoppedError("interrupted while waiting for the response")
        if self._latest <= now:
            what = (
                "the response does not end" if self._head is None else "the head of the response does not end"
            )
            raise late(what)
        left = self._latest - now
        return left if timeout is None else min(timeout, left)

    def count(self, size: int) -> None:
        """Count the bytes of a head. Raises an error if they are too many."""
        if self._head is not None:
            self._head += size
            if self._head > _LARGEST_HEAD:
                message = f"the head of the response is larger than {_LARGEST_HEAD // 2**20} MiB"
                raise httpcore.RemoteProtocolError(message)


class _Stream(httpcore.NetworkStream):
    """A connection with a time limit for every step."""

    def __init__(self, inner: httpcore.NetworkStream, budget: Budget) -> None:
        self._inner = inner
        self._budget = budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        idle = math.inf if timeout is None else timeout
        while True:
            left = self._budget.left(httpcore.ReadTimeout, idle)
            if left <= 0:
                raise httpcore.ReadTimeout("nothing came")
            step = min(left, _GLANCE)
            try:
                content = self._inner.read(max_bytes, step)
            except httpcore.ReadTimeout:
                idle -= step
                continue
            self._budget.count(len(content))
            return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PART):
            left = self._budget.left(httpcore.WriteTimeout, timeout)
            self._inner.write(buffer[start : start + _PART], left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._budget.left(httpcore.ConnectTimeout, timeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._budget)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class Backend(httpcore.NetworkBackend):
    """Opens bounded connections."""

    def __init__(self, budget: Budget) -> None:
        """Store the budget of exchanges."""
        self._inner = httpcore.SyncBackend()
        self._budget = budget

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that accepts. Raises ConnectError or ConnectTimeout."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        failure: httpcore.ConnectError | httpcore.ConnectTimeout = httpcore.ConnectError("no address")
        for *_, address in found:
            number, _ = socket.getnameinfo(address, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
            left = self._budget.left(httpcore.ConnectTimeout, timeout)
            try:
                inner = self._inner.connect_tcp(number, port, left, local_address, socket_options)
                return _Stream(inner, self._budget)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class Transport(httpx.BaseTransport):
    """Sends requests, one at a time, directly to the server or through a proxy."""

    def __init__(
        self,
        tls: ssl.SSLContext | None,
        proxy: Proxy | None,
        clock: Clock,
        stop: threading.Event,
        bounds: Bounds,
    ) -> None:
        """Open nothing before the first request. Without ``tls`` the server is one of plain http."""
        self._budget = Budget(clock, stop, bounds)
        self._pool = _pool(tls, proxy, Backend(self._budget))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the response when its head is received."""
        self._budget.start(request.extensions.get(GRACE, math.inf))
        url = request.url
        with as_httpx():
            response = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        self._budget.end_head()
        headers = httpx.Headers(response.headers)
        coding = headers.pop("Content-Encoding", "")  # httpx would decode all that is stacked
        return httpx.Response(
            response.status,
            headers=headers,
            stream=_Body(response, coding),
            extensions=dict(response.extensions),
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The body of a response, decoded in parts of bounded size."""

    def __init__(self, response: httpcore.Response, coding: str) -> None:
        self._response = response
        self._coding = coding

    def __iter__(self) -> Iterator[bytes]:
        codings = [part.strip().lower() for part in self._coding.split(",")]
        codings = [coding for coding in codings if coding not in {"", "identity"}]
        with as_httpx():
            if not codings:
                yield from self._response.iter_stream()
                return
            if len(codings) > 1 or codings[0] not in _CODINGS:
                raise httpx.DecodingError("it has a content coding that was not asked for")
            yield from _inflated(self._response.iter_stream())

    def close(self) -> None:
        self._response.close()


def _inflated(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the decompressed ``parts``, in pieces of limited size. Raises httpx.DecodingError."""
    inflater = zlib.decompressobj(_ANY_ZLIB)
    try:
        for part in parts:
            left = part
            while left:
                yield inflater.decompress(left, _PART)
                left = inflater.unconsumed_tail
            if inflater.unused_data:
                raise httpx.DecodingError("something follows what is compressed")
        yield inflater.flush()
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from error
    if not inflater.eof:
        raise httpx.DecodingError("the compressed content ends early")


def _pool(
    tls: ssl.SSLContext | None, proxy: Proxy | None, backend: httpcore.NetworkBackend
) -> httpcore.ConnectionPool:
    through = None
    if proxy is not None:
        url = proxy.url
        address = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/")
        login = (url.username.encode(), url.password.encode()) if url.userinfo else None
        through = httpcore.Proxy(address, login, ssl_context=tls if url.scheme == "https" else None)
    return httpcore.ConnectionPool(ssl_context=tls, proxy=through, network_backend=backend)


@contextlib.contextmanager
def as_httpx() -> Iterator[None]:
    """Raise the exceptions of httpx in place of those of httpcore."""
    try:
        yield
    except _FAILURES as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
