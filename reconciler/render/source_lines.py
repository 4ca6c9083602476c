"""The position of a problem as compilers show it: the line of the file, and a caret under the column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.escape import escape_control, neutralize_log_commands
from reconciler.render.text_layout import columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.source import Problem

_WIDTH: Final = 72
"""Columns of a line that are shown: with its number it fits into a terminal of 80."""
_TAB: Final = "    "


def place_lines(problem: Problem) -> str:
    """Return the line of a problem and a caret under its column, two lines; empty without a position.

    Characters that move the cursor or are invisible are escaped; a long line is shown around the column.
    """
    line, position = problem.line, problem.position
    if line is None or position is None:
        return ""
    before, after = line.text[: line.column], line.text[line.column :]
    room = max(_WIDTH - _fitting(before, _WIDTH // 2)[1], _WIDTH // 2)
    first = len(before) - _fitting(reversed(before), max(_WIDTH - columns(_shown(after)), _WIDTH // 2))[0]
    last = _fitting(after, room)[0]
    start = "…" if line.is_cut_before or first > 0 else ""
    end = "…" if line.is_cut_after or last < len(after) else ""
    left = start + _shown(before[first:])
    text = neutralize_log_commands(f"{left}{_shown(after[:last])}{end}".rstrip())
    number = f"{position.line:5}"
    return f"{number} | {text}\n{' ' * len(number)} | {' ' * columns(left)}^\n"


def _shown(text: str) -> str:
    return escape_control(text.replace("\t", _TAB))


def _fitting(chars: Iterable[str], room: int) -> tuple[int, int]:
    """Return how many of these characters fit into ``room`` columns, and how many columns they use."""
    count = taken = 0
    for count, char in enumerate(chars, 1):
        wide = columns(char) and columns(_shown(char))
        if taken + wide > room:
            return count - 1, taken
        taken += wide
    return count, taken
