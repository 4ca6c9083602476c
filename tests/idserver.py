"""A small server whose objects have names for people, which need not be unique, and ids that it makes."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

Row = dict[str, Any]


class Fault(StrEnum):
    """What goes wrong with one write."""

    LOST_BEFORE = "the connection breaks before it is executed"
    LOST_AFTER = "the connection breaks after it was executed"
    LIMITED = "429, not executed"
    LIMITED_AFTER = "429, executed all the same"
    EMPTY = "201 with the id alone"
    OTHER = "201 with another text than was sent"
    SECRET = "201 with a secret"
    RENAMED = "201, with the name in capital letters"
    STRAY = "201 with the id of the first note"
    CONFLICT = "409, not executed"
    BARE = "202 without a body, executed"


@dataclass(frozen=True, slots=True)
class Style:
    """How one API is spoken: the file of its kind, and what the server does accordingly."""

    extension: Mapping[str, Any]
    id_type: str = "string"
    identity: str = "name"
    item: str = "/teams/red/notes/"
    slash: str = ""
    method: str = "PATCH"
    inside: str = ""
    """The object around the name, if there is one; a write replaces it."""
    envelope: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    listed: tuple[str, ...] = ()
    """The members that rows of a listing show, if they do not show all."""
    lists_ids: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """Return the file of the kind ``note``."""
        return {
            "type": "object",
            "required": [self.identity],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string"},
                "text": {"type": "string"},
                "size": {"type": "integer"},
                "fixed": {"type": "string"},
                "id": {"type": self.id_type} | ({"readOnly": True} if self.identity == "name" else {}),
                **({self.inside: _AROUND} if self.inside else {}),
            },
            "x-reconciler": {
                "identity": self.identity,
                **({"path": "id"} if self.identity == "name" else {}),
                "scope": {"team": {"type": "string", "pattern": "^[a-z]+$"}},
                "create": {"requires": []},
                "optional": {"text": "", "size": 0, "fixed": ""},
                "immutable": ["fixed"],
                **self.extension,
            },
        }


_AROUND: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string", "readOnly": True}, "color": {"type": "string"}},
}
_SENT = {"query": {"version": "2"}, "headers": {"X-Version": "3"}}
STYLES = {
    "text ids": Style({"collection": "/teams/{team}/notes", "page_limit": 10}),
    "number ids in an envelope": Style(
        {
            "collection": "/teams/{team}/notes/",
            "list": {"style": "whole"},
            "send": _SENT,
            "envelope": {"item": "note", "body": "note"},
        },
        id_type="integer",
        slash="/",
        envelope="note",
        query=_SENT["query"],
        headers=_SENT["headers"],
    ),
    "numbers": Style(
        {"collection": "/teams/{team}/notes", "page_limit": 10}, id_type="integer", identity="id"
    ),
    "json-api": Style(
        {
            "collection": "/teams/{team}/notes",
            "style": "json-api",
            "type": "notes",
            "list": {"style": "whole"},
        },
    ),
    "whole updates": Style(
        {"collection": "/teams/{team}/notes", "page_limit": 10, "update": {"method": "PUT"}}, method="PUT"
    ),
    "names inside an object": Style(
        {
            "collection": "/teams/{team}/notes",
            "list": {"style": "whole"},
            "read_from": {"name": "meta.name"},
            "update": {"method": "PUT"},
            "optional": {"text": "", "size": 0, "fixed": "", "meta": {}},
        },
        method="PUT",
        inside="meta",
    ),
    "items elsewhere": Style(
        {
            "collection": "/teams/{team}/notes",
            "item": "/notes/{id}",
            "list": {"style": "page", "limit": "per_page", "results": "data"},
            "page_limit": 10,
            "envelope": {"item": "notes[]", "body": "notes[]"},
        },
        item="/notes/",
        envelope="notes[]",
    ),
}


@dataclass(slots=True)
class IdServer:
    """The notes of the team ``red``, the requests so far, and the faults of the next writes."""

    style: Style
    rows: list[Row] = field(default_factory=list)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    faults: list[Fault | None] = field(default_factory=list)
    instead: Any = ...
    """What every item is shown as, instead of what it is."""
    after_write: Callable[[], object] = tuple
    after_page: Callable[[], object] = tuple
    altered: Mapping[str, Any] = field(default_factory=dict)
    """What a whole update stores instead of what it carries; nothing for ``...``."""
    url: str = ""
    made: int = 0

    @property
    def writes(self) -> list[tuple[str, str, Any]]:
        """Return method, path without query, and body of each write."""
        found = ((method, urlsplit(path).path, body) for method, path, body in self.requests)
        return [one for one in found if one[0] != "GET"]

    @property
    def shown(self) -> list[tuple[str, str]]:
        """Return name and text of each note, sorted."""
        return sorted((row["name"], row.get("text", "")) for row in self.rows)

    def add(self, name: str, **fields: Any) -> int | str:
        """Make a note, and return its id."""
        self.made += 1
        number: int | str = self.made if self.style.id_type == "integer" else f"id/{self.made}"
        self.rows.append({"id": number, "name": name, **fields})
        return number

    def path_of(self, number: int | str) -> str:
        """Return the path of a note."""
        return f"{self.style.item}{str(number).replace('/', '%2F')}{self.style.slash}"

    def remove(self, number: int | str) -> None:
        """Delete a note."""
        self.rows = [row for row in self.rows if row["id"] != number]

    def row(self, number: int | str) -> Row:
        """Return a note."""
        return next(row for row in self.rows if row["id"] == number)

    def handle(
        self, fault: Fault | None, method: str, target: str, body: Any, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        """Return status and JSON value of one request with which something may go wrong."""
        status = (
            {Fault.CONFLICT: 409, Fault.LOST_BEFORE: 500, Fault.LIMITED: 429}.get(fault, 0) if fault else 0
        )
        if status:
            self.requests.append((method, target, body))
            return status, {"message": "not executed"}
        response = self.respond(method, target, body, headers)
        match fault:
            case Fault.LIMITED_AFTER:
                response = 429, {"message": "slower"}
            case Fault.EMPTY:
                response = 201, self.enveloped({"id": self.rows[-1]["id"]})
            case Fault.OTHER:
                self.rows[-1]["text"] = "another"
                response = 201, self.enveloped(self.rows[-1])
            case Fault.SECRET:
                response = 201, self.enveloped({**self.rows[-1], "api_token": "s3cret-value"})
            case Fault.RENAMED:
                self.rows[-1]["name"] = self.rows[-1]["name"].upper()
                response = 201, self.enveloped(self.rows[-1])
            case Fault.STRAY:
                response = 201, self.enveloped({"id": self.rows[0]["id"]})
            case Fault.BARE:
                response = 202, None
        return response

    def respond(self, method: str, target: str, body: Any, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Return status and JSON value of one request."""
        self.requests.append((method, target, body))
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        style = self.style
        wrong = {n: v for n, v in style.query.items() if query.get(n) != v}
        if wrong or any(headers.get(name) != value for name, value in style.headers.items()):
            return 400, {"message": "a constant is missing"}
        collection = style.extension["collection"].format(team="red")
        if parts.path == collection:
            return self._create(body) if method == "POST" else self._list(query)
        last = unquote(parts.path.removeprefix(style.item).removesuffix(style.slash))
        row = next((row for row in self.rows if str(row["id"]) == last), None)
        if method == "GET" and self.instead is not ...:
            return 200, self.instead
        if row is None or not parts.path.startswith(style.item) or not parts.path.endswith(style.slash):
            return 404, {"message": "not found"}
        if method == "DELETE":
            self.rows.remove(row)
            return 204, None
        if method == "PUT":
            row.clear()
            row |= {"id": last}
        if method in {"PATCH", "PUT"}:
            stored = {**self.values_of(body), **(self.altered if method == "PUT" else {})}
            row |= {name: value for name, value in stored.items() if value is not ...}
        return 200, self.enveloped(row)

    def enveloped(self, row: Row) -> Row:
        """Return what a response about one note holds."""
        shown, envelope = (
            self.shown_row(row),
            "data" if "style" in self.style.extension else self.style.envelope,
        )
        if envelope is None:
            return shown
        name = envelope.removesuffix("[]")
        return {name: shown if name == envelope else [shown]}

    def listed_row(self, row: Row) -> Any:
        """Return how a note is listed."""
        if self.style.lists_ids:
            return row["id"]
        listed = self.style.listed or row.keys()
        return self.shown_row({name: value for name, value in row.items() if name in listed})

    def shown_row(self, row: Row) -> Row:
        """Return how a note is shown."""
        inside = self.style.inside
        if inside and "name" in row:
            others = {name: value for name, value in row.items() if name != "name"}
            return {**others, inside: {**row.get(inside, {}), "name": row["name"]}}
        if "style" not in self.style.extension:
            return row
        related = self.style.extension.get("relationships", ())
        attributes = {name: value for name, value in row.items() if name != "id" and name not in related}
        links = {name: {"data": row[name], "links": {"self": "/"}} for name in related if name in row}
        shown = {"type": "notes", "id": row["id"], "attributes": attributes}
        return {**shown, **({"relationships": links} if links else {})}

    def values_of(self, body: Any) -> Row:
        """Return the fields in a body; those of JSON:API say the type."""
        if "style" in self.style.extension:
            resource: Row = body["data"] if body["data"]["type"] == "notes" else {}
            links: Row = resource.get("relationships", {})
            fields: Row = resource.get("attributes", {})
            return {**fields, **{name: one["data"] for name, one in links.items()}}
        envelope = self.style.envelope
        inside: Any = body if envelope is None else body[envelope.removesuffix("[]")]
        found: Row = inside[0] if isinstance(inside, list) and len(inside) == 1 else inside
        around = found.get(self.style.inside)
        if around is None:
            return found
        kept = {name: value for name, value in around.items() if name != "name"}
        return {**found, self.style.inside: kept, **({"name": around["name"]} if "name" in around else {})}

    def _create(self, body: Any) -> tuple[int, Any]:
        self.add(**self.values_of(body))
        return 201, self.enveloped(self.rows[-1])

    def _list(self, query: Mapping[str, str]) -> tuple[int, Any]:
        listing = self.style.extension.get("list", {})
        if listing.get("style") == "whole":
            rows = [self.listed_row(row) for row in self.rows]
            return 200, {"data": rows} if "style" in self.style.extension else rows
        is_numbered = listing.get("style") == "page"
        size = int(query[listing.get("limit", "limit")])
        start = (int(query["page"]) - 1) * size if is_numbered else int(query["offset"])
        count = listing.get("count", None if is_numbered else "count")
        counted = {} if count is None else {count: len(self.rows)}
        rows = [self.listed_row(row) for row in self.rows[start : start + size]]
        page = {listing.get("results", "results"): rows, **counted}
        self.after_page()
        return 200, page


@contextlib.contextmanager
def id_server(style: Style) -> Iterator[IdServer]:
    """Serve the notes of an API."""
    server = IdServer(style)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a body waits 40 ms for the acknowledgement of its headers

        def _respond(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = json.loads(self.rfile.read(length)) if length else None
            headers = dict(self.headers.items())
            with lock:
                is_write = self.command != "GET"
                fault = server.faults.pop(0) if is_write and server.faults else None
                response = server.handle(fault, self.command, self.path, body, headers)
                if is_write:
                    server.after_write()
            if fault in {Fault.LOST_BEFORE, Fault.LOST_AFTER}:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, value = response
            content = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PATCH = do_PUT = do_POST = do_DELETE = _respond  # noqa: N815 - the names that the base class looks for

        def log_message(self, *_arguments: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        server.url = f"http://127.0.0.1:{listener.server_address[1]}"
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def write_kind(folder: Path, schema: Mapping[str, Any], name: str = "note") -> None:
    """Write the file of a kind."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.schema.json").write_text(json.dumps(schema))


def write_notes(file: Path, *keys: Mapping[str, Any], **header: Any) -> str:
    """Declare notes of the team ``red``, and return the path of the file."""
    file.write_text(json.dumps({"kind": "note", "team": "red", **header, "keys": keys}))
    return str(file)
