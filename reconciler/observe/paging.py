"""Read a collection page by page, completely or not at all, within bounds of size.

Other tools have rewritten or deleted everything because a read came back empty; so a listing is accepted only
if it holds exactly as many objects as the service counts, each once. Where a service does not count, the
listing is complete when its style signals the end, and no object occurred twice.

That does not prove that an object is missing. An object that is deleted between two pages moves the others
up, so that one of them is on neither page; if another is created meanwhile, even the count is right. So an
object that a listing of several pages lacks is missing only if a second listing lacks it too:
:class:`Sought`.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from reconciler.errors import Failure, IncompleteReadError, InvalidResponseError, NotFoundError, RejectedError
from reconciler.kinds.rest import ListStyle
from reconciler.kinds.wire import member
from reconciler.model.canonical import json_text
from reconciler.model.frozen import dataclass
from reconciler.observe.pages import pages_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.api.reader import Page, Parameters
    from reconciler.kinds.rest import Listing


T = TypeVar("T")
LISTINGS: Final = 3
"""How often a listing that changes while it is read is started again before it fails."""
_BY_POSITION: Final = frozenset({ListStyle.PAGE, ListStyle.OFFSET})
"""Styles that end at a page that is not full, unless something is counted."""
_MOST_ITEMS: Final = 1_000_000
_MOST_PAGES: Final = 10_000
_MOST_BYTES: Final = 512 * 2**20
_LONGEST: Final = 3600.0
"""Seconds, also where each page comes slowly but within its time-outs."""


class Source(Protocol):
    """The interface that pages are read from."""

    @property
    def received(self) -> int:
        """Return how many bytes of responses the calling thread has read so far."""
        ...

    @property
    def seconds(self) -> float:
        """Return the seconds by a monotonic clock."""
        ...

    def page(self, path: str, parameters: Parameters, headers: Mapping[str, str]) -> Page:
        """Return the response to a GET, with its link to a next page. Raises ReconcilerError."""
        ...

    def get(self, path: str, parameters: Parameters, headers: Mapping[str, str]) -> Any:
        """Return the JSON value of the response to a GET. Raises ReconcilerError."""
        ...


@dataclass(frozen=True, slots=True)
class Collection:
    """The collection to list: its path, style, page size, and the term for its objects.

    ``query`` and ``headers`` are sent with every request. Where objects can be created, ``creates``, an empty
    listing is read twice: a wrong one would create everything again.
    """

    path: str
    listing: Listing
    page_limit: int
    noun: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    creates: bool = False

    def mismatch(self, detail: str) -> InvalidResponseError:
        """Return the error of a response that is not such a listing."""
        return self._invalid(f"the response does not match the documented schema: {detail}")

    def too_large(self, reason: str) -> InvalidResponseError:
        """Return the error for a listing that exceeds a bound."""
        return self._invalid(f"the listing is too large: {reason}")

    def _invalid(self, detail: str) -> InvalidResponseError:
        return InvalidResponseError(Failure(f"GET {self.path}", detail))


class ListingChangedError(Exception):
    """The listing changed between two pages, or does not hold as many items as it counts."""


@dataclass(frozen=True, slots=True)
class Sought(Generic[T]):
    """The purpose of a listing; if several pages lack a sought object, the listing is repeated.

    ``is_found`` returns whether everything is present. ``merged`` joins an older and a newer listing: an
    object exists if either holds it, in the newer version if both do. An object that only the older one holds
    has been deleted meanwhile, or was moved between the pages of the newer one. To take it as missing might
    create it twice; to take it as present is outdated at worst, as any listing may be at its end.
    """

    is_found: Callable[[T], bool]
    merged: Callable[[T, T], T]


def read_sought(
    source: Source, collection: Collection, add_up: Callable[[Iterator[list[Any]]], T], sought: Sought[T]
) -> T:
    """Return the result of ``add_up`` for the listing, read twice if a sought object is missing.

    Raises the errors of :func:`read_whole`, also for the second listing.
    """
    pages = 0

    def counted(listed: Iterator[list[Any]]) -> T:
        nonlocal pages
        pages = 0

        def each() -> Iterator[list[Any]]:
            nonlocal pages
            for page in listed:
                pages += 1
                yield page

        return add_up(each())

    found = read_whole(source, collection, counted)
    if pages <= 1 or sought.is_found(found):
        return found
    return sought.merged(found, read_whole(source, collection, add_up))


def read_whole(source: Source, collection: Collection, add_up: Callable[[Iterator[list[Any]]], T]) -> T:
    """Return the result of ``add_up`` for the pages; it may raise ListingChangedError too.

    Raises IncompleteReadError if the listing never holds as many items as it counts, InvalidResponseError if
    a response is not a listing or there is too much of it, and any other ApiError unchanged.
    """
    reason = ""
    for _ in range(LISTINGS):
        try:
            return add_up(_pages(source, collection))
        except ListingChangedError as error:
            reason = str(error)
    detail = (
        f"the listing is incomplete: {reason}; listed {LISTINGS} times, without a consistent result;"
        " try again later"
    )
    raise IncompleteReadError(Failure(f"GET {collection.path}", detail))


def _pages(source: Source, collection: Collection) -> Iterator[list[Any]]:
    """Yield the results of each page, one request per page."""
    received, began = source.received, source.seconds
    pages = pages_of(collection)
    listed = 0
    first: list[Any] = []
    counted: int | None = None
    for number in range(_MOST_PAGES):
        page = _page(source, collection, pages.parameters)
        count, results = _members(collection, page.value)
        if collection.listing.style in _BY_POSITION and number and count != counted:
            raise ListingChangedError(f"the count changed from {counted} to {count} between two pages")
        counted = count
        first = first if number else results
        listed += len(results)
        if max(count or 0, listed) > _MOST_ITEMS:
            raise collection.too_large(f"it has more than {_MOST_ITEMS} entries")
        if source.received - received > _MOST_BYTES:
            raise collection.too_large(f"it has more than {_MOST_BYTES // 2**20} MiB")
        if source.seconds - began > _LONGEST:
            raise collection.too_large(f"it does not end within {_LONGEST:.0f} s")
        has_more = pages.advance(page, results, listed, count)
        yield results
        if not has_more:
            break
    else:
        raise collection.too_large(f"it does not end within {_MOST_PAGES} pages")
    if count is not None and listed != count:
        raise ListingChangedError(f"the service reports {count} {collection.noun} but lists {listed}")
    if collection.creates and not (count and listed) and collection.listing.style in _BY_POSITION:
        _require_ends(source, collection, first, results, pages.parameters)


def _page(source: Source, collection: Collection, parameters: Parameters) -> Page:
    asked = {**collection.query, **parameters} if collection.query else parameters
    return source.page(collection.path, asked, collection.headers)


def _require_ends(
    source: Source, collection: Collection, first: list[Any], last: list[Any], after: Parameters
) -> None:
    """Check that no page precedes ``first`` or follows ``last``, where their numbers and sizes suggest it.

    An API that counts from 0, or returns smaller pages than requested, has such a page.
    """
    listing = collection.listing
    if last and _has_others(source, collection, after, last):
        size = len(last)
        raise collection.mismatch(
            f"the service returned {size} of {collection.page_limit} requested objects although more follow; "
            f"if {size} is its maximum, set page_limit to {size} in the kind"
        )
    if listing.style is not ListStyle.PAGE or listing.first == 0:
        return
    if _has_others(source, collection, {**pages_of(collection).parameters, listing.position or "": 0}, first):
        what = "page 0 has other objects than page 1" if first else "page 1 is empty and page 0 is not"
        raise collection.mismatch(f"{what}; set first to 0 under list in the kind")


def _has_others(source: Source, collection: Collection, asked: Parameters, known: list[Any]) -> bool:
    """Return whether a page has objects, none of them ``known``: some APIs repeat a page after the last."""
    try:
        _, results = _members(collection, _page(source, collection, asked).value)
    except (RejectedError, NotFoundError, InvalidResponseError):
        return False  # there is no such page
    texts = {json_text(row) for row in known}
    return bool(results) and texts.isdisjoint(map(json_text, results))


def _members(collection: Collection, response: Any) -> tuple[int | None, list[Any]]:
    """Return the count in a response, None if it has none, and its objects."""
    listing = collection.listing
    if listing.results is None:
        if isinstance(response, list):
            return None, response
        raise collection.mismatch("it must be a list")
    count = None if listing.count is None else member(response, listing.count)
    results = member(response, listing.results)
    is_counted = listing.count is None or (type(count) is int and count >= 0)
    if is_counted and isinstance(results, list):
        return count, results
    counted = "" if listing.count is None else f"a {listing.count} and "
    wanted = "a list of results" if listing.results == "results" else f"a list under {listing.results}"
    raise collection.mismatch(f"it must have {counted}{wanted}")
