"""Reading a collection page by page, whole or not at all, and no more of it than is sensible.

Other tools have rewritten or deleted everything because a read came back empty; so a listing counts only if
it holds exactly as many objects as the service counts, each once. Where a service counts nothing, its listing
is whole once a page is shorter than asked for, and no object came twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from reconciler.errors import Failure, IncompleteReadError, InvalidResponseError
from reconciler.kinds.rest import Listing, ListStyle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


T = TypeVar("T")
LISTINGS: Final = 3
"""How often a listing that changes while it is read is begun again before it is given up."""
_MOST_ITEMS: Final = 1_000_000
_MOST_PAGES: Final = 10_000
_MOST_BYTES: Final = 512 * 2**20
_LONGEST: Final = 3600.0
"""Seconds, also where each page comes slowly but within its time-outs."""


class Source(Protocol):
    """What pages are read from."""

    @property
    def received(self) -> int:
        """Return how many bytes of responses the calling thread has read so far."""
        ...

    @property
    def seconds(self) -> float:
        """Return the seconds by a monotonic clock."""
        ...

    def get(self, path: str, parameters: Mapping[str, int]) -> Any:
        """Return the JSON response to a GET. Raises ReconcilerError."""
        ...


@dataclass(frozen=True, slots=True)
class Collection:
    """What is listed: its path, how, how many to a page, and what its objects are called."""

    path: str
    listing: Listing
    page_limit: int
    noun: str

    def mismatch(self, detail: str) -> InvalidResponseError:
        """Return the error of a response that is not such a listing."""
        return self._invalid(f"the response does not match the documented schema: {detail}")

    def too_large(self, reason: str) -> InvalidResponseError:
        """Return the error of a listing without a sensible end."""
        return self._invalid(f"the listing is too large: {reason}")

    def _invalid(self, detail: str) -> InvalidResponseError:
        return InvalidResponseError(Failure(f"GET {self.path}", detail))


class ListingChangedError(Exception):
    """The listing changed between two pages, or does not hold what it counts."""


def read_whole(source: Source, collection: Collection, add_up: Callable[[Iterator[list[Any]]], T]) -> T:
    """Return what ``add_up`` makes of the pages; it may raise ListingChangedError too.

    Raises IncompleteReadError if the listing never holds what it counts, InvalidResponseError if a response
    is not a listing or there is too much of it, and any other ApiError unchanged.
    """
    reason = ""
    for _ in range(LISTINGS):
        try:
            return add_up(_pages(source, collection))
        except ListingChangedError as error:
            reason = str(error)
    detail = f"the listing is incomplete: {reason}; listed {LISTINGS} times, so nothing is concluded from it"
    raise IncompleteReadError(Failure(f"GET {collection.path}", detail))


def _pages(source: Source, collection: Collection) -> Iterator[list[Any]]:
    """Yield the results of each page, one request for each."""
    listing, size = collection.listing, collection.page_limit
    is_numbered = listing.style is ListStyle.PAGE
    received, began = source.received, source.seconds
    listed = 0
    counted: int | None = None
    for number in range(1, _MOST_PAGES + 1):
        position = number if is_numbered else listed
        response = source.get(collection.path, {listing.limit or "": size, listing.position or "": position})
        count, results = _members(collection, response)
        if is_numbered and len(results) > size:
            raise collection.mismatch(f"a page must not hold more than the {size} that were asked for")
        if not is_numbered and counted not in {None, count}:
            raise ListingChangedError(f"the count changed from {counted} to {count} between two pages")
        counted = count
        listed += len(results)
        if max(count, listed) > _MOST_ITEMS:
            raise collection.too_large(f"it has more than {_MOST_ITEMS} entries")
        if source.received - received > _MOST_BYTES:
            raise collection.too_large(f"it has more than {_MOST_BYTES // 2**20} MiB")
        if source.seconds - began > _LONGEST:
            raise collection.too_large(f"it does not end within {_LONGEST:.0f} s")
        yield results
        if len(results) < size if is_numbered else listed >= count or not results:
            break
    else:
        raise collection.too_large(f"it does not end within {_MOST_PAGES} pages")
    if listing.count is not None and listed != count:
        raise ListingChangedError(f"the service counts {count} {collection.noun} and gives {listed}")


def _members(collection: Collection, response: Any) -> tuple[int, list[Any]]:
    """Return what one response counts, or 0 where nothing is counted, and the objects in it."""
    listing = collection.listing
    if listing.results is None:
        if isinstance(response, list):
            return 0, response
        raise collection.mismatch("it must be a list")
    if isinstance(response, dict):
        count = 0 if listing.count is None else response.get(listing.count)
        results = response.get(listing.results)
        if type(count) is int and count >= 0 and isinstance(results, list):
            return count, results
    counted = "" if listing.count is None else f"a {listing.count} and "
    wanted = "a list of results" if listing.results == "results" else f"a list under {listing.results}"
    raise collection.mismatch(f"it must have {counted}{wanted}")
