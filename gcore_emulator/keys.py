"""A key of the emulated API and the scope in which its name is unique."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from gcore_emulator.rules import Value


class Scope(NamedTuple):
    """The scope in which a name is unique: a family, and the numbers of its path (project and region)."""

    family: str
    numbers: tuple[int, ...]

    @property
    def label(self) -> str:
        """Return the numbers as in a seed file: ``1/76``."""
        return "/".join(map(str, self.numbers))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """One key. ``sequence`` numbers the creations, to order keys made at the same instant.

    ``values`` holds a value for each field of its family, set by a client or by the server. ``memo`` caches
    rendered JSON by status. A change makes a new value, and so an empty memo.
    """

    scope: Scope
    name: str
    sequence: int
    created_at: dt.datetime
    values: Mapping[str, Value]
    memo: dict[str, bytes] = field(init=False, repr=False, compare=False, default_factory=dict)
