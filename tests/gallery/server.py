"""One small server that behaves as the description of an API says; what that is, is data.

It imports nothing of the engine, and refuses what the API would refuse: unknown fields, another content type,
a missing constant header, another method, and a page that is larger than the API gives.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from jsonschema import Draft7Validator

from tests.support import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Row = dict[str, Any]
Shape = dict[str, Any]
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
ACCESS_TOKEN = "access-token-of-an-hour"
TOKEN = "mail@acme.example/token:first-secret"
SECOND_TOKEN = "second-secret-of-the-api"
BASIC = f"Basic {base64.b64encode(TOKEN.encode()).decode()}"


def body(*required: str, **properties: Shape) -> Shape:
    """Return the schema of a body: these fields and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }


def same(row: Row) -> Row:
    """Return a row as it is stored."""
    return row


@dataclass(frozen=True, slots=True)
class Pages:
    """How a collection is listed: names of query parameters, and dotted members of a response; "" is none.

    A cursor is given under ``next``, by the header Link, or by the last row and ``more``. Where ``link`` is
    results, the header has a link in any case, and says whether it leads to results.
    """

    limit: str = ""
    most: int = 100
    page: str = ""
    first: int = 1
    offset: str = ""
    cursor: str = ""
    results: str = ""
    count: str = ""
    next: str = ""
    more: str = ""
    link: str = ""
    around: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Api:
    """A collection: its paths, and what it takes and shows.

    ``creates`` and ``updates`` are schemas of bodies, None where there is no such operation. ``items`` has a
    path before an id for each method that does not have the usual one. ``merged`` are maps of which an update
    changes single members. ``shows`` makes an item of a row, ``lists`` a row of a listing. A response to a
    creation or an update is its status and what is in it: item, id, nothing, object or tasks. ``headers`` are
    those that every request must have, ``login`` the path where an access token is fetched.
    """

    collection: str
    pages: Pages
    updates: Shape | None
    creates: Shape | None = None
    method: str = "PATCH"
    path_id: str = "id"
    ids: Callable[[int], Any] = int
    items: Mapping[str, str] = field(default_factory=dict)
    slash: str = ""
    new: Mapping[str, Any] = field(default_factory=dict)
    encoding: str = JSON
    api_type: str = ""
    item: str = ""
    wrapped: str = ""
    merged: Sequence[str] = ()
    is_whole: bool = False
    unique: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    login: str = ""
    created: tuple[int, str] = (201, "item")
    updated: tuple[int, str] = (200, "item")
    deleted: tuple[int, Any] | None = (204, None)
    shows: Callable[[Row], Row] = same
    lists: Callable[[Row], Row] = same
    secrets: Callable[[int], Row] = lambda _number: {}


class Sent(NamedTuple):
    """A write as it came over the wire: of a body in JSON its value, else its text."""

    method: str
    path: str
    content_type: str = ""
    body: Any = ""


class Reply(NamedTuple):
    """A response: a value of JSON, or None without a body."""

    status: int
    value: Any = None
    headers: Mapping[str, str] = {}


class RefusedError(Exception):
    """A request that the API does not take, with a status and a reason."""

    def __init__(self, status: int, reason: str) -> None:
        """Store both."""
        super().__init__(reason)
        self.status = status


@dataclass(slots=True)
class GalleryServer:
    """The rows of a collection, the requests so far, and the tasks that are not done."""

    api: Api
    rows: list[Row]
    url: str = ""
    made: int = 0
    reads: list[str] = field(default_factory=list)
    writes: list[Sent] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    tasks: list[Callable[[], object]] = field(default_factory=list)
    has_etags: bool = False
    is_losing: bool = False
    """Whether the response to a creation is lost."""
    is_down: bool = False

    def respond(self, method: str, target: str, headers: Mapping[str, str], content: bytes) -> Reply:
        """Return the response to one request."""
        parts = urlsplit(target)
        if self.is_down:
            return Reply(503, {"message": "down"})
        if method == "POST" and parts.path == self.api.login:
            return Reply(200, {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 3600})
        if method == "GET":
            self.reads.append(target)
        else:
            kind = headers.get("content-type", "")
            text = content.decode()
            self.writes.append(Sent(method, parts.path, kind, json.loads(text) if "json" in kind else text))
        try:
            self._check(headers)
            if parts.path == self.api.collection:
                return self._collection(method, dict(parse_qsl(parts.query)), headers, content)
            return self._item(method, parts.path, headers, content)
        except RefusedError as error:
            if (method, error.status) != ("GET", 404):  # after a deletion that is what is looked for
                self.refused.append(f"{method} {target}: {error}")
            return Reply(error.status, {"message": str(error)})
        finally:
            if method == "GET":  # a task is done after it was looked at once
                for task in self.tasks:
                    task()
                self.tasks.clear()

    def _check(self, headers: Mapping[str, str]) -> None:
        for name, value in self.api.headers.items():
            if headers.get(name.lower()) != value:
                raise RefusedError(400, f"{name} must be {value}")

    def _collection(
        self, method: str, query: Mapping[str, str], headers: Mapping[str, str], content: bytes
    ) -> Reply:
        if method == "GET":
            return self._listing(query)
        if method != "POST" or self.api.creates is None:
            raise RefusedError(405, "method not allowed")
        values = self._values(headers, content, self.api.creates, None)
        unique = self.api.unique
        if unique and any(row[unique] == values[unique] for row in self.rows):
            raise RefusedError(409, f"{unique} exists")
        self.made += 1
        row = {**self.api.new, self.api.path_id: self.api.ids(self.made), **values}
        return self._done(self.api.created, row, lambda: self.rows.append(row), self.api.secrets(self.made))

    def _item(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> Reply:
        api = self.api
        before = api.items.get(method, f"{api.collection.rstrip('/')}/")
        last = unquote(path.removeprefix(before).removesuffix(api.slash))
        found = [row for row in self.rows if str(row[api.path_id]) == last]
        if not path.startswith(before) or not path.endswith(api.slash) or not found:
            raise RefusedError(404, "not found")
        (row,) = found
        if method == "GET":
            tag = {"ETag": self._tag(row)} if self.has_etags else {}
            return Reply(200, self._around(api.shows(row)), tag)
        if method == "DELETE" and api.deleted is not None:
            status, value = api.deleted
            effect = functools.partial(self.rows.remove, row)
            self.tasks.append(effect) if "tasks" in (value or {}) else effect()
            return Reply(status, value)
        if method != api.method or api.updates is None:
            raise RefusedError(405, "method not allowed")
        if self.has_etags and headers.get("if-match") != self._tag(row):
            raise RefusedError(412, "it was changed")
        values = self._values(headers, content, api.updates, last)
        return self._done(api.updated, row, lambda: self._update(row, values), {})

    def _tag(self, row: Row) -> str:
        return f'"{hash(json.dumps(row, sort_keys=True))}"'

    def _update(self, row: Row, values: Row) -> None:
        if self.api.is_whole and self.api.updates is not None:
            for name in self.api.updates["properties"].keys() - {self.api.path_id}:
                row.pop(name, None)
        for name, value in values.items():
            if name in self.api.merged:
                merged = row.setdefault(name, {}) | value
                row[name] = {key: inner for key, inner in merged.items() if inner not in {None, ""}}
            else:
                row[name] = value

    def _values(self, headers: Mapping[str, str], content: bytes, shape: Shape, path_id: str | None) -> Row:
        """Return the fields in a body. Raises RefusedError where the API would not take it."""
        api = self.api
        if headers.get("content-type") != api.encoding:
            raise RefusedError(415, f"the body must be {api.encoding}")
        values = _form(content.decode(), shape) if api.encoding == FORM else json.loads(content)
        if api.api_type:
            wanted = {"type": api.api_type} | ({} if path_id is None else {"id": path_id})
            data = values.get("data", {})
            if values.keys() != {"data"} or {n: data.get(n) for n in data if n != "attributes"} != wanted:
                raise RefusedError(400, f"data must be {wanted} with attributes")
            values = data["attributes"]
        elif api.wrapped:
            if values.keys() != {api.wrapped}:
                raise RefusedError(422, f"the body must be in {api.wrapped}")
            values = values[api.wrapped]
        if error := next(Draft7Validator(shape).iter_errors(values), None):
            raise RefusedError(422, error.message)
        return values

    def _done(self, how: tuple[int, str], row: Row, effect: Callable[[], object], once: Row) -> Reply:
        status, what = how
        if what == "tasks":
            self.tasks.append(effect)
            return Reply(status, {"tasks": ["d478ae29-dedc-4869-82f0-96104425f565"]})
        effect()
        values = {
            "item": self._around({**self.api.shows(row), **once}),
            "id": {self.api.path_id: row[self.api.path_id]},
            "object": {},
        }
        return Reply(status, values.get(what))

    def _around(self, shown: Row) -> Any:
        return _inside(self.api.item, self._resource(shown))

    def _resource(self, shown: Row) -> Row:
        if not self.api.api_type:
            return shown
        attributes = {name: value for name, value in shown.items() if name != "id"}
        return {"type": self.api.api_type, "id": shown["id"], "attributes": attributes}

    def _listing(self, query: Mapping[str, str]) -> Reply:
        pages, rows = self.api.pages, [self._resource(self.api.lists(row)) for row in self.rows]
        known = {name for name in (pages.limit, pages.page, pages.offset, pages.cursor) if name}
        if unknown := query.keys() - known:
            raise RefusedError(400, f"unknown parameters {sorted(unknown)}")
        size = int(query.get(pages.limit, pages.most)) if known else len(rows)
        if size > pages.most and known:  # as most APIs do, fewer are given
            self.refused.append(f"at most {pages.most} in a page, not {size}")
            size = pages.most
        begin = self._begin(query, size)
        part, further = rows[begin : begin + size], begin + size < len(rows)
        value: Any = part
        if pages.results:
            value = _merged(dict(pages.around), _inside(pages.results, part))
            for name, told in ((pages.count, len(rows)), (pages.more, further)):
                value = _merged(value, _inside(name, told)) if name else value
            if pages.next:
                value = _merged(value, _inside(pages.next, str(begin + size) if further else None))
        return Reply(200, value, self._link(begin + size, has_more=further))

    def _begin(self, query: Mapping[str, str], size: int) -> int:
        pages = self.api.pages
        if pages.page:
            number = max(int(query.get(pages.page, pages.first)), pages.first)
            return (number - pages.first) * size
        if pages.offset:
            return int(query.get(pages.offset, 0))
        cursor = query.get(pages.cursor, "")
        if pages.more and cursor:
            return next(at for at, row in enumerate(self.rows, 1) if str(row[self.api.path_id]) == cursor)
        return int(cursor or 0)

    def _link(self, end: int, *, has_more: bool) -> Mapping[str, str]:
        """Return the header Link: of some APIs it has a next page even where there are no more rows."""
        pages = self.api.pages
        if not pages.link or (pages.link == "next" and not has_more):
            return {}
        where = f"<https://elsewhere.example/list?{pages.cursor or pages.page}={end}>"
        says = "" if pages.link == "next" else f'; results="{str(has_more).lower()}"; cursor="{end}"'
        return {"Link": f'<https://elsewhere.example/list?x=0>; rel="previous", {where}; rel="next"{says}'}


def _inside(dotted: str, value: Any) -> Any:
    for step in reversed(dotted.split(".") if dotted else ()):
        value = {step: value}
    return value


def _merged(one: Row, other: Row) -> Row:
    both = {name: _merged(one[name], other[name]) for name in one.keys() & other.keys()}
    return {**one, **other, **both}


def _form(text: str, shape: Shape) -> Row:
    """Return the fields of a form: items end in ``[]``, members are in brackets."""
    found: Row = {}
    for name, values in parse_qs(text, keep_blank_values=True).items():
        outer, _, inner = name.partition("[")
        if inner == "]":
            found[outer] = values
        elif inner:
            found.setdefault(outer, {})[inner.removesuffix("]")] = values[-1]
        else:
            is_flag = shape["properties"].get(outer, {}).get("type") == "boolean"
            found[outer] = values[-1] == "true" if is_flag else values[-1]
    return found


@contextlib.contextmanager
def running(server: GalleryServer) -> Iterator[GalleryServer]:
    """Serve a collection, whose rows are copied first."""
    api, server.made = server.api, len(server.rows) + 1000
    server.rows = [json.loads(json.dumps(row)) for row in server.rows]
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a body waits 40 ms for the acknowledgement of its headers

        def _respond(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                reply = server.respond(self.command, self.path, headers, content)
            if server.is_losing and self.command == "POST" and self.path == api.collection:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            sent = b"" if reply.value is None else json.dumps(reply.value).encode()
            self.send_response(reply.status)
            for name, value in {
                "Content-Type": JSON,
                "Content-Length": str(len(sent)),
                **reply.headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_PATCH = do_PUT = do_POST = do_DELETE = _respond  # noqa: N815 - the names that the base class looks for

        def log_message(self, *_arguments: Any) -> None:
            """Print nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server.url:
        yield server
