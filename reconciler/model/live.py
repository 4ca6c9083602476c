"""What the API holds: live keys by scope."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.scope import Scope
    from reconciler.model.source import Problem


@dataclass(frozen=True, slots=True)
class LiveScope:
    """Every live key of one scope by name.

    ``unnamed`` counts the live objects whose name cannot be used; ``problems`` says what is wrong with them.
    ``unclear`` holds the live objects of names that lead to no one key, where the service makes ids: several
    objects have the name, or its only one has no id that a path can take.
    """

    scope: Scope
    keys: Mapping[str, Mapping[str, Any]]
    unnamed: int = 0
    problems: tuple[Problem, ...] = ()
    unclear: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Return the number of live objects."""
        return len(self.keys) + self.unnamed + sum(map(len, self.unclear.values()))

    def holds(self, names: Iterable[str]) -> bool:
        """Return whether each name is that of a live object."""
        return all(name in self.keys or name in self.unclear for name in names)

    def only(self, name: str) -> LiveScope:
        """Return what is known of one name."""
        keys = {name: self.keys[name]} if name in self.keys else {}
        unclear = {name: self.unclear[name]} if name in self.unclear else {}
        return LiveScope(self.scope, keys, unclear=unclear)
