"""Reading the live keys of a scope, whole or not at all.

Other tools have rewritten or deleted everything because a read came back empty; so a listing counts
only if it holds exactly as many keys as the service counts, each once. Where a service counts nothing, its
listing is whole once a page has come that is shorter than asked for, and no key came twice.

An object without a usable name counts, and is a problem of its own: it hides none of the others. Where no
object has one, it is the listing that has another shape, and nothing is concluded from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import Failure, IncompleteReadError, InvalidResponseError
from reconciler.kinds.kind import ListStyle
from reconciler.kinds.paths import is_segment
from reconciler.model.canonical import json_text
from reconciler.model.plan import ObservedScope
from reconciler.model.source import Problem
from reconciler.observe.bounds import ListingBounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.kinds.kind import Kind, Listing
    from reconciler.model.scope import Scope
    from reconciler.observe.bounds import Source

LISTINGS: Final = 3
"""How often a listing that changes under the reader is begun again before it is given up."""


_SHOWN: Final = 10
"""So many objects without a usable name are described one by one."""


_LONGEST: Final = 80


class _ChangedError(Exception):
    """The listing changed between two pages."""


class _Listed:
    """What has been listed so far: live keys by name, and what is wrong with each object that has none.

    ``shapeless`` counts those among the latter that have no text as their name at all.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.keys: dict[str, Mapping[str, Any]] = {}
        self.odd: list[str] = []
        self.shapeless = 0

    @property
    def count(self) -> int:
        """Return the number of objects."""
        return len(self.keys) + len(self.odd)

    def problems(self, scope: Scope) -> tuple[Problem, ...]:
        """Return what is wrong with the objects that have no usable name."""
        shown = self.odd[:_SHOWN]
        if len(self.odd) > _SHOWN:
            shown.append(f"{len(self.odd) - _SHOWN} more objects of the listing have no usable name either")
        return tuple(Problem(text, address=str(scope), is_live=True) for text in shown)


def observe(reader: Source, kind: Kind, scope: Scope) -> ObservedScope:
    """List every key of ``scope``.

    Makes one request per ``kind.page_limit`` keys, and one for an empty scope; where pages are numbered, one
    more if the last page is full. Raises IncompleteReadError if the listing never holds what it counts,
    InvalidResponseError if a response is not a listing of named objects, and any other ApiError unchanged.
    """
    path = kind.collection_path(scope)
    list_once = _by_page if kind.listing.style is ListStyle.PAGE else _by_offset
    reason = ""
    for _ in range(LISTINGS):
        try:
            listed = list_once(reader, kind, path)
            if listed.shapeless and not listed.keys and listed.shapeless == listed.count:
                raise _bad_shape(path, f"each result must be an object with a text as its {kind.identity}")
            return ObservedScope(scope, listed.keys, len(listed.odd), listed.problems(scope))
        except _ChangedError as error:
            reason = str(error)
    detail = f"the listing is incomplete: {reason}; listed {LISTINGS} times, so nothing is concluded from it"
    raise IncompleteReadError(Failure(f"GET {path}", detail))


def _by_offset(reader: Source, kind: Kind, path: str) -> _Listed:
    found = _Listed()
    listing = kind.listing
    bounds = ListingBounds(reader, path)
    counted: int | None = None
    while counted is None or found.count < counted:
        before = found.count
        answer = reader.get(path, {listing.limit: kind.page_limit, listing.position: before})
        count, results = _page(listing, answer, path)
        if counted is not None and count != counted:
            raise _ChangedError(f"the count changed from {counted} to {count} between two pages")
        counted = count
        bounds.check(max(count, before + len(results)))
        _add(found, results, kind)
        if found.count == before and counted > before:
            raise _ChangedError(f"the service counts {counted} keys and gives {before}")
    if found.count != counted:
        raise _ChangedError(f"the service counts {counted} keys and gives {found.count}")
    return found


def _by_page(reader: Source, kind: Kind, path: str) -> _Listed:
    found = _Listed()
    listing = kind.listing
    bounds = ListingBounds(reader, path)
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
        bounds.check(max(count, found.count + len(results)))
        _add(found, results, kind)
        is_last = len(results) < kind.page_limit
    if listing.count is not None and found.count != count:
        raise _ChangedError(f"the service counts {count} keys and gives {found.count}")
    return found


def _page(listing: Listing, answer: Any, path: str) -> tuple[int, list[Any]]:
    """Return what one answer counts, or 0 where nothing is counted, and the keys in it."""
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


def _add(found: _Listed, results: list[Any], kind: Kind) -> None:
    identity, keys = kind.identity, found.keys
    for key in results:
        name = key.get(identity) if key.__class__ is dict else None
        if name.__class__ is not str:
            found.shapeless += 1
            found.odd.append(_unusable(found.count + 1, _shapeless(key, identity)))
            continue
        if not is_segment(name):
            found.odd.append(_unusable(found.count + 1, _unaddressable(name, identity)))
            continue
        whole = kind.with_response_defaults(key) if kind.optional else key
        if keys.setdefault(name, whole) is not whole:
            raise _ChangedError(f"the key {name} stands in it twice")


def _unusable(number: int, reason: str) -> str:
    return f"object {number} of the listing {reason}, so nothing is done with it"


def _shapeless(key: Any, identity: str) -> str:
    """Return what an object is instead of one with a text as its name."""
    if not isinstance(key, dict):
        return f"is not an object but {_short(key)}"
    if identity not in key:
        return f"has no {identity}"
    return f"has a {identity} that is not text: {_short(key[identity])}"


def _unaddressable(name: str, identity: str) -> str:
    """Return why a name cannot be one segment of a path."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return f"has a {identity} that is not valid Unicode: {_short(name)}"
    return f"has the {identity} {_short(name)}, which cannot be one segment of a request path"


def _short(value: Any) -> str:
    """Return a value as JSON, cut short."""
    if isinstance(value, dict | list):  # which may be nested more deeply than JSON can be written
        return "an object" if isinstance(value, dict) else "a list"
    text = json_text(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _bad_shape(path: str, detail: str) -> InvalidResponseError:
    return InvalidResponseError(Failure(f"GET {path}", f"the answer has not the documented shape: {detail}"))
