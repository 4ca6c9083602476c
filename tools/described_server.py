"""A server of one collection, made from an OpenAPI description alone; it knows nothing of the engine.

It makes objects up, lists them in pages, shows, changes, makes and deletes them. Each request is held against
the description: path, query, headers, content type, body, members that are unknown or read-only. What
the description answers with 202, or with something else than the object, takes effect two reads later.
"""

from __future__ import annotations

import json
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

from described_collection import Collection, settings_at
from described_pages import Pages
from described_things import OF_SERVICE, Things, merged
from made_values import REQUEST, RESPONSE, Maker, anything, form_of, readings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from described import Described
    from described_things import Thing

_LATER: Final = 2
"""Reads after which an accepted change takes effect."""
_FEW: Final = 10
_PLAIN_HEADERS: Final = frozenset({"accept", "authorization", "content-type", "user-agent", "if-match"})
_JSON_PATCH: Final = "application/json-patch+json"
_MERGED: Final = ("merge patch", "merge-patch", "rfc 7396")
"""Words that say of a member that it is merged."""
_MERGE_PATCH: Final = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request, with the status it got, and what was said against it."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    status: int
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """What is sent back."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusalError(Exception):
    """A request that does not follow the description."""

    def __init__(self, status: int, *faults: str) -> None:
        """Store what is wrong."""
        super().__init__(*faults)
        self.status = status
        self.faults = faults


class Fake:
    """The service of one collection, with ``count`` objects at first."""

    def __init__(self, described: Described, path: str, item: str, *, seed: int = 0, count: int = 3) -> None:
        """Read the description, and make objects up. Raises LookupError where that cannot be."""
        self.described = described
        self.of = Collection(described, path, item)
        self.things = Things(self.of, seed)
        self.requests: list[Recorded] = []
        self.self_faults: list[str] = []
        """Where a response of the server itself is not as it is described."""
        self._pages = Pages(described, self.of)
        self._maker = Maker(described, seed + 1)
        self._pending: list[tuple[int, Callable[[], object]]] = []
        self._lock = threading.Lock()
        for _ in range(count):
            self.things.add(self._creation())

    @property
    def has_pages(self) -> bool:
        """Return whether listings have pages."""
        return self._pages.has_pages

    def fill(self, count: int) -> None:
        """Make objects up until there are so many: copies of the first under other ids and names."""
        for number in range(count, 4 * count):
            if len(self.things.every) < count:
                self.things.copy(number)

    def settle(self) -> None:
        """Apply all that was accepted."""
        while self._pending:
            self._tick()

    def _creation(self) -> dict[str, Any]:
        """Return values of what only a creation takes."""
        made = {}
        for name, schema in self.of.created.items():
            with suppress(LookupError):
                accept = self.of.is_segment if name == self.of.key else anything
                made[name] = self._maker.valid(schema, REQUEST, accept)
        return made

    def respond(self, method: str, target: str, headers: Mapping[str, str], raw: bytes) -> Response:
        """Answer one request, and record it."""
        path, _, text = target.partition("?")
        query = dict(parse_qsl(text, keep_blank_values=True))
        with self._lock:
            faults: tuple[str, ...] = ()
            body: Any = raw.decode()
            try:
                operation, values = self._operation(method, path)
                self._check_parameters(operation, values, query, headers)
                body = self._checked_body(operation, headers, raw)
                response = self._done(method, operation, values, query, body)
            except RefusalError as refusal:
                faults = refusal.faults
                response = Response(refusal.status, {"message": "; ".join(faults)[:500]})
            self.requests.append(Recorded(method, unquote(path), query, body, response.status, faults))
            return response

    def _operation(self, method: str, path: str) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the operation that a request asks for, and the parameters in its path."""
        for template in (self.of.path, *self.of.items):
            pattern = re.sub(r"\\\{([^{}]+)\\\}", "([^/]+)", re.escape(template))
            if found := re.fullmatch(pattern, path):
                operation = self.described.operation(template, method.lower())
                if operation is None:
                    raise RefusalError(405, f"{method} {template} is not described")
                names = re.findall(r"\{([^{}]+)\}", template)
                values = dict(zip(names, map(unquote, found.groups()), strict=True))
                return {**operation, "is_item": template != self.of.path}, values
        raise RefusalError(404, f"there is no {path}")

    def _check_parameters(
        self,
        operation: Mapping[str, Any],
        values: Mapping[str, str],
        query: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> None:
        given = {"path": values, "query": query, "header": {name.lower(): v for name, v in headers.items()}}
        if "authorization" not in given["header"]:
            raise RefusalError(401, "no token")
        faults = []
        described = set()
        for one in operation["parameters"]:
            place, name = one.get("in"), one["name"]
            own = name.lower() if place == "header" else name
            described.add((place, own))
            if own in given.get(place, {}):
                possible = readings(given[place][own])
                if not any(self.described.is_valid(one.get("schema"), value) for value in possible):
                    faults.append(f"{place} {name}={given[place][own]} is not valid")
            elif one.get("required") and place in given and own not in _PLAIN_HEADERS:
                faults.append(f"{place} {name} is missing")
        faults += [f"query {name} is not described" for name in query if ("query", name) not in described]
        if faults:
            raise RefusalError(400, *faults)

    def _checked_body(self, operation: Mapping[str, Any], headers: Mapping[str, str], raw: bytes) -> Any:
        kinds = self.described.body(operation)
        if not raw:
            if self.described.target(operation.get("requestBody")).get("required"):
                raise RefusalError(400, "no body")
            return None
        given = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
        kind = given.partition(";")[0].strip().lower()
        if kind not in kinds:
            raise RefusalError(415, f"{kind} is not one of {', '.join(kinds)}")
        if kind == _JSON_PATCH:
            return {step["path"].split("/")[1]: step.get("value") for step in json.loads(raw)}
        is_form = "form" in kind
        body = form_of(raw) if is_form else json.loads(raw)
        faults = [] if is_form else self.described.faults(kinds[kind], body, REQUEST)
        faults += self.described.strangers(kinds[kind], body)
        faults += [f"{OF_SERVICE} is read-only"] if OF_SERVICE in raw.decode() else []
        if faults:
            raise RefusalError(400, *faults)
        return body

    def _done(
        self,
        method: str,
        operation: Mapping[str, Any],
        values: Mapping[str, str],
        query: Mapping[str, str],
        body: Any,
    ) -> Response:
        if method == "GET":
            self._tick()
        if not operation["is_item"]:
            if method == "POST":
                return self._changed(operation, lambda: self._create(operation, body))
            rows = [self.things.row(thing) for thing in self.things.every.values()]
            shown, headers = self._pages.page(rows, query, self._maker)
            return self._shown(operation, Response(200, shown, headers))
        identity = list(values.values())[-1]
        thing = self.things.every.get(identity)
        if thing is None:
            raise RefusalError(404, f"there is no {identity}")
        if method == "GET":
            return self._object_response(operation, thing)
        if method == "DELETE":
            return self._changed(operation, lambda: self.things.every.pop(identity, None))
        return self._changed(operation, lambda: self._change(method, operation, thing, body))

    def _tick(self) -> None:
        due = [work for left, work in self._pending if left <= 1]
        self._pending = [(left - 1, work) for left, work in self._pending if left > 1]
        for work in due:
            work()

    def _changed(self, operation: Mapping[str, Any], work: Callable[[], Thing | None]) -> Response:
        """Do what was asked for, at once or later, and answer as described."""
        status, schema, _ = self.described.response(operation)
        if self.of.is_late(operation):
            self._pending.append((_LATER, work))
            return self._shown(operation, Response(status, self._made(schema)))
        thing = work()
        if thing is None or self.of.response_of(operation)[1] is None:
            return Response(status if schema is None else 200, None if schema is None else self._made(schema))
        return self._object_response(operation, thing)

    def _object_response(self, operation: Mapping[str, Any], thing: Thing) -> Response:
        status, schema, _ = self.described.response(operation)
        place, view = self.of.response_of(operation)
        if view is None:
            return Response(status)
        shown: Any = self.things.show(thing, view)
        if place:
            whole = inner = self._made(schema)
            for step in place[:-1]:
                inner = inner.setdefault(step, {})
            inner[place[-1]] = shown
            shown = whole
        return self._shown(operation, Response(status, shown))

    def _made(self, schema: Any) -> Any:
        if schema is None:
            return None
        with suppress(LookupError):
            return self._maker.valid(schema, RESPONSE)
        return self._maker.value(schema, RESPONSE)

    def _shown(self, operation: Mapping[str, Any], response: Response) -> Response:
        """Return a response, and note where it is not as described."""
        if len(self.things.every) <= _FEW:  # each object was looked at when it was made up
            schema = self.described.response(operation)[1]
            self.self_faults += self.described.faults(schema, response.body, RESPONSE)[:3]
        return response

    def _change(self, method: str, operation: Mapping[str, Any], thing: Thing, body: Any) -> Thing:
        place, taken = self.of.body_of(operation)
        settings, members = settings_at(body, place), self.described.members(taken)
        is_merged = _MERGE_PATCH in self.described.body(operation)
        for name, value in settings.items():
            known = thing.settings.get(name)
            words = str(self.described.flat(members.get(name)).get("description")).lower()
            merges = is_merged or any(word in words for word in _MERGED)
            if name != self.of.key:
                self.things.set(thing, name, merged(known, value) if merges else value)
        if method == "PUT":
            for name in thing.settings.keys() & self.of.taken.keys() - settings.keys() - {self.of.key}:
                self.things.set(thing, name, self._emptied(members[name]))
        return thing

    def _emptied(self, schema: Any) -> Any:
        """Return what is left of a member that a PUT leaves out."""
        words = self.described.flat(schema)
        empty: tuple[Any, ...] = (None, "", 0, False, [], {})
        values = (words["default"],) if "default" in words else empty
        return next((value for value in values if self.described.is_valid(schema, value, REQUEST)), None)

    def _create(self, operation: Mapping[str, Any], body: Any) -> Thing:
        place, _ = self.of.body_of(operation)
        return self.things.add(settings_at(body, place))
