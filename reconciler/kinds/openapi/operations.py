"""What an OpenAPI description says of one collection: its listing, and the items in it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.errors import DescriptionError
from reconciler.kinds.openapi.references import Resolver
from reconciler.kinds.paths import placeholders
from reconciler.model.lookalikes import meant
from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operations:
    """What is said of a collection: each schema without references.

    ``listed``, ``item`` and ``created`` are responses, ``update`` and ``create`` bodies. ``parameters`` are
    those of the path, ``last`` names an item.
    """

    listed: Schema
    query: tuple[Schema, ...]
    item: Schema
    update: Schema
    create: Schema
    created: Schema
    parameters: Mapping[str, Schema]
    last: str

    @property
    def settable(self) -> Mapping[str, Schema]:
        """Return the properties that a PATCH takes."""
        properties = self.update["properties"].items()
        return {name: keywords for name, keywords in properties if not keywords.get("readOnly")}


def operations_of(description: Any, collection: str) -> Operations:
    """Find what a kind needs. Raises DescriptionError where there is none of it."""
    version = description.get("openapi") if isinstance(description, dict) else None
    if not isinstance(version, str) or not version.startswith(("3.0", "3.1")):
        raise DescriptionError("it is not an OpenAPI 3.0 or 3.1 description: `openapi: 3.1.0` is missing")
    resolver = Resolver(description)
    paths = mapping(description.get("paths"))
    at_collection = _resolved(resolver, paths[_known(paths, collection)])
    item_path = _item_path(paths, collection)
    at_item = _resolved(resolver, paths[item_path])
    for method, place, path in (("get", at_collection, collection), ("patch", at_item, item_path)):
        if method not in place:
            only = " (PUT sends whole items, which is out of scope)" if "put" in place else ""
            raise DescriptionError(
                f"{path} has no {method.upper()}{only}; a kind is listed by GET and changed by PATCH"
            )
    get, patch, post = at_collection["get"], at_item["patch"], mapping(at_collection.get("post"))
    item, update = _response(mapping(at_item.get("get"))) or _response(patch), _body(patch)
    if not mapping(update.get("properties")) or not mapping(item.get("properties")):
        raise DescriptionError(
            f"the body or the response of PATCH {item_path} is not an object with properties"
        )
    in_query = [*at_collection.get("parameters", []), *get.get("parameters", [])]
    in_path = [*at_item.get("parameters", []), *patch.get("parameters", [])]
    return Operations(
        listed=_response(get),
        query=tuple(one for one in in_query if one.get("in") == "query"),
        item=item,
        update=update,
        create=_body(post),
        created=_response(post),
        parameters={one["name"]: mapping(one.get("schema")) for one in in_path if one.get("in") == "path"},
        last=placeholders(item_path)[-1],
    )


def mapping(value: Any) -> dict[str, Any]:
    """Return a mapping as it is, and an empty one for everything else."""
    return value if isinstance(value, dict) else {}


def _resolved(resolver: Resolver, path: Any) -> dict[str, Any]:
    """Return what is said of a path and can matter; what is not looked at may refer to itself."""
    found = {**mapping(path), **resolver.target(path)}
    resolved: dict[str, Any] = {"put": {}} if "put" in found else {}
    resolved["parameters"] = resolver.expanded(found.get("parameters", []))
    for method in ("get", "patch", "post"):
        if method not in found:
            continue
        operation = mapping(found[method])
        responses = mapping(operation.get("responses")).items()
        good = {status: response for status, response in responses if str(status).startswith("2")}
        resolved[method] = resolver.expanded({**operation, "responses": good})
    return resolved


def _known(paths: Iterable[str], collection: str) -> str:
    paths = list(paths)
    for path in (collection, f"{collection}/"):
        if path in paths:
            return path
    close = meant(collection, paths) or "".join(difflib.get_close_matches(collection, paths, n=1))
    advice = f"did you mean {close}?" if close else f"it has {listed(paths, 20)}"
    raise DescriptionError(f"there is no path {collection} in it; {advice}")


def _item_path(paths: Iterable[str], collection: str) -> str:
    for path in paths:
        head, _, last = path.rstrip("/").rpartition("/")
        if head == collection and [last] == [f"{{{name}}}" for name in placeholders(last)]:
            return path
    raise DescriptionError(f"there is no path {collection}/{{name}} in it, so its items have no address")


def _json(content: Any) -> dict[str, Any]:
    types = mapping(content)
    names = ["application/json", *(name for name in types if "json" in name)]
    return mapping(next((mapping(types[name]).get("schema") for name in names if name in types), None))


def _body(operation: Schema) -> dict[str, Any]:
    return _json(mapping(operation.get("requestBody")).get("content"))


def _response(operation: Schema) -> dict[str, Any]:
    """Return the schema of the first response that says success and has one."""
    responses = mapping(operation.get("responses"))
    found = (_json(mapping(responses[status]).get("content")) for status in sorted(responses))
    return next((schema for schema in found if schema), {})
