"""What a fuzz run says: its figures, and every broken promise with the input that broke it."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_PRINTED: Final = 20
_ALIKE: Final = 30
"""Characters of a complaint's last line by which it counts as the same as another."""
_SHOWN: Final = 300


@dataclass(frozen=True, slots=True)
class Broken:
    """A broken promise: what was promised, the case that broke it, and what happened instead."""

    promise: str
    case: str
    detail: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one run, as lines to print, and its broken promises."""

    name: str
    seed: int
    figures: Sequence[str]
    broken: Sequence[Broken] = field(default_factory=tuple)

    @property
    def fulfilled(self) -> bool:
        """Whether every promise was fulfilled."""
        return not self.broken


def seeded(*parts: object) -> random.Random:
    """Return a source of choices that the same parts always make the same."""
    return random.Random(":".join(map(str, parts)))  # noqa: S311 - has to be repeatable, guards nothing


def print_report(report: Report) -> None:
    """Print a report; the inputs that broke a promise are saved, and named."""
    print(f"{report.name} (seed {report.seed})")
    for line in report.figures:
        print(f"  {line}")
    if report.fulfilled:
        print("  every promise is kept")
        return
    print(f"  BROKEN: {len(report.broken)}")
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    kinds: Counter[str] = Counter()
    for number, broken in enumerate(report.broken):
        place = folder / f"{number:03d}"
        place.write_bytes(broken.content)
        detail = broken.detail.strip()
        last = detail.splitlines()[-1:] or [""]
        kinds[broken.promise + last[0][:_ALIKE]] += 1
        if len(kinds) <= _PRINTED and kinds[broken.promise + last[0][:_ALIKE]] == 1:
            print(f"  - {broken.promise}: {broken.case}: {detail[-_SHOWN:].strip()}\n    saved as {place}")
    print(
        f"  {len(kinds)} kinds, all saved in {folder}; how often each: {sorted(kinds.values(), reverse=True)}"
    )
