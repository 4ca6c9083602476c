"""Small servers that hold labels and milestones, each of which can be down, slow or wrong."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

COLLECTIONS = ("labels", "milestones")


@dataclass(slots=True)
class Place:
    """One server: what it holds by the path of its collection, and how it misbehaves.

    ``fixed`` are responses by path; ``status`` is that of every response, unless it is 0; ``body`` replaces
    every response. Each takes ``seconds``. ``most`` is how many requests were in flight at once.
    """

    url: str = ""
    held: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    status: int = 0
    fixed: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    seconds: float = 0.0
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    in_flight: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    never: threading.Event = field(default_factory=threading.Event)

    @property
    def variable(self) -> str:
        """Return the end of the variables that bind a token to this server."""
        return self.url.removeprefix("http://").partition("/")[0].replace(".", "_").replace(":", "___")

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Return method and path of each request that is not a GET."""
        return [(method, path) for method, path, _ in self.requests if method != "GET"]

    @property
    def tokens(self) -> set[str]:
        """Return what the header Authorization held."""
        return {authorization for _, _, authorization in self.requests}

    def hold(self, path: str, *names: str, color: str = "ededed") -> None:
        """Store some labels of a collection."""
        self.held[path] = {name: {"name": name, "color": color, "description": ""} for name in names}

    def respond(self, method: str, target: str, body: bytes) -> tuple[int, bytes]:
        """Return status and content of a response."""
        if self.status or self.body is not None:
            return self.status or 200, self.body or b'{"message": "down"}'
        path = urlsplit(target).path
        if path in self.fixed or path in self.held:
            if method == "POST":
                made = json.loads(body)
                self.held[path][made["name"]] = {"description": "", **made}
                return 201, json.dumps(self.held[path][made["name"]]).encode()
            value = self.fixed[path] if path in self.fixed else list(self.held[path].values())
            return 200, json.dumps(value).encode()
        collection, _, name = path.rpartition("/")
        items = self.held.get(collection, {})
        if unquote(name) not in items:
            return 404, b'{"message": "Not Found"}'
        if method == "DELETE":
            del items[unquote(name)]
            return 204, b""
        if method == "PATCH":
            items[unquote(name)] |= json.loads(body)
        return 200, json.dumps(items[unquote(name)]).encode()


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """Serve on a port of its own."""
    held = Place()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a body waits 40 ms for the acknowledgement of its headers

        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            with held.lock:
                held.requests.append((self.command, self.path, self.headers.get("Authorization", "")))
                held.in_flight += 1
                held.most = max(held.most, held.in_flight)
            held.never.wait(held.seconds)
            with held.lock:
                status, content = held.respond(self.command, self.path, body)
                held.in_flight -= 1
            with contextlib.suppress(OSError):
                self.send_response(status)
                for name, value in held.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_PATCH = do_POST = do_DELETE = _respond  # noqa: N815 - the names that the base class looks for

        def log_message(self, *_arguments: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        held.url = f"http://127.0.0.1:{listener.server_address[1]}"
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield held
        finally:
            listener.shutdown()
            thread.join()
