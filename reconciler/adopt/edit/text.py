"""Parts of a text around a value, and edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.load.characters import BREAK, break_before, line_end, line_start, next_line
from reconciler.load.tree import Node, Shape, after_blank, properties_end
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

INDENT: Final = 2
"""How much deeper what is added is, where nothing there says it."""
LONGEST_FLOW: Final = 100
"""A longer line between brackets is written as several."""
_INDENTED: Final = expression(r"(?<=[\r\n])[ \t]+")


def dash_of(text: str, sequence: Node, index: int) -> int:
    """Return the index of the dash of an item of a block sequence."""
    before = properties_end(text, sequence.start) if index == 0 else sequence.children[index - 1].end
    return after_blank(text, before)


def place_behind(text: str, sequence: Node, index: int) -> tuple[int, int, int]:
    """Return the end of an item of a block sequence, the column of its dash, and the offset of its fields.

    The offset counts from the dash. The end includes the comments that belong to the item.
    """
    item, dash = sequence.children[index], dash_of(text, sequence, index)
    column, gap = dash - line_start(text, dash), text[dash + 1 : item.start]
    is_usual = item.shape is Shape.MAPPING and item.is_block and item.start == item.content
    offset = len(gap) + 1 if is_usual and gap and not gap.strip(" ") else INDENT
    return end_of_comments(text, item.end, column), column, offset


def end_of_comments(text: str, index: int, column: int) -> int:
    """Return the end of the last comment that belongs to the item that ends at ``index``.

    These are comments deeper than its dash, which is at ``column``, also behind empty lines.
    """
    while True:
        start = next_line(text, index)
        place = start
        while place < len(text) and not text[place : line_end(text, place)].strip(" \t"):
            place = max(next_line(text, place), place + 1)
        line = text[place : line_end(text, place)]
        rest = line.lstrip(" \t")
        if start == len(text) or not rest.startswith("#") or len(line) - len(rest) <= column:
            return index
        index = place


def indentation(text: str, index: int) -> str:
    """Return the blanks at the start of the line of ``index``."""
    start = line_start(text, index)
    line = text[start : line_end(text, start)]
    return line[: len(line) - len(line.lstrip(" \t"))]


def is_first(text: str, index: int) -> bool:
    """Return whether only blanks precede ``index`` on its line."""
    return line_start(text, index) + len(indentation(text, index)) == index


def separator(text: str, like: Node, otherwise: str = ", ") -> str:
    """Return the separator of items: a comma, and a line break if one like them is first on its line."""
    if not is_first(text, like.start):
        return otherwise
    return f",{newline(text, like.start)}{indentation(text, like.start)}"


def first_indentation(text: str) -> str:
    """Return the blanks before the first line that has some; none if no line has."""
    found = _INDENTED.search(text)
    return "" if found is None else found[0]


def newline(text: str, index: int) -> str:
    """Return the line break of the line of ``index``; of a last line without one, that of the line before."""
    found = BREAK.search(text, index)
    return found[0] if found else break_before(text, line_start(text, index)) or "\n"


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """A part of a text, and its replacement."""

    start: int
    end: int
    text: str


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Return a text with edits that do not overlap; of two at one place, the insertion comes first."""
    pieces, done = list[str](), 0
    for edit in sorted(edits):
        pieces += [text[done : edit.start], edit.text]
        done = edit.end
    return "".join([*pieces, text[done:]])


def removed_lines(text: str, start: int, end: int) -> Edit:
    """Remove the lines from that of ``start`` to that of ``end``; a last line break is as before."""
    first, behind = line_start(text, start), next_line(text, end)
    if line_end(text, end) == len(text):
        first -= len(break_before(text, first))
    return Edit(first, behind, "")


def inserted_lines(text: str, index: int, lines: Sequence[str]) -> Edit:
    """Insert lines after the line of ``index``, with the line break of that line."""
    mark = newline(text, index)
    place = next_line(text, index)
    is_whole = place > index and BREAK.fullmatch(text, line_end(text, index), place) is not None
    body = mark.join(lines)
    return Edit(place, place, f"{body}{mark}" if is_whole else f"{mark}{body}")
