"""How the API of a kind is spoken: its listing, its updates, its envelopes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.request import Encoding

if TYPE_CHECKING:
    from collections.abc import Mapping

    Described = Mapping[str, Any]

UNPAGED: Final = 100_000
"""Objects that one response may hold where a listing has no pages."""


class ListStyle(StrEnum):
    """How the pages of a collection are asked for."""

    OFFSET = "offset"
    PAGE = "page"
    CURSOR = "cursor"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a response says how its next page is asked for.

    ``next`` is the dotted member that holds the cursor, or a link with it; where ``is_linked`` it is in the
    link ``next`` of the header Link (RFC 8288). ``last`` is the member of the last row that is the cursor;
    then ``more`` says whether there is a next page.
    """

    next: str | None = None
    is_linked: bool = False
    last: str | None = None
    more: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """How a collection is listed.

    ``limit`` and ``position`` name the query parameters of the size of a page and of where it begins: how
    many keys come before it, the number of the page, or a cursor; None where there is none. ``results`` and
    ``count`` are dotted members of a response: where ``results`` is None the response itself is the list,
    where ``count`` is None nothing is counted. Pages are numbered from ``first``.
    """

    style: ListStyle
    limit: str | None
    position: str | None
    results: str | None
    count: str | None
    first: int = 1
    cursor: Cursor = Cursor()


class BodyRule(StrEnum):
    """What an update carries: the fields that differ, or the whole object."""

    CHANGED = "changed"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Update:
    """How an object is changed; ``path`` is what takes the update, None where that is the object's own."""

    method: str = "PATCH"
    body: BodyRule = BodyRule.CHANGED
    encoding: Encoding = Encoding.JSON
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is around an object: dotted members of responses about one object, and of bodies.

    ``api_type`` is the type of its resource where the API follows JSON:API, None elsewhere.
    """

    item: str | None = None
    body: str | None = None
    api_type: str | None = None


def listing_of(described: Described, style: str | None) -> Listing:
    """Return how a collection is listed; ``style`` is that of the API, such as ``json-api``."""
    kind = ListStyle(described.get("style", "offset"))
    is_plain = kind is ListStyle.OFFSET
    has_pages = kind is not ListStyle.WHOLE
    results = "data" if style else "results" if is_plain else None
    return Listing(
        style=kind,
        limit=described.get("limit", None if kind is ListStyle.CURSOR else "limit") if has_pages else None,
        position=described.get(kind.value, kind.value) if has_pages else None,
        results=described.get("results", results),
        count=described.get("count", "count" if is_plain and not style else None),
        first=described.get("first", 1),
        cursor=Cursor(
            described.get("next"), described.get("link", False), described.get("last"), described.get("more")
        ),
    )


def update_of(described: Described) -> Update:
    """Return how objects are changed: a PUT carries the whole object, unless it says otherwise."""
    method = described.get("method", "PATCH")
    body = described.get("body", "whole" if method == "PUT" else "changed")
    encoding = Encoding(described.get("encoding", "json"))
    return Update(method, BodyRule(body), encoding, described.get("path"))


def envelope_of(extension: Described) -> Envelope:
    """Return what is around an object; in JSON:API both are below ``data``."""
    described = extension.get("envelope", {})
    if extension.get("style"):
        return Envelope("data", "data", extension.get("type"))
    return Envelope(described.get("item"), described.get("body"))
