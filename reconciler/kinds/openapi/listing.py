"""How a collection is listed: its query parameters, and the members of its response beside the list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.openapi.notes import NOT_CREATED
from reconciler.kinds.rest import ListStyle
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.kinds.openapi.notes import Notes
    from reconciler.kinds.openapi.operations import Operations, Parameter
    from reconciler.kinds.openapi.schemas import Schema
    from reconciler.kinds.openapi.shapes import Shape

_LIMITS: Final = (
    *(
        "limit",
        "perpage",
        "pagesize",
        "maxresults",
        "maxitems",
        "itemsperpage",
        "resultsperpage",
        "pagelimit",
    ),
    *("pageperpage", "size", "max", "top"),
)
_OFFSETS: Final = ("offset", "skip", "pageoffset", "startindex", "start", "first")
_ONLY_WITH_LIMIT: Final = frozenset({"first", "start"})
"""Parameters that may mean something else where no size of a page is asked for."""
_TIMES: Final = ("date", "date-time")
"""Formats of parameters that choose by time: a start of that sort is no offset."""
_PAGES: Final = ("page", "pagenumber", "pagenum", "pageno", "currentpage", "pageindex")
_CURSORS: Final = (
    *(
        "cursor",
        "pagetoken",
        "nextpagetoken",
        "nexttoken",
        "nextcursor",
        "pagecursor",
        "startingafter",
        "after",
    ),
    *("pageafter", "marker", "continuationtoken", "continuation", "startcursor"),
)
_TOTALS: Final = (
    *(
        "totalcount",
        "total",
        "totalitems",
        "totalresults",
        "totalfilteredcount",
        "count",
        "results",
        "itemcount",
    ),
)
_NEXTS: Final = (
    *(
        "nextcursor",
        "nextpagetoken",
        "nexttoken",
        "nextpage",
        "nextlink",
        "nexturl",
        "continuationtoken",
        "endcursor",
    ),
    *("next", "after", "pagetoken", "cursor"),
)
_MORES: Final = ("hasmore", "more", "hasnextpage", "hasnext")
_OF_PAGES: Final = frozenset({*_MORES, "nextcursor", "nextpagetoken", "totalpages"})
_DEPTH: Final = 3
_PLAIN_LIMIT: Final = 100
_WHOLE: Final = (
    f"the draft assumes that one response has all keys, and {NOT_CREATED}: a key of another page would be"
    " created again"
)
_LARGEST: Final = 100_000
_FROM_ZERO: Final = expression(
    r"\b(?:zero|0)[- ](?:based|indexed)|(?:start|begin)(?:s|ing)? (?:at|from|with) (?:page )?(?:0|zero)\b",
    re.IGNORECASE,
)
_MAXIMUM: Final = expression(r"\bmax(?:imum)?\b[^\d.]{0,30}?(\d{1,6})\b|\bup to (\d{1,6})\b", re.IGNORECASE)
_BETWEEN: Final = expression(r"\bbetween (\d+) and (\d{1,6})\b", re.IGNORECASE)
_LEFT_OUT: Final = {"style": "offset", **{name: name for name in ("limit", "offset", "results", "count")}}
"""What a listing is that is not described."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The drafted listing, the maximum page size if there are pages, and whether all of it is described."""

    listing: Mapping[str, Any]
    page_limit: int | None
    is_certain: bool


def listing_of(found: Operations, shape: Shape, path: str, notes: Notes) -> Listed:
    """Draft how a collection is listed; ``path`` is the property that is in the path of an item."""
    response = found.listing.response
    if "array" in response.types and any("array" in inner.types for inner in response.properties.values()):
        # Of a plain list and an object with a page of it, the first is what comes where no page is asked for.
        return Listed({"style": "whole"}, None, is_certain=True)
    query = _Query(found.listing.parameters_in("query"))
    limit = query.first(_LIMITS)
    members = list(_members(found.listing.response))
    after = _cursor(query.first(_CURSORS), members, found, path)
    listing, is_certain = _style(query, limit, after, notes), True
    if listing is None:
        listing = {"style": "whole"}
        is_certain = _is_whole(limit or query.first(_CURSORS), members, notes)
    style, page_limit = ListStyle(listing["style"]), None
    if limit is not None and style is not ListStyle.WHOLE:
        listing["limit"], page_limit = limit.name, _page_limit(limit, notes)
    elif style in {ListStyle.OFFSET, ListStyle.PAGE}:
        listing["limit"] = None
    if style is ListStyle.OFFSET or shape.results != ("data" if shape.api_type else None):
        listing["results"] = shape.results
    if style in {ListStyle.OFFSET, ListStyle.PAGE}:
        count = None if shape.results is None else _count(members, shape.results)
        is_said = count is not None or (style is ListStyle.OFFSET and shape.api_type is None)
        listing |= {"count": count} if is_said else {}
    return Listed({} if listing.items() == _LEFT_OUT.items() else listing, page_limit, is_certain)


def _style(
    query: _Query, limit: Parameter | None, after: dict[str, Any], notes: Notes
) -> dict[str, Any] | None:
    """Return the style and the parameter of the next page, None if neither is described."""
    offset, page, cursor = map(query.first, (_OFFSETS, _PAGES, _CURSORS))
    if offset is not None and (limit is not None or _plain(offset.name) not in _ONLY_WITH_LIMIT):
        return {"style": "offset", "offset": offset.name} | _first_offset(offset)
    if page is not None and (page.schema.types != ["string"] or not after):
        return {"style": "page", "page": page.name} | _first(page, notes)
    position = cursor or page
    return {"style": "cursor", "cursor": position.name, **after} if position is not None and after else None


class _Query:
    """Query parameters by their names in lower case without punctuation: ``page[size]`` is ``pagesize``."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self._known = {
            _plain(parameter.name): parameter
            for parameter in parameters
            if parameter.schema.words.get("format") not in _TIMES
        }

    def first(self, names: Iterable[str]) -> Parameter | None:
        return next((self._known[name] for name in names if name in self._known), None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _members(schema: Schema, depth: int = _DEPTH, above: str = "") -> Iterable[tuple[str, Schema]]:
    """Yield the members of a response and of objects in it, as dotted paths, the outer ones first."""
    members = [(f"{above}{name}", inner) for name, inner in schema.properties.items() if not inner.is_cut]
    yield from members
    for name, inner in members if depth > 1 else ():
        if "object" in inner.types:
            yield from _members(inner, depth - 1, f"{name}.")


def _last(dotted: str) -> str:
    return _plain(dotted.rpartition(".")[2])


def _count(members: Iterable[tuple[str, Schema]], results: str | None) -> str | None:
    """Return the member with the number of all items; deeper ones called count may count those of a page."""
    whole = {
        name: inner for name, inner in members if {"integer", "number"} & {*inner.types} and name != results
    }
    for word in _TOTALS:
        for name, inner in whole.items():
            is_of_page = "." in name and word in {"count", "results", "itemcount"}
            if (
                _last(name) == word
                and not is_of_page
                and "page" not in inner.text.lower().replace("pages", "")
            ):
                return name
    return None


def _cursor(
    cursor: Parameter | None, members: list[tuple[str, Schema]], found: Operations, path: str
) -> dict[str, Any]:
    """Return the member with the next cursor, empty if that is not described."""
    more = next((name for name, _ in members if _last(name) in _MORES), None)
    texts = {name: inner for name, inner in members if "string" in inner.types or not inner.types}
    by_name = {word: name for word in reversed(_NEXTS) for name in reversed(texts) if _last(name) == word}
    following = next((by_name[word] for word in _NEXTS if word in by_name), None)
    is_last_row = (
        cursor is not None and _plain(cursor.name) in {"startingafter", "after"} and more is not None
    )
    if is_last_row and (following is None or _last(following) in {"after", "cursor"}):
        return {"last": path, "more": more}
    if following is not None:
        return {"next": following}
    return {"link": True} if "link" in found.listing.headers else {}


def _first_offset(offset: Parameter) -> dict[str, Any]:
    """Return the offset of the first key, if it is 1, as in SCIM (RFC 7644, section 3.4.2.4)."""
    words = offset.schema.words
    return {"first": 1} if words.get("default", words.get("minimum")) == 1 else {}


def _first(page: Parameter, notes: Notes) -> dict[str, Any]:
    """Return the number of the first page, if it is 0."""
    words = page.schema.words
    default, least = words.get("default"), words.get("minimum")
    if default == 0 or (default is None and (least == 0 or _FROM_ZERO.search(page.text))):
        if default is None:
            notes.add(f"list: the description of {page.name} suggests that pages start at 0, not 1: check it")
        return {"first": 0}
    return {}


def _page_limit(limit: Parameter, notes: Notes) -> int:
    words = limit.schema.words
    if type(words.get("maximum")) is int and words["maximum"] > 0:
        return min(int(words["maximum"]), _LARGEST)
    between, said = _BETWEEN.search(limit.text), _MAXIMUM.search(limit.text)
    written = between[2] if between else (said[1] or said[2]) if said else None
    if written and int(written) > 0:
        return min(int(written), _LARGEST)
    default = words.get("default")
    if type(default) is int and default > 0:
        notes.add(f"page_limit: no maximum is described; the draft uses the default, {default}")
        return min(default, _LARGEST)
    notes.add(f"page_limit: the page size is not described; {_PLAIN_LIMIT} is a guess: check it")
    return _PLAIN_LIMIT


def _is_whole(asked: Parameter | None, members: list[tuple[str, Schema]], notes: Notes) -> bool:
    """Return whether a listing without known pages is complete, as far as is described."""
    if asked is not None:
        notes.add(
            f"list: the parameter {asked.name} suggests pages, but how to request the next page is not"
            f" described; {_WHOLE}"
        )
        return False
    hints = [
        name for name, _ in members if _last(name) in (*_MORES, "nextcursor", "nextpagetoken", "totalpages")
    ]
    if hints:
        notes.add(
            f"list: the member {hints[0]} of the response suggests pages, but no page parameter is described;"
            f" {_WHOLE}"
        )
    return not hints
