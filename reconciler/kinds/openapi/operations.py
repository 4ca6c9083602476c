"""The operations of one collection in an OpenAPI description: how it is listed, and how its items change."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import DescriptionError
from reconciler.kinds.openapi.addresses import (
    NOT_CHANGED,
    UPDATES,
    found_item_path,
    known_path,
    paths_of,
    placeholders_of,
)
from reconciler.kinds.openapi.schemas import Closed, Description, Schema, mapping
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.request import Encoding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ENCODINGS: Final[Mapping[str, Encoding]] = {
    encoding.media_type: encoding for encoding in (Encoding.MERGE_PATCH, *Encoding)
}
"""The encoding of each media type; of several that an operation takes, the first is used."""
_ACCEPTED: Final = "202"
_VERSION: Final = expression(r"/v\d+(?:beta|alpha)?\d*(?=/)")
_A_PATH: Final = expression(r"/[\w{}<>`/.-]+")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its location (``query``, ``header``, ``path``), and its schema."""

    name: str
    place: str
    is_required: bool
    schema: Schema
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    ``has_media`` is true if its body is JSON or a form. ``headers`` are those of its response;
    ``is_accepted`` is true if that may be a 202.
    """

    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body: Schema
    has_body: bool
    has_media: bool
    encoding: Encoding
    response: Schema
    headers: frozenset[str]
    is_accepted: bool
    is_deprecated: bool
    text: str

    def __str__(self) -> str:
        """Return the method and the path."""
        return f"{self.method} {self.path}"

    @property
    def is_open(self) -> bool:
        """Return whether it has a body without a schema that is JSON or a form."""
        return self.has_media and self.body.says_nothing

    def parameters_in(self, place: str) -> list[Parameter]:
        """Return the parameters of this location."""
        return [parameter for parameter in self.parameters if parameter.place == place]


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations of a collection; ``last`` is the parameter that only the path of one item has.

    ``outdated`` is a deprecated update: one that ``update`` replaces, or ``update`` itself if nothing
    replaces it. ``others`` are alternatives to it. If nothing ``is_updated``, ``update`` is the creation: its
    body has the fields that can be set.
    """

    listing: Operation
    item_path: str
    item: Operation | None
    update: Operation
    create: Operation | None
    deletion: Operation | None
    outdated: Operation | None
    last: str
    others: tuple[Operation, ...] = ()
    is_updated: bool = True

    @property
    def named(self) -> Parameter | None:
        """Return the description of the last parameter of an item's path."""
        of_item = (self.update, self.item, self.deletion)
        known = (parameter for one in of_item if one is not None for parameter in one.parameters_in("path"))
        return next((parameter for parameter in known if parameter.name == self.last), None)

    @property
    def lacking(self) -> list[str]:
        """Return the parameters of the collection that the path of one item lacks."""
        paths = [placeholders_of(self.item_path)]
        paths += [placeholders_of(self.update.path)] if self.is_updated else []
        return [
            name for name in placeholders_of(self.listing.path) if any(name not in path for path in paths)
        ]

    @property
    def every(self) -> list[Operation]:
        """Return the operations that the reconciler calls."""
        update = self.update if self.is_updated else None
        return [one for one in (self.listing, self.item, update, self.create) if one is not None]

    @property
    def without_update(self) -> Operations | None:
        """Return the operations of a kind whose items are only created and deleted, None if not possible."""
        if self.create is None or not self.create.has_body or self.deletion is None:
            return None
        return replace(self, update=self.create, outdated=None, others=(), is_updated=False)


def operations_of(content: Any, collection: str, item_path: str | None = None) -> Operations:
    """Find the operations that a kind needs. Raises DescriptionError where one is missing."""
    paths = paths_of(content)
    description = Description(content)
    collection = known_path(paths, collection)
    if "get" not in description.target(paths[collection]):
        raise DescriptionError(f"{collection} has no GET, by which keys are listed; choose another path")
    path = item_path or found_item_path(paths, collection)
    if path not in paths:
        raise DescriptionError(f"the description has no path {path}; set the path of one item with --item")
    at_collection = _operations(description, collection, paths[collection])
    at_item = _operations(description, path, paths[path])
    methods = [method for method in UPDATES if method in at_item]
    methods = [method for method in methods if at_item[method].has_body] or methods
    found = [at_item[method] for method in methods]
    update = next((one for one in found if not one.is_deprecated), found[0] if found else None)
    outdated = update if update is not None and update.is_deprecated else None
    if outdated is not None:
        update = _successor(description, paths, outdated, collection) or outdated
    create, deletion = at_collection.get("post"), at_item.get("delete")
    written = update or (create if create is not None and create.has_body and deletion is not None else None)
    if written is None:
        raise DescriptionError(f"{path} has {NOT_CHANGED}")
    return Operations(
        listing=at_collection["get"],
        item_path=path,
        item=at_item.get("get"),
        update=written,
        create=create,
        deletion=deletion,
        outdated=outdated,
        last=_last(path, collection),
        others=tuple(
            other
            for other in found
            if other is not update and (update is None or update.is_deprecated or not other.is_deprecated)
        ),
        is_updated=update is not None,
    )


def _last(path: str, collection: str) -> str:
    names, known = placeholders_of(path), placeholders_of(collection)
    return next((name for name in reversed(names) if name not in known), names[-1])


def _operations(description: Description, path: str, raw: Any) -> dict[str, Operation]:
    found = description.target(raw)
    shared = found.get("parameters") or []
    return {
        method: _operation(description, f"{method.upper()} {path}", description.target(found[method]), shared)
        for method in ("get", *UPDATES, "delete")
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
        has_media=bool(kind),
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
    """Return the preferred content type, and its schema if it has one."""
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


def _successor(
    description: Description, paths: Mapping[str, Any], outdated: Operation, collection: str
) -> Operation | None:
    """Return the update that a deprecated one names, or that differs from it by its version only."""
    plain = _unversioned(outdated.path)
    known = {_unversioned(path): path for path in paths if path != outdated.path}
    named = [_unversioned(text) for text in _A_PATH.findall(outdated.text)]
    ends = [
        path for text in named for other, path in known.items() if text.strip("/") and other.endswith(text)
    ]
    path = next(iter(ends), known.get(plain))
    if path is None or len({*placeholders_of(path)} - {*placeholders_of(collection)}) != 1:
        return None
    there = _operations(description, path, paths[path])
    usable = [there[method] for method in UPDATES if method in there and there[method].has_body]
    return next((one for one in usable if not one.is_deprecated), None)


def _unversioned(path: str) -> str:
    """Return a path without its version, and with empty braces for parameters."""
    plain = re.sub(r"\{[^{}]*\}|<[^<>]*>", "{}", path.replace("`", "").rstrip("/."))
    return _VERSION.sub("/v", plain)
