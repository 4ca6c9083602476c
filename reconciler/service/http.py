"""A small HTTP server for the pages of a service.

It serves known hosts only, so that no page in a browser can read it by pointing a domain name at this
machine; and it accepts few connections, each for a short time, so that clients cannot exhaust the files that
reconcile cycles need.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, Final

from reconciler.api.address import ip_address, is_loopback
from reconciler.api.workers import start_thread
from reconciler.errors import ConfigurationError, ReconcilerError, os_reason
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.model.clock import Clock

_TIMEOUT: Final = 10.0
"""Seconds that a client may be silent, and that a whole exchange may take."""
_CONNECTIONS: Final = 16
"""How many connections may be open: the oldest is ended for a new one."""
_RECOVERY: Final = 0.05
"""Seconds to wait when no connection can be accepted."""
_NAME: Final = expression(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?", re.ASCII)
_PORT: Final = expression(r":[0-9]{0,5}", re.ASCII)
PLAIN: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Response:
    """The response of one path: a body with its type, a status, and headers of its own."""

    body: bytes
    content_type: str = PLAIN
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


def plain(text: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return a plain-text response."""
    return Response(f"{text}\n".encode(errors="backslashreplace"), status=status)


def host_of(text: str) -> str | None:
    """Return the host in a header Host, in normal form and without the port; None if it is invalid.

    An IPv6 address is in brackets where a port may follow, and may be without them where none can.
    """
    bare = text.strip().lower()
    if bare.startswith("["):
        inner, bracket, port = bare[1:].partition("]")
        is_well_formed = bracket and ":" in inner and (not port or _PORT.fullmatch(port))
        return _address(inner) if is_well_formed else None
    if bare.count(":") == 1:
        bare, _, port = bare.partition(":")
        if not _PORT.fullmatch(f":{port}"):
            return None
    name = bare.removesuffix(".")
    return _address(bare) or (name if _NAME.fullmatch(name) else None)


def _address(text: str) -> str | None:
    """Return an address in normal form, None for any other text."""
    ip = ip_address(text)
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return str(mapped or ip) if ip else None


@contextmanager
def serve(
    address: str,
    port: int,
    paths: Mapping[str, Callable[[str], Response]],
    clock: Clock,
    hosts: Iterable[str] = (),
) -> Iterator[int]:
    """Serve GET and HEAD of ``paths`` within the context, and yield the port; 0 means any free one.

    Each path is a function of the query, which is empty without one. Clients that request another host than
    this machine, ``address``, the address that they reached or one of ``hosts`` are refused. Raises
    ConfigurationError if the port cannot be opened.
    """
    try:
        server = _Server((address, port), _handler(paths, (address, *hosts)), clock)
    except (OSError, OverflowError, TypeError) as error:  # a TypeError is a name that cannot be encoded
        text = f"it is not possible to listen on {address} port {port}: {os_reason(error)}"
        raise ConfigurationError(text) from error
    try:
        thread = start_thread(server.serve_forever, "monitor")
    except ConfigurationError:
        server.server_close()
        raise
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client that hangs does not keep the service from ending
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], clock: Clock) -> None:
        """Start without connections."""
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[socket.socket, float] = {}
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; end the oldest if there are many, or if the system has no free file."""
        try:
            accepted, peer = super().get_request()
        except OSError:
            self._end(1)
            threading.Event().wait(_RECOVERY)  # what was ended is closed by its own thread
            raise
        with self._lock:
            self._open[accepted] = self._clock.monotonic()
            excess = len(self._open) - _CONNECTIONS
        self._end(excess)
        return accepted, peer

    def service_actions(self) -> None:
        """End connections that have lasted too long, even active ones; called twice per second."""
        latest = self._clock.monotonic() - _TIMEOUT
        with self._lock:
            late = sum(began < latest for began in self._open.values())
        self._end(late)

    def close_request(self, request: Any) -> None:
        """Close a connection."""
        with self._lock:
            self._open.pop(request, None)
        super().close_request(request)

    def _end(self, count: int) -> None:
        """End the oldest connections: their threads close them."""
        with self._lock:
            oldest = list(self._open)[: max(count, 0)]
            for connection in oldest:
                del self._open[connection]
        for connection in oldest:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def server_bind(self) -> None:
        """Bind without a name lookup of this host, which may take long."""
        TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a client that disconnected."""


def _refusal(given: Sequence[str], version: str, known: Iterable[str]) -> Response | None:
    """Refuse a client that requests another host, as a page in a browser could (DNS rebinding)."""
    if not given and version != "HTTP/1.1":
        return None  # browsers name one; some probes do not
    host = host_of(given[0]) if len(given) == 1 else None
    if host is None:
        return plain("a request must name one host", HTTPStatus.BAD_REQUEST)
    if is_loopback(host) or host in map(host_of, known):
        return None
    text = f"{host} is not served here; --metrics-host {host} would allow it"
    return plain(text, HTTPStatus.MISDIRECTED_REQUEST)


def _handler(
    paths: Mapping[str, Callable[[str], Response]], served: Iterable[str]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _TIMEOUT
        server_version = "reconciler"
        sys_version = ""

        def do_GET(self) -> None:
            response = self._response()
            self.send_response(response.status)
            headers = {
                "Content-Type": response.content_type,
                "Content-Length": str(len(response.body)),
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
                **response.headers,
            }
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(response.body)

        do_HEAD = do_GET  # noqa: N815 - the same

        def _response(self) -> Response:
            reached = self.connection.getsockname()[0]
            hosts = self.headers.get_all("Host") or []
            refusal = _refusal(hosts, self.request_version, {reached, *served})
            if refusal is not None:
                return refusal
            path, _, query = self.path.partition("?")
            page = paths.get(path)
            if page is None:
                return plain(f"not found; there is {' '.join(paths)}", HTTPStatus.NOT_FOUND)
            try:
                return page(query)
            except ReconcilerError as error:
                return plain(str(error), HTTPStatus.SERVICE_UNAVAILABLE)
            except Exception as error:  # noqa: BLE001 - only a response shows it
                text = f"internal error: {type(error).__name__}"
                return plain(text, HTTPStatus.INTERNAL_SERVER_ERROR)

        def log_message(self, format: str, *_args: object) -> None:  # noqa: A002 - the name in the base class
            """Log nothing: probes arrive every second."""

    return Handler
