"""A stand-in for the part of GitHub's API that stores the comments of pull requests."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.contract.runner import JOB_TOKEN
from tests.support import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

BOT = "github-actions[bot]"
LONGEST = 65_536


@dataclass(slots=True)
class Comment:
    """A comment on a pull request; one whose author is empty was written by an account that is gone."""

    number: int
    author: str
    body: str


@dataclass(slots=True)
class Github:
    """All comments. ``refused`` holds statuses for methods, ``failures`` those of the next responses.

    ``headers`` are sent with every response.
    """

    comments: list[Comment] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    failures: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def write(self, body: str, author: str = BOT, number: int = 7) -> None:
        """Write a comment."""
        self.comments.append(Comment(number, author, body))

    def bodies(self, number: int = 7) -> list[str]:
        """Return the texts of a pull request's comments."""
        return [comment.body for comment in self.comments if comment.number == number]

    def respond(self, method: str, target: str, body: str) -> tuple[int, Any]:
        """Respond to a request with a status and a document."""
        url = urlsplit(target)
        self.asked.append(f"{method} {url.path}")
        if self.failures:
            return self.failures.pop(0), {}
        if method in self.refused:
            return self.refused[method], {"message": "Resource not accessible by integration"}
        words = url.path.removeprefix("/repos/web/keys/issues/").split("/")
        text = json.loads(body)["body"] if body else ""
        assert len(text) <= LONGEST
        if method == "GET":
            page, size = (int(parse_qs(url.query)[name][0]) for name in ("page", "per_page"))
            found = [
                self._shown(index) for index, one in enumerate(self.comments) if one.number == int(words[0])
            ]
            return 200, found[(page - 1) * size : page * size]
        if method == "POST":
            self.write(text, number=int(words[0]))
            return 201, self._shown(len(self.comments) - 1)
        self.comments[int(words[1])].body = text
        return 200, self._shown(int(words[1]))

    def _shown(self, index: int) -> Any:
        comment = self.comments[index]
        address = f"https://github.example/web/keys/pull/{comment.number}#issuecomment-{index}"
        return {
            "id": index,
            "user": {"login": comment.author} if comment.author else None,
            "body": comment.body.replace("\n", "\r\n") or None,  # as it may come back
            "html_url": address,
        }


class _Server(HTTPServer):
    github: Github


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        status: int = 401
        document: Any = {}
        if self.headers["Authorization"] == f"Bearer {JOB_TOKEN}":
            status, document = self.server.github.respond(self.command, self.path, body)
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in self.server.github.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = _handle  # noqa: N815 - the names are the library's

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        """Log nothing."""


@contextlib.contextmanager
def reachable() -> Iterator[Github]:
    """Serve it on this machine."""
    server = _Server(("127.0.0.1", 0), _Handler)
    with serving(server) as url:
        server.github = Github(url=url)
        yield server.github
