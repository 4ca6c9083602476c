"""A small description of our own, of pets in a shop, and changes of it: one for each feature of an API."""

from __future__ import annotations

from typing import Any

PETS = "/shops/{shop}/pets"
PET = f"{PETS}/{{petId}}"
TEXT = {"type": "string"}
ROW: dict[str, Any] = {
    "id": {"type": "string", "format": "uuid"},
    "name": TEXT,
    "size": {"type": "integer"},
    "made_at": {"type": "string", "format": "date-time"},
}
BODY: dict[str, Any] = {"name": TEXT, "size": {"type": "integer"}}


def content(schema: Any, kind: str = "application/json") -> dict[str, Any]:
    """Describe a body or response in one content type."""
    return {"content": {kind: {"schema": schema}}}


def an_object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    """Describe an object."""
    return {"type": "object", "properties": properties, "required": list(required)}


def query(name: str, **schema: Any) -> dict[str, Any]:
    """Describe a query parameter, of a whole number unless it is said otherwise."""
    return {"name": name, "in": "query", "schema": {"type": "integer", **schema}}


def in_path(name: str, description: str = "", **schema: Any) -> dict[str, Any]:
    """Describe a path parameter, a text unless it is said otherwise."""
    return {"name": name, "in": "path", "description": description, "schema": {"type": "string", **schema}}


def pets(  # noqa: PLR0913 - each is one thing that descriptions differ in
    *,
    row: Any = None,
    body: Any = None,
    created: Any = None,
    create: Any = None,
    listed: Any = None,
    one: Any = None,
    parameters: Any = (),
    item: str = PET,
    collection: str = PETS,
    method: str = "patch",
    kind: str = "application/json",
    last: Any = None,
    **more: Any,
) -> dict[str, Any]:
    """Describe pets that are listed as a bare list, by one page, and changed by PATCH.

    ``row`` and ``body`` are the properties of a row and of an update, ``create`` and ``created`` the body and
    response of a creation, ``listed`` and ``one`` the responses; ``more`` is added to the update.
    """
    schema = an_object(ROW if row is None else row, *(ROW if row is None else row))
    update = an_object(BODY if body is None else body) if body is None or "type" not in body else body
    name = item.rstrip("/").rpartition("{")[2].rstrip("}")
    shop = in_path("shop")
    response = content(schema if one is None else one)
    list_response = content({"type": "array", "items": schema} if listed is None else listed)
    paths: dict[str, Any] = {
        collection: {
            "parameters": [shop],
            "get": {"parameters": list(parameters), "responses": {"200": list_response}},
        },
        item: {
            "parameters": [shop, in_path(name) if last is None else last],
            "get": {"responses": {"200": response}},
            method: {"requestBody": content(update, kind), "responses": {"200": response}} | more,
        },
    }
    if create is not None:
        paths[collection]["post"] = {
            "requestBody": content(create),
            "responses": {"201": content(schema if created is None else created)},
        }
    return {"openapi": "3.1.0", "paths": paths}
