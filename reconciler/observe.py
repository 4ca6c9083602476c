"""Reading the live keys of a scope, whole or not at all.

Other tools have rewritten or deleted everything because a read came back empty; so a listing counts
only if it holds exactly as many keys as the service counts, each once. Where a service counts nothing, its
listing is whole once a page has come that is shorter than asked for, and no key came twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from reconciler.errors import BadAnswerError, Failure, IncompleteReadError
from reconciler.kinds import ListStyle
from reconciler.model import ObservedScope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.kinds import Kind, Listing
    from reconciler.scope import Scope

LISTINGS: Final = 3
"""How often a listing that changes under the reader is begun again before it is given up."""


class Source(Protocol):
    """What pages are read from."""

    def get(self, path: str, parameters: Mapping[str, int]) -> Any:
        """Return the JSON response to a GET. Raises ReconcilerError."""
        ...


class _ChangedError(Exception):
    """The listing changed between two pages."""


def observe(reader: Source, kind: Kind, scope: Scope) -> ObservedScope:
    """List every key of ``scope``.

    Makes one request per ``kind.page_limit`` keys, and one for an empty scope; where pages are numbered, one
    more if the last page is full. Raises
    IncompleteReadError if the listing never holds what it counts, BadAnswerError if an answer does
    not have the documented shape, and every other ApiError as it comes.
    """
    path = kind.collection_path(scope)
    list_once = _by_page if kind.listing.style is ListStyle.PAGE else _by_offset
    reason = ""
    for _ in range(LISTINGS):
        try:
            return ObservedScope(scope, list_once(reader, kind, path))
        except _ChangedError as error:
            reason = str(error)
    detail = f"the listing is incomplete: {reason}; listed {LISTINGS} times, so nothing is concluded from it"
    raise IncompleteReadError(Failure(f"GET {path}", detail))


def _by_offset(reader: Source, kind: Kind, path: str) -> dict[str, Mapping[str, Any]]:
    keys: dict[str, Mapping[str, Any]] = {}
    listing = kind.listing
    counted: int | None = None
    while counted is None or len(keys) < counted:
        answer = reader.get(path, {listing.limit: kind.page_limit, listing.position: len(keys)})
        count, results = _page(listing, answer, path)
        if counted is not None and count != counted:
            raise _ChangedError(f"the count changed from {counted} to {count} between two pages")
        counted = count
        before = len(keys)
        _add(keys, results, kind, path)
        if len(keys) == before and counted > before:
            raise _ChangedError(f"the service counts {counted} keys and gives {before}")
    if len(keys) != counted:
        raise _ChangedError(f"the service counts {counted} keys and gives {len(keys)}")
    return keys


def _by_page(reader: Source, kind: Kind, path: str) -> dict[str, Mapping[str, Any]]:
    keys: dict[str, Mapping[str, Any]] = {}
    listing = kind.listing
    number = 0
    is_last = False
    count = 0
    while not is_last:
        number += 1
        answer = reader.get(path, {listing.limit: kind.page_limit, listing.position: number})
        count, results = _page(listing, answer, path)
        if len(results) > kind.page_limit:
            detail = f"a page must not hold more than the {kind.page_limit} that were asked for"
            raise _bad_shape(path, detail)
        _add(keys, results, kind, path)
        is_last = len(results) < kind.page_limit
    if listing.count is not None and len(keys) != count:
        raise _ChangedError(f"the service counts {count} keys and gives {len(keys)}")
    return keys


def _page(listing: Listing, answer: Any, path: str) -> tuple[int, list[Any]]:
    """Give what one answer counts, or 0 where nothing is counted, and the keys in it."""
    if listing.results is None:
        if isinstance(answer, list):
            return 0, answer
        raise _bad_shape(path, "it must be a list")
    wanted = "a list of results" if listing.results == "results" else f"a list under {listing.results}"
    if isinstance(answer, dict):
        count = 0 if listing.count is None else answer.get(listing.count)
        results = answer.get(listing.results)
        if type(count) is int and count >= 0 and isinstance(results, list):
            return count, results
    counted = "" if listing.count is None else f"a {listing.count} and "
    raise _bad_shape(path, f"it must have {counted}{wanted}")


def _add(keys: dict[str, Mapping[str, Any]], results: list[Any], kind: Kind, path: str) -> None:
    identity = kind.identity
    for key in results:
        name = key.get(identity) if key.__class__ is dict else None
        if name.__class__ is not str:
            raise _bad_shape(path, f"each result must be an object with a text as its {identity}")
        whole = kind.completed(key) if kind.optional else key
        if keys.setdefault(name, whole) is not whole:
            raise _ChangedError(f"the key {name} stands in it twice")


def _bad_shape(path: str, detail: str) -> BadAnswerError:
    return BadAnswerError(Failure(f"GET {path}", f"the answer has not the documented shape: {detail}"))
