"""What the benchmark prints: rows with a verdict, aligned."""

from __future__ import annotations

import statistics
import textwrap
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP: Final = "  "
_HEAD: Final = ("line", "what", "measured", "budget", "verdict", "behind it")
_WIDEST: Final = 62
# Numbers are aligned on their right.
_RIGHT: Final = frozenset({2, 3})


class Verdict(StrEnum):
    """Whether a row is within its budget."""

    OK = "ok"
    MISS = "MISS"
    INFORMATION = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; every member but the verdict is text to print."""

    line: str
    what: str
    measured: str
    budget: str
    verdict: Verdict
    behind: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The row's texts from left to right."""
        return (self.line, self.what, self.measured, self.budget, self.verdict.value, self.behind)


@dataclass(frozen=True, slots=True)
class Unit:
    """How a measured number is written, and with how many decimals."""

    name: str
    decimals: int = 0

    def text(self, number: float) -> str:
        """Write a number with its unit."""
        return f"{number:,.{self.decimals}f} {self.name}"


TIMES: Final = Unit("x", 2)
MEBIBYTES: Final = Unit("MiB")
PERCENT: Final = Unit("%")
SECONDS: Final = Unit("s", 2)


@dataclass(frozen=True, slots=True)
class Subject:
    """The words of a row, before anything is measured."""

    line: str
    what: str
    unit: Unit = TIMES

    def at_most(self, limit: float, measured: float, behind: str) -> Row:
        """Judge a number that must not exceed its budget."""
        return self._row(f"<= {self.unit.text(limit)}", measured, _verdict(kept=measured <= limit), behind)

    def at_least(self, limit: float, measured: float, behind: str) -> Row:
        """Judge a number that must reach its budget."""
        return self._row(f">= {self.unit.text(limit)}", measured, _verdict(kept=measured >= limit), behind)

    def exactly(self, wanted: str, found: str, behind: str) -> Row:
        """Judge a text that must equal its budget."""
        return Row(self.line, self.what, found, wanted, _verdict(kept=found == wanted), behind)

    def information(self, measured: float, behind: str) -> Row:
        """Show a number without a budget."""
        return self._row("", measured, Verdict.INFORMATION, behind)

    def _row(self, budget: str, measured: float, verdict: Verdict, behind: str) -> Row:
        return Row(self.line, self.what, self.unit.text(measured), budget, verdict, behind)


@dataclass(frozen=True, slots=True)
class Pairs:
    """What was measured side by side, round by round: the numerators and the denominators."""

    upper: tuple[float, ...]
    lower: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios, which a slow spell of the machine moves little."""
        return statistics.median(upper / lower for upper, lower in zip(self.upper, self.lower, strict=True))

    def seconds(self, upper: str, lower: str) -> str:
        """Write the medians behind the ratio, in seconds, with what each was."""
        return f"{upper} {statistics.median(self.upper):.3f} s, {lower} {statistics.median(self.lower):.3f} s"


def table(rows: Sequence[Row]) -> str:
    """Lay rows out in aligned columns under a head; a long text is wrapped."""
    lines = [_HEAD, *(line for row in rows for line in _wrapped(row.cells))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    laid = [
        _GAP.join(
            cell.rjust(width) if column in _RIGHT else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([laid[0], "-" * max(map(len, laid)), *laid[1:]])


def _wrapped(cells: tuple[str, ...]) -> list[tuple[str, ...]]:
    return list(zip_longest(*(textwrap.wrap(cell, _WIDEST) or [""] for cell in cells), fillvalue=""))


def _verdict(*, kept: bool) -> Verdict:
    return Verdict.OK if kept else Verdict.MISS
