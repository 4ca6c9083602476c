"""Lists: the parameters of a collection, their effect on selection and order, and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gcore_emulator.responses import ValidationRefusalError
from gcore_emulator.rules import InvalidValueError, one_of, parse_integer

if TYPE_CHECKING:
    import datetime as dt

    from gcore_emulator.switches import Switches

LIMIT_MAX = 1000
"""The largest page, in items. Source: the ``maximum`` of every limit parameter."""

NEWEST_FIRST = "created_at.desc"
"""The order of a list that is asked for none. Source: the default of every ``order_by``."""

Test = Callable[[Any], bool]
"""Whether an item belongs to a list."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The values that the meaning of a parameter may depend on besides its text."""

    now: dt.datetime
    switches: Switches


@dataclass(frozen=True, slots=True)
class Filter:
    """A query parameter: ``read`` returns a predicate for its text, or raises `InvalidValueError`.

    ``absent`` is the default text; with None nothing is filtered by default.
    """

    read: Callable[[str, Setting], Test]
    absent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The parameters of one collection.

    ``limit`` is the default size of a page. ``orders`` maps each word before ``.asc`` and ``.desc`` of
    ``order_by`` to the sort key of an item; without any, the collection has no such parameter.
    """

    limit: int
    filters: Mapping[str, Filter] = field(default_factory=dict)
    orders: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """A requested page; ``order`` is a word of ``order_by`` with its direction."""

    listing: Listing
    limit: int
    offset: int
    order: str
    tests: tuple[Test, ...]

    @property
    def is_plain(self) -> bool:
        """Whether it is a part of the complete collection, newest first."""
        return not self.tests and self.order == NEWEST_FIRST

    def cut(self, items: Iterable[Any]) -> tuple[int, Sequence[Any]]:
        """Return the number of all selected items, and those of this page."""
        kept = [item for item in items if all(test(item) for test in self.tests)]
        word, _, direction = self.order.partition(".")
        kept.sort(key=self.listing.orders[word], reverse=direction == "desc")
        return len(kept), kept[self.offset : self.offset + self.limit]


def read_page(query: Mapping[str, str], listing: Listing, setting: Setting) -> Page:
    """Check the parameters of a list; unknown ones are ignored.

    Raises `ValidationRefusalError` with every complaint at once.
    """
    complaints: dict[str, tuple[str, ...]] = {}
    numbers = {"limit": listing.limit, "offset": 0}
    order = NEWEST_FIRST
    tests: list[Test] = []
    for parameter in numbers:
        try:
            if parameter in query:
                numbers[parameter] = _number(parameter, query[parameter], setting.switches)
        except InvalidValueError as error:
            complaints[parameter] = error.complaints
    for parameter, chosen in listing.filters.items():
        text = query.get(parameter, chosen.absent)
        try:
            if text is not None:
                tests.append(chosen.read(text, setting))
        except InvalidValueError as error:
            complaints[parameter] = error.complaints
    try:
        if listing.orders and "order_by" in query:
            order = one_of(*_orders(listing))(query["order_by"])
    except InvalidValueError as error:
        complaints["order_by"] = error.complaints
    if complaints:
        raise ValidationRefusalError(complaints)
    return Page(listing, numbers["limit"], numbers["offset"], order, tuple(tests))


def _orders(listing: Listing) -> Sequence[str]:
    return [f"{word}.{direction}" for word in listing.orders for direction in ("asc", "desc")]


def _number(parameter: str, text: str, switches: Switches) -> int:
    number = parse_integer(text)
    if parameter == "offset":
        if number < 0:
            raise InvalidValueError("must not be below 0")
        return number
    if not 1 <= number <= LIMIT_MAX and switches.limit_range == "400":
        raise InvalidValueError(f"must be from 1 to {LIMIT_MAX}")
    return min(max(number, 1), LIMIT_MAX)
