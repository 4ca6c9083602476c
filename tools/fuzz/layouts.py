"""What a file to edit contains: its keys, and its comments by how they were written.

A comment reads ``#r12; …``. By construction each is known by how it was put to what: the judge of the edits
shares no code with what finds comments in the product.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

BREAKS: Final = ("\n", "\r\n", "\r")


@dataclass(slots=True)
class Layout:
    """A file, the keys that it declares, and its comments: by number, how each was put, and to what."""

    text: str = ""
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    remarks: dict[int, tuple[str, str]] = field(default_factory=dict)
    places: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    is_json: bool = False

    def regions(self) -> Mapping[int, Sequence[str]]:
        """Return the names of the keys of each region."""
        found: dict[int, list[str]] = {}
        for name in self.keys:
            found.setdefault(int(name[3:]) // 10, []).append(name)
        return found


def chance(rng: random.Random, percent: int) -> bool:
    """Return whether something is done that is done so often."""
    return rng.randrange(100) < percent


def new_values(rng: random.Random, number: int) -> dict[str, Any]:
    """Choose the fields of the key with this number."""
    boxes = [_box(number * 10 + item) for item in range(rng.choice((0, 1, 2, 2, 3)))]
    return {"description": "old text", "expire": None, "is_disabled": False, "containers": boxes}


def _box(number: int) -> dict[str, str]:
    return {"name": f"box{number}", "namespace": f"ns{number}"}


def new_boxes(rng: random.Random, old: Sequence[Any]) -> list[dict[str, str]]:
    """Choose the items of a changed list: some of the old ones, and perhaps new ones."""
    kept = [item for item in old if rng.random() < rng.choice((0.3, 0.8, 1.0))]
    fresh = [_box(9000 + rng.randrange(900)) for _ in range(rng.choice((0, 1, 1, 2)))]
    found = {item["name"]: item for item in [*kept, *fresh]}
    return rng.sample(list(found.values()), len(found))
