"""A small HTTP server for whoever watches a service: status page, metrics, health."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Final

from reconciler.errors import ConfigurationError, ReconcilerError
from reconciler.waiting import start_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_TIMEOUT: Final = 10.0
PLAIN: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one path answers: a body with its type, a status, and headers of its own."""

    body: bytes
    content_type: str = PLAIN
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def serve(address: str, port: int, paths: Mapping[str, Callable[[], Answer]]) -> Iterator[int]:
    """Answer GET and HEAD of ``paths`` as long as the context lasts, and give the port; 0 takes any.

    Raises ConfigurationError if nothing can listen there.
    """
    try:
        server = (_Server6 if ":" in address else _Server)((address, port), _handler(paths))
    except (OSError, OverflowError, TypeError) as error:  # a TypeError is a name that cannot be encoded
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"nothing can listen on {address} port {port}: {reason}") from error
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

    def server_bind(self) -> None:
        """Bind without asking the name service who we are, which may take long."""
        TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """Take no notice of a client that left."""


class _Server6(_Server):
    address_family = socket.AF_INET6


def _handler(paths: Mapping[str, Callable[[], Answer]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _TIMEOUT
        server_version = "reconciler"
        sys_version = ""

        def do_GET(self) -> None:
            answer = self._answer()
            self.send_response(answer.status)
            headers = {
                "Content-Type": answer.content_type,
                "Content-Length": str(len(answer.body)),
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
                **answer.headers,
            }
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(answer.body)

        do_HEAD = do_GET  # noqa: N815 - the same

        def _answer(self) -> Answer:
            found = paths.get(self.path.partition("?")[0])
            if found is None:
                known = " ".join(paths)
                return Answer(f"not found; there is {known}\n".encode(), status=HTTPStatus.NOT_FOUND)
            try:
                return found()
            except ReconcilerError as error:
                text = f"{error}\n".encode(errors="backslashreplace")
                return Answer(text, status=HTTPStatus.SERVICE_UNAVAILABLE)
            except Exception as error:  # noqa: BLE001 - without an answer nobody would see it
                text = f"a fault of the program: {type(error).__name__}\n".encode()
                return Answer(text, status=HTTPStatus.INTERNAL_SERVER_ERROR)

        def log_message(self, format: str, *_args: object) -> None:  # noqa: A002 - the name in the base class
            """Log nothing: a probe each second is no news."""

    return Handler
