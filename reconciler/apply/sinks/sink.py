"""What a secret belongs to, and what every place for secrets can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.model.scope import Scope
    from reconciler.model.secret import Secret

Held = str | None
"""The version of the secret that a place holds: empty where it holds none, None where that is not known."""


@dataclass(frozen=True, slots=True)
class Place:
    """The key that a secret belongs to; ``is_replaced`` says that this run deletes and creates it."""

    scope: Scope
    name: str
    is_replaced: bool = False

    @property
    def address(self) -> str:
        """Return the address of the key, such as ``caas/1/76/web``."""
        return self.scope.address(self.name)

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the parts of the address; a part of a custom kind may hold anything."""
        return (self.scope.kind, *(str(value) for _, value in self.scope.parameters), self.name)


class SecretSink(Protocol):
    """Stores the secrets of new keys. None of its errors, nor what it returns, ever holds a secret."""

    def where(self, place: Place) -> str:
        """Return how the place of a key's secret is called in reports; nothing is asked."""
        ...

    def probe(self, places: Sequence[Place]) -> Mapping[Place, Held]:
        """Return what each place holds, before a key is deleted or created.

        Leaves nothing behind. Raises SinkError if a place surely will not, or if it holds something else
        than an earlier secret of the same key.
        """
        ...

    def store(self, place: Place, secret: Secret, held: Held = None) -> str:
        """Store a secret as the next version of what the place holds, and return where it is.

        ``held`` is what the probe found there; nothing that came since is replaced. Without it, the sink
        looks first. Raises SinkError if the secret is not surely stored.
        """
        ...

    def hurry(self) -> None:
        """Stop retrying: what is on its way is stored at once, or not at all."""
        ...
