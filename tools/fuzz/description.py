"""The API of container keys, written down by hand: what may be sent, and what may come back."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Shape = Callable[[Any], str]

COLLECTION: Final = "/cloud/v1/caas/keys/{project_id}/{region_id}"
ITEM: Final = COLLECTION + "/{key_name}"
BODY_NAME: Final = re.compile(r"[a-z][-a-z0-9]{0,62}[a-z0-9]")
_INTEGER: Final = re.compile(r"-?\d+", re.ASCII)
_REQUEST_ID: Final = re.compile(r"[0-9a-f]{32}")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:?00)?", re.ASCII)
_FIELDS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "name": str,
    "description": str,
    "created_at": str,
    "status": str,
    "source": str,
    "expire": (str, type(None)),
    "is_disabled": bool,
    "containers": list,
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its method and path, the shape of its success, and the refusals it may give."""

    name: str
    method: str
    path: str
    success: int
    shape: Shape
    refusals: frozenset[int]


def key_shape(document: Any) -> str:
    """Say what is wrong with a key, or nothing."""
    if not isinstance(document, dict) or document.keys() != _FIELDS.keys():
        return f"not the members of a key: {document!r:.200}"
    for name, types in _FIELDS.items():
        if not isinstance(document[name], types):
            return f"{name} is {document[name]!r:.80}"
    for name in ("created_at", "expire"):
        if document[name] is not None and not _is_moment(document[name]):
            return f"{name} is {document[name]!r:.80}"
    for box in document["containers"]:
        if not isinstance(box, dict) or box.keys() != {"name", "namespace"}:
            return f"a container is {box!r:.80}"
        if not all(isinstance(value, str) for value in box.values()) or not BODY_NAME.fullmatch(box["name"]):
            return f"a container is {box!r:.80}"
    return ""


def created_shape(document: Any) -> str:
    """Say what is wrong with a new key and its secret, or nothing."""
    if (
        not isinstance(document, dict)
        or not isinstance(document.get("secret"), str)
        or not document["secret"]
    ):
        return "a new key without a secret"
    return key_shape({name: value for name, value in document.items() if name != "secret"})


def page_shape(document: Any) -> str:
    """Say what is wrong with a page, or nothing."""
    if not isinstance(document, dict) or document.keys() != {"count", "results"}:
        return f"not the members of a page: {document!r:.200}"
    count, results = document["count"], document["results"]
    if type(count) is not int or not isinstance(results, list) or not 0 <= len(results) <= count:
        return f"a page of {count!r:.80}"
    return next(filter(None, map(key_shape, results)), "")


def error_shape(document: Any, *, other_form: bool = False) -> str:
    """Say what is wrong with an error, or nothing; ``other_form`` is that of ``detail`` and ``code``."""
    if not isinstance(document, dict):
        return f"an error is {document!r:.80}"
    if other_form:
        texts = document.keys() == {"detail", "code"} and all(isinstance(v, str) for v in document.values())
        return "" if texts else f"not the members of the other form: {document!r:.200}"
    if document.keys() - {"invalid_fields"} != {"exception_class", "message", "request_id"}:
        return f"not the members of an error: {document!r:.200}"
    if not all(isinstance(document[name], str) for name in ("exception_class", "message")):
        return f"not the texts of an error: {document!r:.200}"
    fields = document.get("invalid_fields", {"": [""]})
    if not isinstance(fields, dict) or not fields or not all(map(_is_complaints, fields.values())):
        return f"invalid_fields is {fields!r:.200}"
    return "" if _REQUEST_ID.fullmatch(document["request_id"]) else "no request id"


def nothing(document: Any) -> str:
    """Say that there is a body where there should be none, or nothing."""
    return "" if document is None else f"a body: {document!r:.80}"


def is_number(text: str) -> bool:
    """Tell whether a text is an integer as paths and queries write it."""
    return _INTEGER.fullmatch(text) is not None


def _is_moment(text: str) -> bool:
    if not _MOMENT.fullmatch(text):
        return False
    dt.datetime.fromisoformat(text)
    return True


def _is_complaints(texts: Any) -> bool:
    return isinstance(texts, list) and bool(texts) and all(isinstance(text, str) for text in texts)


_COMMON: Final = frozenset({400, 401, 404})
OPERATIONS: Final = (
    Operation("list", "GET", COLLECTION, 200, page_shape, _COMMON),
    Operation("create", "POST", COLLECTION, 200, created_shape, _COMMON | {409}),
    Operation("read", "GET", ITEM, 200, key_shape, _COMMON),
    Operation("change", "PATCH", ITEM, 200, key_shape, _COMMON | {409}),
    Operation("delete", "DELETE", ITEM, 204, nothing, _COMMON | {409}),
)
"""403, 429 and 500 may be given by the service, but the emulator gives them only if told to."""
