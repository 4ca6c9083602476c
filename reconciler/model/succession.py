"""What a plan says of keys that live longer, or give way to a successor."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from reconciler.model.scope import Scope


class Purpose(StrEnum):
    """What a change is part of, where files and live values say it: no other change has a purpose."""

    RENEW = "renew"
    """The key lives longer."""
    ROTATE = "rotate"
    """Another key takes its place, or it takes that of another."""


@dataclass(frozen=True, slots=True)
class SecretAlias:
    """The name under which the secret of a key is stored besides its own: the same through all rotations."""

    scope: Scope
    name: str
    alias: str

    @property
    def address(self) -> str:
        """Return the address of the key."""
        return self.scope.address(self.name)


class Stage(StrEnum):
    """How far a rotation is."""

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
    """A declared key that expires before long, or has; ``is_rotated`` says that a successor is declared."""

    address: str
    field: str
    at: dt.datetime
    is_rotated: bool = False


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """How far a rotation is, when its overlap ends if that is declared, and what is to be done next."""

    address: str
    successor: str
    stage: Stage
    ends: dt.datetime | None
    step: str


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """What is to be known of the lives of all declared keys: expiries by time, rotations by address.

    ``expiring`` counts for each kind of an API the keys that have an expiry at all and are not rotated, and
    has the first expiry of them, None where all have passed. ``manual`` are the addresses of keys of
    ``expiries`` that no renewal changes, because their lifecycle says so.
    """

    expiries: tuple[KeyExpiry, ...] = ()
    rotations: tuple[KeyRotation, ...] = ()
    expiring: Mapping[tuple[str, str], tuple[int, dt.datetime | None]] = field(default_factory=dict)
    manual: frozenset[str] = frozenset()
