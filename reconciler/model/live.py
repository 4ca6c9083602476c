"""The live state: live keys by scope."""

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

    ``unnamed`` counts the live objects without a usable name; ``problems`` are the errors about them.
    ``unclear`` holds the live objects of ambiguous names, where the service makes ids: several objects have
    the name, or the only one has no id that can be in a path.
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
        """Return whether each name is the name of a live object."""
        return all(name in self.keys or name in self.unclear for name in names)

    def only(self, name: str) -> LiveScope:
        """Return the scope with the objects of one name only."""
        keys = {name: self.keys[name]} if name in self.keys else {}
        unclear = {name: self.unclear[name]} if name in self.unclear else {}
        return LiveScope(self.scope, keys, unclear=unclear)
