"""What the API holds: live keys by scope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.scope import Scope
    from reconciler.model.source import Problem


@dataclass(frozen=True, slots=True)
class LiveScope:
    """Every live key of one scope by name.

    ``unnamed`` counts the live objects whose name cannot be used; ``problems`` says what is wrong with them.
    """

    scope: Scope
    keys: Mapping[str, Mapping[str, Any]]
    unnamed: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def count(self) -> int:
        """Return the number of live objects."""
        return len(self.keys) + self.unnamed
