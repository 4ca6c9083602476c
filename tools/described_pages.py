"""Pages of a described listing, as its query parameters and its response say."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from made_values import RESPONSE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from described import Described
    from described_collection import Collection
    from made_values import Maker

_SIZES: Final = ("limit", "per_page", "page_size", "pageSize", "page[size]", "page[limit]", "size", "max")
_OFFSETS: Final = ("offset", "skip", "start", "first", "page[offset]")
_NUMBERS: Final = ("page", "page_number", "pageNumber", "page[number]", "page_no")
_CURSORS: Final = (
    *("cursor", "page[cursor]", "page_token", "pageToken", "after", "starting_after", "marker", "next"),
    *("continuation_token", "page[after]"),
)
_BY_ROW: Final = frozenset({"after", "starting_after", "marker"})
"""Cursors that are the id of the last row."""
_TOTALS: Final = frozenset({"count", "total", "results"})
_USUAL: Final = 20
_LARGEST: Final = 100
"""Rows of a page where nothing is said of it."""
_DEPTH: Final = 4
_ELSEWHERE: Final = "https://elsewhere.invalid/next"
"""Where links lead: a client that follows one finds nothing there."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What is true of one page; ``following`` is what asks for the next one, None at the end."""

    total: int
    size: int
    following: str | None

    @property
    def pages(self) -> int:
        return -(-self.total // self.size) if self.size else 0


class Pages:
    """The pages of a collection."""

    def __init__(self, described: Described, of: Collection) -> None:
        """Read the parameters."""
        self._described = described
        self._of = of
        query = {one["name"]: one for one in of.listing["parameters"] if one.get("in") == "query"}
        self._size, self._offset, self._number, self._cursor = (
            next((name for name in names if name in query), "")
            for names in (_SIZES, _OFFSETS, _NUMBERS, _CURSORS)
        )
        words = described.flat(query.get(self._size, {}).get("schema"))
        said = re.search(r"\bmax(?:imum)?\D{0,30}(\d+)", str(query.get(self._size, {}).get("description")))
        self.largest = int(words.get("maximum") or (said and said[1]) or _LARGEST)
        self._default = min(int(words.get("default") or _USUAL), self.largest)
        numbered = described.flat(query.get(self._number, {}).get("schema"))
        self._first = 0 if 0 in {numbered.get("default"), numbered.get("minimum")} else 1
        self._after: dict[str, int] = {}

    @property
    def has_pages(self) -> bool:
        """Return whether there may be more than one page."""
        return bool(self._offset or self._number or self._cursor)

    @property
    def _word(self) -> str:
        """Return the parameter that asks for the next page."""
        return self._cursor or self._offset or self._number

    def page(self, rows: list[Any], query: Mapping[str, str], maker: Maker) -> tuple[Any, dict[str, str]]:
        """Return the response with one page of the rows, and its headers."""
        size = min(int(query.get(self._size, self._default)), self.largest)
        size = size if self.has_pages else len(rows)
        start = self._start(query, size)
        shown = rows[start : start + size]
        is_last = start + size >= len(rows)
        page = _Page(len(rows), size, None if is_last else self._following(shown, start, size))
        headers = {}
        if "link" in self._of.headers and page.following is not None:
            headers["Link"] = f'<{_ELSEWHERE}?{self._word}={page.following}>; rel="next"'
        if not self._of.rows_at:
            return shown, headers
        whole = inner = maker.value(self._of.whole, RESPONSE)
        *above, last = self._of.rows_at
        for step in above:
            inner = inner.setdefault(step, {})
        inner[last] = []
        self._fill(whole, self._of.whole, page)
        inner[last] = shown
        return copy.deepcopy(whole), headers

    def _start(self, query: Mapping[str, str], size: int) -> int:
        """Return how many rows come before a page."""
        if self._cursor in query:
            return self._after.get(query[self._cursor], 0)
        if self._offset in query:
            return int(query[self._offset])
        return (int(query[self._number]) - self._first) * size if self._number in query else 0

    def _following(self, shown: list[Any], start: int, size: int) -> str:
        if not self._cursor:
            return str(start + size if self._offset else start // size + 1 + self._first)
        by_row = self._cursor in _BY_ROW and shown
        found = str(shown[-1].get("id", start + size)) if by_row else f"c{start + size}"
        self._after[found] = start + size
        return found

    def _fill(self, whole: Any, schema: Any, page: _Page, depth: int = 0) -> None:
        """Write what is true of the rows into the members around them."""
        if not isinstance(whole, dict) or depth > _DEPTH:
            return
        members = self._described.members(schema)
        for name in list(whole):
            value, plain = whole[name], name.lower()
            if isinstance(value, bool):
                whole[name] = page.following is not None if "more" in plain else plain == "success" or value
            elif isinstance(value, int):
                is_total = plain in _TOTALS or "total" in plain
                whole[name] = page.pages if "pages" in plain else page.total if is_total else value
            elif "next" in plain or plain in {"cursor", "after"}:
                self._follow(whole, name, members.get(name, {}), page)
            else:
                self._fill(value, members.get(name, {}), page, depth + 1)

    def _follow(self, whole: dict[str, Any], name: str, schema: Any, page: _Page) -> None:
        """Set what leads to the next page, or take it away at the end."""
        plain = page.following
        link = f"{_ELSEWHERE}?{self._word}={plain}"
        is_link = not self._cursor or any(word in str(schema).lower() for word in ("link", "url", "uri"))
        values: tuple[Any, ...] = (
            (None, "", {}) if plain is None else (link, plain) if is_link else (plain, link)
        )
        fitting = [value for value in values if self._described.is_valid(schema, value)]
        if fitting:
            whole[name] = fitting[0]
        elif plain is None:
            del whole[name]
