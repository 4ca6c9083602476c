"""What a run found: figures to print, and promises that were fulfilled or broken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_EXAMPLES: Final = 5
_LONGEST: Final = 400


@dataclass(slots=True)
class Findings:
    """What one run found so far: texts of figures, and under each promise what broke it."""

    title: str
    figures: dict[str, int] = field(default_factory=dict)
    broken: dict[str, list[str]] = field(default_factory=dict)

    def promise(self, promise: str, broken: Iterable[str] = ()) -> None:
        """State a promise, and what broke it: nothing, if it was fulfilled."""
        self.broken.setdefault(promise, []).extend(broken)

    def add(self, figure: str, number: int = 1) -> None:
        """Add to a figure."""
        self.figures[figure] = self.figures.get(figure, 0) + number

    @property
    def fulfilled(self) -> bool:
        """Whether every promise was fulfilled."""
        return not any(self.broken.values())

    def lines(self) -> Iterator[str]:
        """Return the figures, then the promises, each broken one with its first examples."""
        yield self.title
        width = max((len(f"{number:,}") for number in self.figures.values()), default=0)
        for figure, number in self.figures.items():
            yield f"  {number:>{width},}  {figure}"
        for promise, broken in self.broken.items():
            yield f"  {'BROKEN' if broken else 'kept  '}  {promise}"
            for example in broken[:_EXAMPLES]:
                yield f"            {example[:_LONGEST]}"
            if len(broken) > _EXAMPLES:
                yield f"            and {len(broken) - _EXAMPLES:,} more"
