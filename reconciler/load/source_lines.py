"""The source lines of problems, as long as the content of the input is available."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from reconciler.load.characters import BREAK, BYTE_ORDER_MARK
from reconciler.model.phrases import MOST_TEXTS
from reconciler.model.source import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.model.source import Position, Problem

_AROUND: Final = 100
"""Characters that are kept before and after a place: more are on no screen, and one line may be a file."""


def with_lines(problems: Sequence[Problem], content: bytes, label: str) -> tuple[Problem, ...]:
    """Return the problems with their source lines; ``label`` is the name of the input in them.

    Only the first problems, by position, have a line, because no more are shown. An empty or missing line is
    left out.
    """
    shown = sorted(place for place in _positions(problems, label) if place.line)[:MOST_TEXTS]
    if not shown:
        return tuple(problems)
    text = content.decode("utf-8", "replace").lstrip(BYTE_ORDER_MARK)
    lines = dict(_lines(text, {position.line for position in shown}))
    found = {
        position: _around(text, *lines.get(position.line, (0, 0)), position.column - 1) for position in shown
    }
    return tuple(
        replace(problem, line=found[problem.position]) if problem.position in found else problem
        for problem in problems
    )


def _positions(problems: Iterable[Problem], label: str) -> Iterator[Position]:
    for problem in problems:
        if problem.position is not None and problem.position.source == label:
            yield problem.position


def _lines(text: str, numbers: set[int]) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield the start and end of each of these lines, with its number, if it exists."""
    begin, last = 0, max(numbers)
    for number, found in enumerate(chain(BREAK.finditer(text), [None]), 1):
        if number in numbers:
            yield number, (begin, len(text) if found is None else found.start())
        if number == last or found is None:
            return
        begin = found.end()


def _around(text: str, begin: int, end: int, column: int) -> SourceLine | None:
    """Return the part of a line around a column; None if that is empty."""
    at = min(begin + column, end)
    first, last = max(begin, at - _AROUND), min(end, at + _AROUND)
    piece = text[first:last]
    return SourceLine(piece, at - first, first > begin, last < end) if piece.strip() else None
