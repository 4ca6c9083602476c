"""What a plan reports about keys that are renewed or rotated."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.model.desired import DesiredKey
    from reconciler.model.scope import Scope


class Purpose(StrEnum):
    """The operation that a change is part of; other changes have no purpose."""

    RENEW = "renew"
    """The key lives longer."""
    ROTATE = "rotate"
    """Another key takes its place, or it takes that of another."""


@dataclass(frozen=True, slots=True)
class SecretAlias:
    """The second name under which the secret of a key is stored: the same through all rotations."""

    scope: Scope
    name: str
    alias: str

    @property
    def address(self) -> str:
        """Return the address of the key."""
        return self.scope.address(self.name)


def successors(keys: Iterable[DesiredKey]) -> Mapping[str, DesiredKey]:
    """Return the key that replaces each rotated one, by the name of the rotated one."""
    return {key.lifecycle.rotates: key for key in keys if key.lifecycle.rotates is not None}


def chain(name: str | None, following: Mapping[str, str]) -> Iterator[str]:
    """Yield a name and those that follow it; of a circle, which no file may have, each once.

    ``following`` has the next name of each name: that of its successor, or of the key that it replaces.
    """
    seen: set[str] = set()
    while name is not None and name not in seen:
        yield name
        seen.add(name)
        name = following.get(name)


class Stage(StrEnum):
    """The stage of a rotation."""

    PROPOSED = "proposed"
    """The successor is declared, not live."""
    OVERLAP = "overlap"
    """Both keys work."""
    OVER = "over"
    """The overlap has passed, and the rotated key is still declared."""
    ENDING = "ending"
    """The rotated key is declared absent, and still live."""
    GONE = "gone"
    """The rotated key is no longer live; its entry is left."""


@dataclass(frozen=True, slots=True)
class KeyExpiry:
    """A declared key that expires soon, or has expired; ``is_rotated`` is true if a successor is declared."""

    address: str
    field: str
    at: dt.datetime
    is_rotated: bool = False


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """The stage of a rotation, the end of its overlap if that is declared, and the next step."""

    address: str
    successor: str
    stage: Stage
    ends: dt.datetime | None
    step: str


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """The lifetimes of all declared keys: expiries by time, rotations by address.

    ``expiring`` has, for each kind of an API, the number of keys that have an expiry and are not rotated, and
    the next expiry, None if all have passed. ``manual`` are the addresses of keys of ``expiries`` that no
    renewal changes, because their lifecycle forbids it.
    """

    expiries: tuple[KeyExpiry, ...] = ()
    rotations: tuple[KeyRotation, ...] = ()
    expiring: Mapping[tuple[str, str], tuple[int, dt.datetime | None]] = field(default_factory=dict)
    manual: frozenset[str] = frozenset()
