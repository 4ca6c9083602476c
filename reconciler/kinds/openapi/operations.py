"""What an OpenAPI description says of one collection: how it is listed, and how its items are changed."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import DescriptionError
from reconciler.kinds.openapi.schemas import Closed, Description, Schema, mapping
from reconciler.model.lookalikes import meant
from reconciler.model.phrases import listed
from reconciler.model.request import Encoding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

UPDATES: Final = ("patch", "put", "post")
"""Methods that change an item, the most exact one first."""
_ENCODINGS: Final[Mapping[str, Encoding]] = {
    "application/merge-patch+json": Encoding.MERGE_PATCH,
    "application/json": Encoding.JSON,
    "application/json-patch+json": Encoding.JSON_PATCH,
    "application/x-www-form-urlencoded": Encoding.FORM,
}
_ACCEPTED: Final = "202"
_LAST: Final = re.compile(r"(?P<list>.*)/\{(?P<name>[^{}/]+)\}/?")
_VERSION: Final = re.compile(r"/v\d+(?:beta|alpha)?\d*(?=/)")
_A_PATH: Final = re.compile(r"/[\w{}<>`/.-]+")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: where it goes (``query``, ``header``, ``path``), and its schema."""

    name: str
    place: str
    is_required: bool
    schema: Schema
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; ``headers`` are those of its response, ``is_accepted`` where it may be 202."""

    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body: Schema
    has_body: bool
    encoding: Encoding
    response: Schema
    headers: frozenset[str]
    is_accepted: bool
    is_deprecated: bool
    text: str

    def __str__(self) -> str:
        """Return the method and the path."""
        return f"{self.method} {self.path}"

    def parameters_in(self, place: str) -> list[Parameter]:
        """Return the parameters that go there."""
        return [parameter for parameter in self.parameters if parameter.place == place]


@dataclass(frozen=True, slots=True)
class Operations:
    """What is said of a collection: ``last`` is the parameter of the path of one item that is its own."""

    listing: Operation
    item: Operation | None
    update: Operation
    create: Operation | None
    successor: str | None
    last: str

    @property
    def named(self) -> Parameter | None:
        """Return the description of the last parameter of an item's path."""
        known = self.update.parameters_in("path")
        return next((parameter for parameter in known if parameter.name == self.last), None)

    @property
    def every(self) -> list[Operation]:
        """Return the operations that requests are made of."""
        return [one for one in (self.listing, self.item, self.update, self.create) if one is not None]


def paths_of(content: Any) -> dict[str, Any]:
    """Return the paths of a description. Raises DescriptionError for another version of OpenAPI."""
    version = content.get("openapi") if isinstance(content, dict) else None
    if not isinstance(version, str) or not version.startswith(("3.0", "3.1")):
        old = isinstance(content, dict) and "swagger" in content
        advice = "convert it with a converter of Swagger 2.0" if old else "`openapi: 3.1.0` is missing"
        raise DescriptionError(f"it is not an OpenAPI 3.0 or 3.1 description: {advice}")
    return mapping(content.get("paths"))


def collections_of(content: Any) -> Iterator[tuple[str, str]]:
    """Yield the path of each collection that is listed by GET, and that of its items, which can be changed.

    Raises DescriptionError for another version of OpenAPI.
    """
    paths = paths_of(content)
    for collection, operations in paths.items():
        above = _parent(collection)
        is_item = "get" in mapping(paths.get(above) or paths.get(f"{above}/")) if above else False
        if is_item or "get" not in mapping(operations):
            continue
        found = item_paths(paths, collection)
        if found:
            yield collection, found[0]


def item_paths(paths: Mapping[str, Any], collection: str) -> list[str]:
    """Return the paths of items that may be those of a collection and can be changed, the likeliest first.

    They are below the collection. Else, where nothing is, PATCH or PUT changes them, they end in the same
    word, have no other word or parameter than the collection but the last, and are not below another list.
    """
    whole = collection.rstrip("/")
    candidates = [path for path in paths if _LAST.fullmatch(path) and _methods(paths[path])]
    below = [path for path in candidates if _parent(path) == whole]
    if below or _LAST.fullmatch(collection):
        return sorted(below, key=lambda path: UPDATES.index(_methods(paths[path])[0]))
    word, known = whole.rpartition("/")[2], set(whole.split("/"))
    return [
        path
        for path in candidates
        if _parent(path).rpartition("/")[2] == word
        and known.issuperset(_parent(path).split("/"))
        and _methods(paths[path])[0] != "post"
        and "get" not in mapping(paths.get(_parent(path)) or paths.get(f"{_parent(path)}/"))
    ]


def operations_of(content: Any, collection: str, item_path: str | None = None) -> Operations:
    """Find what a kind needs. Raises DescriptionError where there is none of it."""
    paths = paths_of(content)
    description = Description(content)
    collection = _known(paths, collection)
    if "get" not in description.target(paths[collection]):
        raise DescriptionError(f"{collection} has no GET; a kind is listed by GET")
    path = item_path or _item_path(paths, collection)
    if path not in paths:
        raise DescriptionError(f"there is no path {path} in it; --item names that of one item")
    at_collection = _operations(description, collection, paths[collection])
    at_item = _operations(description, path, paths[path])
    methods = [method for method in UPDATES if method in at_item]
    if not methods:
        raise DescriptionError(f"{path} has no PATCH, PUT or POST; a kind is changed by one of them")
    methods = [method for method in methods if at_item[method].has_body] or methods
    update = next((at_item[one] for one in methods if not at_item[one].is_deprecated), at_item[methods[0]])
    return Operations(
        listing=at_collection["get"],
        item=at_item.get("get"),
        update=update,
        create=at_collection.get("post"),
        successor=_successor(paths, update),
        last=_last(path, collection),
    )


def placeholders_of(path: str) -> list[str]:
    """Return the parameters of a path as a description names them, which may have hyphens and dots."""
    return re.findall(r"\{([^{}/]+)\}", path)


def _last(path: str, collection: str) -> str:
    names, known = placeholders_of(path), placeholders_of(collection)
    return next((name for name in reversed(names) if name not in known), names[-1])


def _operations(description: Description, path: str, raw: Any) -> dict[str, Operation]:
    found = description.target(raw)
    shared = found.get("parameters") or []
    return {
        method: _operation(description, f"{method.upper()} {path}", description.target(found[method]), shared)
        for method in ("get", *UPDATES)
        if method in found
    }


def _operation(
    description: Description, name: str, raw: Mapping[str, Any], shared: Iterable[Any]
) -> Operation:
    method, _, path = name.partition(" ")
    by_name: dict[tuple[str, str], Parameter] = {}
    for written in (*shared, *(raw.get("parameters") or ())):
        parameter = _parameter(description, written)
        by_name[parameter.name, parameter.place] = parameter
    kind, body = _content(description, description.target(raw.get("requestBody")))
    responses = {
        str(status): description.target(response)
        for status, response in mapping(raw.get("responses")).items()
        if str(status).startswith("2")
    }
    shown = [_content(description, responses[status])[1] for status in sorted(responses)]
    return Operation(
        method=method,
        path=path,
        parameters=tuple(by_name.values()),
        body=body or Schema(description),
        has_body="requestBody" in raw,
        encoding=_ENCODINGS.get(kind, Encoding.JSON),
        response=next((schema for schema in shown if schema is not None), Schema(description)),
        headers=frozenset(
            header.lower() for response in responses.values() for header in mapping(response.get("headers"))
        ),
        is_accepted=_ACCEPTED in responses,
        is_deprecated=bool(raw.get("deprecated")),
        text=f"{raw.get('summary') or ''} {raw.get('description') or ''}",
    )


def _parameter(description: Description, written: Any) -> Parameter:
    raw = description.target(written)
    schema = raw.get("schema")
    if schema is None:
        schema = next((one.get("schema") for one in mapping(raw.get("content")).values()), {})
    opened = description.opened(Closed(schema))
    return Parameter(
        name=raw["name"],
        place=raw.get("in", "query"),
        is_required=bool(raw.get("required")),
        schema=opened,
        text=f"{raw.get('description') or ''} {opened.text}",
    )


def _content(description: Description, holder: Mapping[str, Any]) -> tuple[str, Schema | None]:
    """Return the content type that is best to speak, and its schema if it has one."""
    types = {
        str(name).partition(";")[0].strip().lower(): one
        for name, one in mapping(holder.get("content")).items()
    }
    others = [name for name in types if "json" in name or name == "*/*"]
    for name in (*_ENCODINGS, *others):
        if name in types:
            schema = mapping(types[name]).get("schema")
            return name, None if schema is None else description.opened(Closed(schema))
    return "", None


def _known(paths: Iterable[str], collection: str) -> str:
    paths = list(paths)
    plain = collection.rstrip("/")
    for path in (collection, plain, f"{plain}/"):
        if path in paths:
            return path
    close = meant(collection, paths) or "".join(difflib.get_close_matches(collection, paths, n=1))
    advice = f"did you mean {close}?" if close else f"it has {listed(paths, 20)}"
    raise DescriptionError(f"there is no path {collection} in it; {advice}")


def _item_path(paths: Mapping[str, Any], collection: str) -> str:
    found = item_paths(paths, collection)
    is_below = bool(found) and _parent(found[0]) == collection.rstrip("/")
    if is_below or len(found) == 1:
        return found[0]
    whole = collection.rstrip("/")
    if found:
        raise DescriptionError(f"one item may be {' or '.join(found)}; say which by --item")
    below = next((path for path in paths if _LAST.fullmatch(path) and _parent(path) == whole), None)
    if below is not None:
        raise DescriptionError(
            f"{below} has no PATCH, PUT or POST with a body; a kind is changed by one of them"
        )
    raise DescriptionError(f"there is no path {whole}/{{name}} in it, so its items have no address")


def _parent(path: str) -> str:
    found = _LAST.fullmatch(path)
    return found["list"] if found else ""


def _methods(operations: Any) -> list[str]:
    """Return the methods that change an item: those with a body, which others have no fields to set in."""
    found = mapping(operations)
    return [method for method in UPDATES if "requestBody" in mapping(found.get(method)) or "$ref" in found]


def _successor(paths: Iterable[str], update: Operation) -> str | None:
    """Return the path that an update which is deprecated names, or that differs by its version alone."""
    if not update.is_deprecated:
        return None
    plain = _unversioned(update.path)
    known = {_unversioned(path): path for path in paths if path != update.path}
    named = [_unversioned(text) for text in _A_PATH.findall(update.text)]
    return next((known[text] for text in (*named, plain) if text in known and text != ""), None)


def _unversioned(path: str) -> str:
    """Return a path without its version, and with parameters as braces alone."""
    plain = re.sub(r"\{[^{}]*\}|<[^<>]*>", "{}", path.replace("`", "").rstrip("/."))
    return _VERSION.sub("/v", plain)
