"""The ways to draft a kind, the likeliest first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.kinds.openapi.operations import Operations


@dataclass(frozen=True, slots=True)
class Way:
    """One way to draft a kind: its operations, with one update or none.

    ``reads_items`` is true if rows lack fields of the update that the path of one item has. ``by_id`` is true
    if files hold the id, so that the name is a field.
    """

    found: Operations
    reads_items: bool = False
    by_id: bool = False


def ways_of(found: Operations, chosen: str | None) -> Iterator[Way]:
    """Yield the ways: with an update before without one, by rows before by items; ``chosen`` is the name."""
    updates = [replace(found, update=update) for update in (found.update, *found.others)]
    alone = found.without_update if found.is_updated else found
    for some in (updates if found.is_updated else [], [] if alone is None else [alone]):
        for reads_items in (False, True) if found.item is not None else (False,):
            yield from (Way(one, reads_items=reads_items) for one in some)
    if found.is_updated and chosen is None and not found.lacking:
        yield from (Way(one, by_id=True) for one in updates)
