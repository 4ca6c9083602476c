"""The protocol of the API of a kind: listings, updates, and the envelopes of objects."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.frozen import dataclass
from reconciler.model.request import Encoding

if TYPE_CHECKING:
    from collections.abc import Mapping

    Described = Mapping[str, Any]

UNPAGED: Final = 100_000
"""The largest number of objects in a response without pages."""


class ListStyle(StrEnum):
    """How a request selects a page of a collection."""

    OFFSET = "offset"
    PAGE = "page"
    CURSOR = "cursor"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a response has the cursor of the next page.

    ``next`` is the dotted member with the cursor, or with a link that contains it; if ``is_linked``, the
    cursor is in the link ``next`` of the header Link (RFC 8288). ``last`` is the member of the last row that
    serves as cursor; then the member ``more`` is true if there is a next page.
    """

    next: str | None = None
    is_linked: bool = False
    last: str | None = None
    more: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """How a collection is listed.

    ``limit`` and ``position`` are the query parameters for the size of a page and for its position: an
    offset, a page number or a cursor; None if there is no such parameter. ``results`` and ``count`` are
    dotted members of a response: if ``results`` is None the response itself is the list, if ``count`` is None
    the response has no count. ``first`` is the number of the first page, or the offset of the first object.
    Rows show a part of an object if the list ``is_partial``, and only an id if it ``has_ids``: the complete
    object is at its own path.
    """

    style: ListStyle
    limit: str | None
    position: str | None
    results: str | None
    count: str | None
    first: int = 0
    cursor: Cursor = Cursor()
    is_partial: bool = False
    has_ids: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """The shape in which responses show a field.

    Pairs whose member ``unless`` is true belong to the service: they cannot be set. ``read_only`` are members
    of a pair that the service sets.
    """

    shape: str
    unless: str | None = None
    read_only: tuple[str, ...] = ()


class BodyRule(StrEnum):
    """The content of the body of an update: the fields that differ, or the complete object."""

    CHANGED = "changed"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Update:
    """How an object is updated; ``path`` is the path for that, None for the path of the object.

    ``has_id`` is true if a body carries the id, ``creation`` is the encoding of the body of a creation.
    Without a ``method`` there are no updates: fields are set at creation only.
    """

    method: str | None = "PATCH"
    body: BodyRule = BodyRule.CHANGED
    encoding: Encoding = Encoding.JSON
    path: str | None = None
    has_id: bool = False
    creation: Encoding = Encoding.JSON


@dataclass(frozen=True, slots=True)
class Envelope:
    """The dotted members that hold an object: ``item`` in responses about one object, ``body`` in requests.

    A trailing ``[]`` is a list of one. ``api_type`` is the type of the resource for an API that follows
    JSON:API, else None; ``relationships`` are members that it has beside its attributes, by their names in
    the API.
    """

    item: str | None = None
    body: str | None = None
    api_type: str | None = None
    relationships: frozenset[str] = frozenset()


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
        first=described.get("first", 1 if kind is ListStyle.PAGE else 0),
        cursor=Cursor(
            described.get("next"), described.get("link", False), described.get("last"), described.get("more")
        ),
        is_partial=described.get("partial", False),
        has_ids=described.get("ids", False),
    )


def shown_of(described: Mapping[str, Any]) -> Mapping[str, Shown]:
    """Return the shapes in which fields are shown; a string is a shape without exceptions."""
    return {
        name: Shown(shape)
        if isinstance(shape, str)
        else Shown(shape["shape"], shape.get("unless"), tuple(shape.get("read_only", ())))
        for name, shape in described.items()
    }


def update_of(extension: Described) -> Update:
    """Return how objects are updated: by default, a PUT carries the complete object, and JSON:API the id."""
    described, create = extension.get("update", {}), extension.get("create", {})
    if described is None:
        return Update(method=None, creation=Encoding(create.get("encoding", "json")))
    method = described.get("method", "PATCH")
    body = described.get("body", "whole" if method == "PUT" else "changed")
    encoding = Encoding(described.get("encoding", "json"))
    return Update(
        method,
        BodyRule(body),
        encoding,
        described.get("path"),
        described.get("id", "style" in extension),
        Encoding(create.get("encoding", "json" if encoding.is_patch else encoding)),
    )


def envelope_of(extension: Described) -> Envelope:
    """Return the envelope of an object; in JSON:API both members are ``data``."""
    described = extension.get("envelope", {})
    if extension.get("style"):
        renamed = extension.get("as", {})
        related = frozenset(renamed.get(name, name) for name in extension.get("relationships", ()))
        return Envelope("data", "data", extension.get("type"), related)
    return Envelope(described.get("item"), described.get("body"))
