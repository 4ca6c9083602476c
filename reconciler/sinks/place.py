"""What a secret belongs to, and what every place for secrets can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from reconciler.scope import Scope
    from reconciler.secret import Secret


@dataclass(frozen=True, slots=True)
class Place:
    """The key that a secret belongs to."""

    scope: Scope
    name: str

    @property
    def address(self) -> str:
        """Give the address of the key, such as ``caas/1/76/web``."""
        return self.scope.address(self.name)

    @property
    def parts(self) -> tuple[str, ...]:
        """Give the parts of the address; a part of a kind of one's own may hold anything."""
        return (self.scope.kind, *(str(value) for _, value in self.scope.parts), self.name)


class SecretSink(Protocol):
    """Keeps the secrets of new keys. None of its errors, nor what it says, ever holds a secret."""

    def probe(self) -> None:
        """Find out, before a key is made, whether its secret could be stored; leaves nothing behind.

        Raises SinkError if it surely could not.
        """
        ...

    def store(self, place: Place, secret: Secret) -> str:
        """Store a secret and say where it is. What is there already is never replaced.

        Raises SinkError if it is not surely stored.
        """
        ...
