"""One layout for YAML files: indentation, gaps and blank lines; values, comments and order are unchanged.

Pure.

Lists and mappings are indented by two under their field, and there is one blank behind a colon, a dash or a
comma. The lines of a text, or of a value in brackets, move with their field, and are otherwise unchanged.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from reconciler.adopt.edit.text import Edit, dash_of, edited
from reconciler.load.characters import BREAK, line_start
from reconciler.load.tree import Node, Shape, parts
from reconciler.model.expressions import expression

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

_STEP: Final = 2
_COLON: Final = expression(r"[ \t]*:[ \t]+")
_COMMA: Final = expression(r"[ \t]*,[ \t]*")
_BLANKS: Final = expression(r"[ \t]+")
_TABBED: Final = expression(r"[ \t]*\t[ \t]*(?=#)")


def laid_out(text: str) -> str:
    """Return a text in the layout; it must have been built without an error before."""
    breaks = set(BREAK.findall(text))
    plain = BREAK.sub("\n", text)
    result = _Layout(plain).text()
    return result.replace("\n", "\r\n") if breaks == {"\r\n"} else result


class _Layout:
    """The new layout of each line of a text.

    ``indents`` are those of lines that begin with a field or a dash, old and new; ``moved`` are the new ones
    of other lines of values. A ``kept`` line is inside a value.
    """

    def __init__(self, source: str) -> None:
        """Store the text, whose line breaks are line feeds."""
        self.source = source
        self.lines = source.split("\n")
        self.starts = [0]
        for line in self.lines[:-1]:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.indents: dict[int, tuple[int, int]] = {}
        self.moved: dict[int, int] = {}
        self.kept: set[int] = set()
        self.edits: list[Edit] = []

    def text(self) -> str:
        """Return the new text."""
        for part in parts(self.source):
            if part.root is not None:
                self._block(part.root, 0, (0, 0))
        self._edit_lines(self.lines)
        return edited(self.source, self.edits)

    def _block(self, node: Node, new: int, around: tuple[int, int]) -> None:
        """Lay out a value: a block at column ``new``, or one that moves with its parent."""
        if node.shape is Shape.MAPPING and node.is_block:
            self._mapping(node, new)
        elif node.shape is Shape.SEQUENCE and node.is_block:
            self._sequence(node, new)
        else:
            self._value(node, *around)

    def _mapping(self, node: Node, column: int) -> None:
        old = node.children[0].column
        for key, value in node.pairs():
            self._begin(key.start, key.column, column)
            self._gap(key.end, value.start, _COLON, ": ")
            self._block(value, column + _STEP, (old, column))

    def _sequence(self, node: Node, column: int) -> None:
        for number, item in enumerate(node.children):
            dash = dash_of(self.source, node, number)
            old = dash - line_start(self.source, dash)
            self._begin(dash, old, column)
            self._gap(dash + 1, item.start, _BLANKS, " ")
            self._block(item, column + _STEP, (old, column))

    def _value(self, node: Node, old: int, new: int) -> None:
        """Move the lines of a value with its field; indent a value deeper that was less deep."""
        if node.start == node.end:
            return
        first, last = node.line, self._line(node.end)
        is_alone = not self.source[self.starts[first] : node.start].strip(" ")
        for number in range(first + (not is_alone), last + 1):
            has = len(self.lines[number]) - len(self.lines[number].lstrip(" "))
            is_less = has < old and not node.is_block
            self.moved[number] = new + _STEP if is_less else max(0, has + new - old)
            if number > first:
                self.kept.add(number)
        if node.style == "[" and first == last:
            self._brackets(node)

    def _brackets(self, node: Node) -> None:
        """Lay out a value in brackets on one line."""
        if node.style != "[":
            return
        ends = [child for child in node.children if child.start < child.end]
        if len(ends) != len(node.children) or "#" in self.source[node.content : node.end]:
            return
        first, last = (ends[0].start, ends[-1].end) if ends else (node.end - 1, node.end - 1)
        self._gap(node.content + 1, first, _BLANKS, "")
        if ends:
            self._gap(last, node.end - 1, _BLANKS, "")
        for number, (one, other) in enumerate(pairwise(ends)):
            is_pair = node.shape is Shape.MAPPING and number % 2 == 0
            self._gap(one.end, other.start, _COLON if is_pair else _COMMA, ": " if is_pair else ", ")
        for child in ends:
            self._brackets(child)

    def _begin(self, index: int, old: int, new: int) -> None:
        """Record the indentation of a line that begins with the value at ``index``."""
        number = self._line(index)
        if not self.source[self.starts[number] : index].strip(" "):
            self.indents[number] = old, new

    def _gap(self, start: int, end: int, usual: re.Pattern[str], text: str) -> None:
        """Replace a gap that consists of blanks by ``usual``."""
        if usual.fullmatch(self.source, start, end) and self.source[start:end] != text:
            self.edits.append(Edit(start, end, text))

    def _line(self, index: int) -> int:
        return bisect_right(self.starts, index) - 1

    def _edit_lines(self, lines: list[str]) -> None:
        """Set the indentation of each line, and join blank lines."""
        following: tuple[int, int] | None = None
        indents: dict[int, int] = {}
        for number in range(len(lines) - 1, -1, -1):  # a comment stands as what it is above
            if number in self.indents:
                following = self.indents[number]
                indents[number] = following[1]
            elif number in self.moved:
                indents[number] = self.moved[number]
            elif lines[number].lstrip(" \t").startswith("#"):
                above = following is not None and _indent(lines[number]) <= following[0]
                indents[number] = following[1] if following and above else self._inside(lines, number)
            elif lines[number].strip(" \t\ufeff"):
                following = None  # the begin or end of a document
        for number, line in enumerate(lines):
            start = self.starts[number]
            has = len(line) - len(line.lstrip(" \t" if number not in self.kept else " "))
            is_blank = not line.strip(" \t")
            if (
                number in indents
                and line
                and has != indents[number]
                and (number in self.kept or not is_blank)
            ):
                self.edits.append(Edit(start, start + has, " " * indents[number]))
            self._edit_end(number, line)
        self._join_blank(lines)

    def _inside(self, lines: list[str], number: int) -> int:
        """Return the column of a comment that is deeper than what follows: that of the value that it ends."""
        column = _indent(lines[number])
        for above in range(number - 1, -1, -1):
            known = self.indents.get(above)
            if known is not None and known[0] <= column:
                return known[1] + (column - known[0])
        return column

    def _edit_end(self, number: int, line: str) -> None:
        """Remove the blanks at the end of a line, and tabs before a comment."""
        start = self.starts[number]
        inside = number in self.kept or number + 1 in self.kept
        rest = line.rstrip(" \t")
        if not inside and rest and rest != line:
            self.edits.append(Edit(start + len(rest), start + len(line), ""))
        found = None if inside else _TABBED.search(line)
        if found is not None and line[: found.start()].strip(" \t"):
            self.edits.append(Edit(start + found.start(), start + found.end(), "  "))

    def _join_blank(self, lines: list[str]) -> None:
        """Reduce several blank lines to one, and remove those at the start or the end."""
        blank = [not line.strip(" \t") and number not in self.kept for number, line in enumerate(lines)]
        for begin, end in _runs(blank):
            after = self.starts[end] if end < len(lines) else len(self.source)
            wanted = "\n" if begin and end < len(lines) else ""
            if self.source[self.starts[begin] : after] != wanted:
                self.edits.append(Edit(self.starts[begin], after, wanted))
        if lines[-1].strip(" \t") and len(lines) - 1 not in self.kept:
            self.edits.append(Edit(len(self.source), len(self.source), "\n"))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _runs(flags: list[bool]) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each run of true flags."""
    begin = None
    for number, flag in enumerate([*flags, False]):
        if flag and begin is None:
            begin = number
        elif not flag and begin is not None:
            yield begin, number
            begin = None
