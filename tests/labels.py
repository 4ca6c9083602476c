"""A small server that behaves like GitHub's labels: pages of a bare list, PATCH of one, 404, Bearer."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support import TOKEN, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Labels = dict[str, dict[str, Any]]

LARGEST_PAGE = 100
_NAMED = 5
"""Segments of the path of one label."""


@dataclass(slots=True)
class LabelServer:
    """Repositories with their labels, and the requests so far."""

    repositories: dict[str, Labels]
    url: str = ""
    requests: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def writes(self) -> list[tuple[str, Any]]:
        """Return path and body of each write."""
        return [(path, body) for method, path, body in self.requests if method != "GET"]

    def respond(self, method: str, target: str, scheme: str, body: Any) -> tuple[int, Any]:
        """Return status and JSON value for one request."""
        self.requests.append((method, target, body))
        if scheme != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        parts = urlsplit(target)
        segments = [unquote(segment) for segment in parts.path.split("/")[1:]]
        labels = self.repositories.get("/".join(segments[1:3]))
        if segments[0] != "repos" or segments[3:4] != ["labels"] or labels is None:
            return 404, {"message": "Not Found"}
        if len(segments) < _NAMED:
            return self._page(labels, parse_qs(parts.query))
        label = labels.get(segments[4]) if len(segments) == _NAMED else None
        if label is None:
            return 404, {"message": "Not Found"}
        if method == "PATCH":
            label.update(body)
        return 200, label

    def _page(self, labels: Labels, query: Mapping[str, list[str]]) -> tuple[int, Any]:
        size = min(int(query.get("per_page", ["30"])[0]), LARGEST_PAGE)
        start = (int(query.get("page", ["1"])[0]) - 1) * size
        return 200, list(labels.values())[start : start + size]


def label(name: str, **fields: Any) -> dict[str, Any]:
    """Write a label the way GitHub shows one."""
    shown = {"id": len(name), "node_id": "x", "url": "x", "default": False, "name": name}
    return shown | {"color": "ededed", "description": None} | fields


@contextlib.contextmanager
def label_server(**repositories: list[dict[str, Any]]) -> Iterator[LabelServer]:
    """Serve the labels of repositories of the owner acme."""
    server = LabelServer(
        {f"acme/{name}": {one["name"]: one for one in labels} for name, labels in repositories.items()}
    )

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a body waits 40 ms for the acknowledgement of its headers

        def _respond(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = json.loads(self.rfile.read(length)) if length else None
            scheme = self.headers.get("Authorization", "")
            status, value = server.respond(self.command, self.path, scheme, body)
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PATCH = _respond  # noqa: N815 - the names that the base class looks for

        def log_message(self, *_arguments: Any) -> None:
            """Print nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server.url:
        yield server
