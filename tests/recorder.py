"""A server on this machine that records who asks with which headers, and lists one label."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.labels import label
from tests.support import serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Recorder:
    """The requests so far; ``location`` is where those of ``moved`` methods are redirected, if it is set."""

    url: str = ""
    requests: list[Recorded] = field(default_factory=list)
    location: str = ""
    moved: frozenset[str] = frozenset({"GET", "PATCH", "POST", "DELETE"})
    moved_status: int = 302
    status: int = 200
    link: str = ""
    """The header Link of the first response."""
    page: Any = None
    """The response to a GET of the collection, instead of a list of one label."""
    token: str = ""
    """The access token that a POST returns."""

    @property
    def variable(self) -> str:
        """Return the end of the variables that bind a token to this server."""
        return self.url.removeprefix("http://").replace(".", "_").replace(":", "___")

    @property
    def text(self) -> str:
        """Return all that was received."""
        return repr(self.requests)

    def sent(self, header: str) -> set[str | None]:
        """Return the values of a header."""
        return {request.headers.get(header.lower()) for request in self.requests}

    def respond(self, request: Recorded) -> Any:
        """Return the JSON response to a request."""
        self.requests.append(request)
        if request.method == "POST":
            return {"access_token": self.token, "token_type": "Bearer", "expires_in": 3600}
        is_list = request.target.partition("?")[0].endswith("/labels")
        page = [label("bug")] if self.page is None else self.page
        return page if is_list else label("bug")


class _Server(ThreadingHTTPServer):
    def handle_error(self, *arguments: Any) -> None:
        """Print nothing of a client that has left with the status: who sends a webhook needs no more."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(*arguments)


@contextlib.contextmanager
def recorder() -> Iterator[Recorder]:
    """Serve on a port of its own."""
    server = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a body waits 40 ms for the acknowledgement of its headers

        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            content = json.dumps(server.respond(Recorded(self.command, self.path, headers, body))).encode()
            is_moved = bool(server.location) and self.command in server.moved
            self.send_response(server.moved_status if is_moved else server.status)
            if is_moved:
                self.send_header("Location", server.location)
            if server.link and len(server.requests) == 1:
                self.send_header("Link", server.link)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PATCH = do_POST = do_DELETE = _respond  # noqa: N815 - the names that the base class looks for

        def log_message(self, *_arguments: Any) -> None:
            """Print nothing."""

    with serving(_Server(("127.0.0.1", 0), Handler)) as server.url:
        yield server
