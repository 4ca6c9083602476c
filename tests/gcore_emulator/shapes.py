"""The published response schemas, written out as checks of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
KEY_MEMBERS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "description": str,
    "created_at": str,
    "status": str,
    "source": str,
    "expire": (str, type(None)),
    "is_disabled": bool,
    "containers": list,
}


def assert_key(document: dict[str, Any]) -> None:
    assert document.keys() == KEY_MEMBERS.keys()
    for member, types in KEY_MEMBERS.items():
        assert isinstance(document[member], types), member
    assert DATE_TIME.fullmatch(document["created_at"])
    assert document["expire"] is None or DATE_TIME.fullmatch(document["expire"])
    assert document["status"] in {"Active", "Expired"}
    assert document["source"] in {"cloud", "iate"}
    for container in document["containers"]:
        assert container.keys() == {"name", "namespace"}
        assert all(isinstance(value, str) for value in container.values())


def assert_created(document: dict[str, Any]) -> None:
    assert isinstance(document["secret"], str)
    assert document["secret"]
    assert_key({member: value for member, value in document.items() if member != "secret"})


def assert_page(document: dict[str, Any]) -> None:
    assert document.keys() == {"count", "results"}
    assert type(document["count"]) is int
    for key in document["results"]:
        assert_key(key)


def assert_error(response: httpx.Response, status: int, exception_class: str) -> dict[str, Any]:
    document: dict[str, Any] = response.json()
    assert (response.status_code, document["exception_class"]) == (status, exception_class)
    assert response.headers["content-type"] == "application/json"
    assert isinstance(document["message"], str)
    assert re.fullmatch("[0-9a-f]{32}", document["request_id"])
    assert document.keys() - {"invalid_fields"} == {"exception_class", "message", "request_id"}
    for complaints in document.get("invalid_fields", {}).values():
        assert complaints
        assert all(isinstance(complaint, str) for complaint in complaints)
    return document


def assert_invalid(response: httpx.Response, *fields: str) -> dict[str, Any]:
    document = assert_error(response, 400, "ValidationError")
    assert set(document.get("invalid_fields", {})) == set(fields)
    return document
