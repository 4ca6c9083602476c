"""One request of a change, as it is shown, approved and sent."""

from __future__ import annotations

import json
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


class Encoding(StrEnum):
    """How the body of a request is written."""

    JSON = "json"
    MERGE_PATCH = "merge-patch"
    JSON_PATCH = "json-patch"
    FORM = "form"

    @property
    def media_type(self) -> str:
        """Return the value of Content-Type."""
        return _MEDIA_TYPES[self]

    @property
    def is_patch(self) -> bool:
        """Return whether a body is a list of changes, so that it cannot hold a new object."""
        return self in {Encoding.MERGE_PATCH, Encoding.JSON_PATCH}


_MEDIA_TYPES: Final[Mapping[Encoding, str]] = {
    Encoding.JSON: "application/json",
    Encoding.MERGE_PATCH: "application/merge-patch+json",
    Encoding.JSON_PATCH: "application/json-patch+json",
    Encoding.FORM: "application/x-www-form-urlencoded",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a change: method, path below the base URL, and body; None without a body.

    ``headers`` are constants of its kind. If ``is_whole``, the object is read just before and sent in full:
    ``body`` holds the fields that replace the live ones.
    """

    method: str
    path: str
    body: Any = None
    encoding: Encoding = Encoding.JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    is_whole: bool = False

    def __str__(self) -> str:
        """Return the request on one line, with the exact body."""
        whole = " (with all its other fields)" if self.is_whole else ""
        return f"{self.method} {self.path}" + ("" if self.body is None else f"{whole} {self.text}")

    @property
    def text(self) -> str:
        """Return the body as it is sent."""
        return body_text(self.body, self.encoding)


def body_text(body: Any, encoding: Encoding = Encoding.JSON) -> str:
    """Return the text of a request body."""
    if encoding is Encoding.FORM:
        return urlencode(list(_pairs("", body)))
    return json.dumps(body, separators=(",", ":"))


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    """Return the pairs of a form: names of members in brackets, list items with empty brackets.

    Items that hold others are numbered: the members of two items could otherwise not be told apart.
    """
    match value:
        case dict():
            inner = ((f"{name}[{key}]" if name else str(key), item) for key, item in value.items())
        case list():
            is_plain = not any(isinstance(item, dict | list) for item in value)
            inner = ((f"{name}[{'' if is_plain else index}]", item) for index, item in enumerate(value))
        case _:
            text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
            return [(name, text)]
    pairs = [pair for below, item in inner for pair in _pairs(below, item)]
    return pairs or ([(name, "")] if name else [])
