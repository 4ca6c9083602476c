"""The query parameters of each page of a listing, by its style, and the end of the listing. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import parse_qs, urlsplit

from reconciler.kinds.rest import UNPAGED, ListStyle
from reconciler.kinds.wire import member
from reconciler.model.canonical import json_text
from reconciler.model.phrases import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.api.reader import Page
    from reconciler.errors import InvalidResponseError
    from reconciler.kinds.rest import Listing

    Parameters = Mapping[str, int | str]

_FURTHER: Final = frozenset(
    {"next", "next_page", "nextpage", "next_url", "nexturl", "next_link", "nextlink", "next_cursor"}
    | {"nextcursor", "next_token", "nexttoken", "next_page_token", "nextpagetoken", "has_more", "hasmore"}
    | {"has_next", "hasnext", "has_next_page", "hasnextpage", "is_truncated", "istruncated", "truncated"}
)
"""Members, in lower case, by which a response announces further pages."""
_TOTALS: Final = frozenset(
    {"total", "total_count", "totalcount", "total_results", "totalresults", "count", "total_items"}
    | {"totalitems", "total_elements", "totalelements"}
)
_SIZES: Final = frozenset(
    {"per_page", "perpage", "page_size", "pagesize", "limit", "page_limit", "max_results"}
)
"""Members that say how many objects a page has at most."""
_DEEPEST: Final = 3
_LONGEST: Final = 80


class Collection(Protocol):
    """The properties of a collection that its pages depend on."""

    @property
    def listing(self) -> Listing:
        """Return how it is listed."""
        ...

    @property
    def page_limit(self) -> int:
        """Return the maximum number of objects in a page."""
        ...

    def mismatch(self, detail: str) -> InvalidResponseError:
        """Return the error for a response that does not match the listing's schema."""
        ...


class Pages(Protocol):
    """The state of a listing; ``parameters`` are the query parameters of the next page."""

    parameters: Parameters

    def advance(self, page: Page, results: list[Any], listed: int, count: int | None) -> bool:
        """Return whether another page follows ``page``; ``listed`` objects were read up to its end.

        ``count`` is the total in the response, None if there is none. Raises InvalidResponseError.
        """
        ...


def pages_of(collection: Collection) -> Pages:
    """Return the state before the first page of a collection."""
    return _STYLES[collection.listing.style](collection)


class _Offsets:
    """Pages by offset; without a count, a page that is not full is the last."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._size = _size(collection)
        self.parameters = self._at(0)

    def _at(self, offset: int) -> Parameters:
        listing = self._collection.listing
        return {**self._size, **_named(listing.position, listing.first + offset)}

    def advance(self, page: Page, results: list[Any], listed: int, count: int | None) -> bool:
        self.parameters = self._at(listed)
        if count is None:
            return _is_full(self._collection, page, results, listed)
        return bool(results) and listed < count


class _Numbers:
    """Pages by number; the last one is not full, or completes the counted total."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._size = _size(collection)
        self._number = collection.listing.first
        self.parameters = self._at(self._number)

    def _at(self, number: int) -> Parameters:
        return {**self._size, **_named(self._collection.listing.position, number)}

    def advance(self, page: Page, results: list[Any], listed: int, count: int | None) -> bool:
        self._number += 1
        self.parameters = self._at(self._number)
        is_full = _is_full(self._collection, page, results, listed if count is None else None)
        # Behind their last page many services answer 404.
        return is_full and (count is None or listed < count)


class _Cursors:
    """Pages by cursor; a repeated cursor is an error, because the listing would never end."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self.parameters: Parameters = _size(collection)
        self._seen: set[str] = set()

    def advance(self, page: Page, results: list[Any], listed: int, count: int | None) -> bool:
        cursor = self._next(page, results)
        if cursor is None:
            how = self._collection.listing.cursor
            if count is None and (how.more is None or member(page.value, how.more) is None):
                _require_end(self._collection, page, results, listed, "check where the next cursor is")
            return False
        if not _is_unicode(cursor):
            raise self._collection.mismatch(f"the cursor {_short(cursor)} is not valid Unicode")
        if cursor in self._seen:
            raise self._collection.mismatch(
                f"the cursor {_short(cursor)} is repeated, so the listing would never end"
            )
        self._seen.add(cursor)
        self.parameters = {**_size(self._collection), **_named(self._collection.listing.position, cursor)}
        return True

    def _next(self, page: Page, results: list[Any]) -> str | None:
        how = self._collection.listing.cursor
        if how.last is not None:
            return self._after(page, results)
        value = page.next_link if how.is_linked else member(page.value, how.next)
        if value is None or value is False or value == "":
            return None
        if type(value) is int:
            return str(value)
        if not isinstance(value, str):
            where = "the link next" if how.is_linked else str(how.next)
            raise self._collection.mismatch(f"{where} must be a string, not {_short(value)}")
        cursor = self._parameter(value)
        if cursor is None and (how.is_linked or "://" in value):
            name = self._collection.listing.position
            raise self._collection.mismatch(f"the link to the next page {_short(value)} has no {name}")
        return value if cursor is None else cursor

    def _after(self, page: Page, results: list[Any]) -> str | None:
        """Return the cursor in the last object, None if the response states that no object follows."""
        how = self._collection.listing.cursor
        more = member(page.value, how.more)
        is_short = self._collection.listing.limit is not None and len(results) < self._collection.page_limit
        if more is False or (more is None and is_short):
            return None
        value = member(results[-1], how.last) if results else None
        if more is not True or type(value) not in {str, int} or value == "":
            shown = f"{how.more} {_short(more)} and {how.last} {_short(value)}"
            raise self._collection.mismatch(f"{shown} do not define the next page")
        return str(value)

    def _parameter(self, link: str) -> str | None:
        """Return the cursor in a link; only this parameter, because its host could be any other."""
        try:
            found = parse_qs(urlsplit(link).query).get(self._collection.listing.position or "")
        except ValueError:
            return None
        return found[0] if found else None


class _Whole:
    """One response without pages; it must not announce further pages."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self.parameters: Parameters = {}

    def advance(self, page: Page, results: list[Any], listed: int, count: int | None) -> bool:
        del count
        _require_end(self._collection, page, results, listed, "set the style of list")
        return False


_STYLES: Final[Mapping[ListStyle, Callable[[Collection], Pages]]] = {
    ListStyle.OFFSET: _Offsets,
    ListStyle.PAGE: _Numbers,
    ListStyle.CURSOR: _Cursors,
    ListStyle.WHOLE: _Whole,
}


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def _size(collection: Collection) -> Parameters:
    return _named(collection.listing.limit, collection.page_limit)


def _named(name: str | None, value: int | str) -> Parameters:
    return {} if name is None else {name: value}


def _is_full(collection: Collection, page: Page, results: list[Any], listed: int | None) -> bool:
    """Return whether a page is full, so that another may follow; for unknown sizes, whether it is not empty.

    A page with fewer objects is the last, unless it states otherwise: the service may return fewer than
    requested. ``listed`` is the number of objects so far, None where a count determines the end.
    """
    size = collection.page_limit
    if len(results) > size:
        raise collection.mismatch(f"a page must not have more than the requested {size} objects")
    if len(results) == size or (results and size == UNPAGED and collection.listing.limit is None):
        return True
    if listed is not None:
        _require_end(collection, page, results, listed, "check page_limit")
    return False


def _require_end(collection: Collection, page: Page, results: list[Any], listed: int, advice: str) -> None:
    """Raise InvalidResponseError if a last page announces further ones."""
    sign = "a link next" if page.next_link else _sign(page.value, results, listed)
    if sign:
        raise collection.mismatch(f"it has {sign}, so there are more pages; {advice}")


def _sign(value: Any, results: list[Any], listed: int) -> str:
    """Return the member outside the list that announces further objects, or an empty string."""
    said = [*_said(value, results, 0)]
    is_complete = any(word in _TOTALS - {"count"} and inner == listed for word, _, inner in said)
    for word, name, inner in said:
        is_number = type(inner) is int and inner > 0
        if word in _FURTHER and (inner is True or is_number or (isinstance(inner, str | dict) and inner)):
            return f"{name} {_short(inner)}"
        if word in _TOTALS and is_number and inner > listed:
            return f"{name} {inner} and {listed} objects"
        if word in _SIZES and is_number and inner <= len(results) and not is_complete:
            return f"{name} {inner} and as many objects"
    return ""


def _said(value: Any, results: list[Any], depth: int) -> Iterator[tuple[str, str, Any]]:
    """Yield each member outside the list, preceded by its name in lower case."""
    if not isinstance(value, dict) or depth > _DEEPEST:
        return
    for name, inner in value.items():
        yield name.lower(), name, inner
        if inner is not results:
            yield from _said(inner, results, depth + 1)


def _short(value: Any) -> str:
    return shortened(json_text(value), _LONGEST) if not isinstance(value, dict | list) else "a list or object"
