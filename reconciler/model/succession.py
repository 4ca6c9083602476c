"""What a plan says of keys that live longer, or give way to a successor."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
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
