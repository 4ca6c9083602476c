"""Where in the response to a listing its rows are, and their schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import DescriptionError
from reconciler.kinds.openapi.schemas import Schema
from reconciler.kinds.openapi.words import last_segment
from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.kinds.openapi.operations import Operation, Operations

_DEPTH: Final = 2
"""Levels below a response at which a list or an item is looked for."""
_REMARKS: Final = frozenset({"errors", "messages", "warnings", "links", "included"})
"""Lists beside the items of a listing."""
_OF_IDS: Final = frozenset({"result", "results", "data", "items", "ids", "keys", "names"})
"""What lists of ids are called, beside what is listed."""


def names_in(schema: Schema) -> set[str]:
    """Return the names of the members of an object."""
    return set(schema.members)


def inside(schema: Schema, depth: int = _DEPTH, above: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield the members of an object and of the objects in it, the outer ones first."""
    members = [(f"{above}{name}", inner) for name, inner in schema.properties.items() if not inner.is_cut]
    yield from members
    for name, inner in members if depth else ():
        if "object" in inner.types:
            yield from inside(inner, depth - 1, f"{name}.")


def are_ids(rows: Schema) -> bool:
    """Return whether rows are strings or integers, not objects."""
    return rows.types in (["string"], ["integer"])


def rows_of(found: Operations) -> tuple[str | None, Schema]:
    """Return where the list is in a listing, and the schema of its items: objects, or their ids."""
    listing = found.listing.response
    if "array" in listing.types:
        return None, listing.items or Schema(listing.description)
    expected = set(found.update.body.members)
    if found.item is not None:
        expected |= names_in(found.item.response)
    lists = [
        (name, inner.items or Schema(listing.description))
        for name, inner in inside(listing)
        if "array" in inner.types and _last_of(name) not in _REMARKS - {listed_as(found)}
    ]
    of_objects = [(name, items) for name, items in lists if items.types in ([], ["object"]) or items.members]
    if not lists:
        _refuse_listing(found.listing)
    best = max(of_objects, key=lambda one: len(names_in(one[1]) & expected) - one[0].count("."), default=None)
    of_ids = [one for one in lists if are_ids(one[1]) and _last_of(one[0]) in {*_OF_IDS, listed_as(found)}]
    best = of_ids[0] if best is None and len(of_ids) == 1 else best
    if best is None:
        raise DescriptionError(
            f"{found.listing} has a list of {listed(name for name, _ in lists)}, but not of objects"
        )
    return best


def _last_of(place: str) -> str:
    return place.rpartition(".")[2].lower()


def listed_as(found: Operations) -> str:
    """Return the name of the listed type: the last word of the path."""
    return last_segment(found.listing.path).lower()


def _refuse_listing(listing: Operation) -> None:
    response = listing.response
    if "object" in response.types and response.values is not None:
        raise DescriptionError(f"the response to {listing} is a map; a kind needs a list of objects")
    if response.members:
        names = listed(response.members, 8)
        raise DescriptionError(f"the response to {listing} has {names}, but none of them is a list")
    raise DescriptionError(f"the response to {listing} is not described as JSON with a list")
