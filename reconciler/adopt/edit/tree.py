"""The tree of a text as it is written: where each value begins and ends, anchors and aliases unexpanded.

Editing a text in place needs to know what is written, not what it means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from reconciler.load.characters import line_start
from reconciler.load.parser import events, suited_parser
from reconciler.model.source import Position

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BREAK: Final = re.compile("\r\n|[\n\r]")
_PROPERTY: Final = re.compile(r"[&!][^ \t\r\n,\[\]{}]*")
_INDENTED: Final = re.compile(r"(?<=[\r\n])[ \t]+")
_BLANK: Final = re.compile(r"(?:[ \t\r\n\ufeff]+|#[^\r\n]*)*")
_BLOCK_STYLES: Final = frozenset({"|", ">"})


class Shape(StrEnum):
    """What a node is."""

    SCALAR = "scalar"
    ALIAS = "alias"
    MAPPING = "mapping"
    SEQUENCE = "sequence"


@dataclass(frozen=True, slots=True)
class Node:
    """One value as it is written.

    ``start`` is where it begins, with its anchor and tag; ``content`` where it begins without them; ``end``
    where its last visible character ends, all counted in characters. The children of a mapping are its keys
    and values in turn. ``name`` is that of an alias or anchor. ``style`` is that of a scalar, or ``[`` for a
    collection between brackets.
    """

    shape: Shape
    start: int
    content: int
    end: int
    line: int
    column: int
    style: str
    name: str
    value: str
    children: tuple[Node, ...] = ()

    @property
    def is_block(self) -> bool:
        """Whether the value is a block scalar, or a collection without brackets."""
        if self.shape is Shape.SCALAR:
            return self.style in _BLOCK_STYLES
        return self.shape is not Shape.ALIAS and self.style != "["

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Return the keys and values of a mapping."""
        return zip(self.children[::2], self.children[1::2], strict=True)

    def pair(self, name: str) -> tuple[Node, Node] | None:
        """Return the key and value that are written under ``name``, which a merge does not do."""
        found = (pair for pair in self.pairs() if pair[0].shape is Shape.SCALAR and pair[0].value == name)
        return next(found, None)

    def walk(self) -> Iterator[Node]:
        """Return this node and every node in it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def position(self, source: str) -> Position:
        """Return the place of the node in ``source``."""
        return Position(source, self.line + 1, self.column + 1)


@dataclass(frozen=True, slots=True)
class Part:
    """A document, which begins with its directives or its ``---``; ``root`` is None if it is empty."""

    start: int
    root: Node | None


def parts(text: str) -> tuple[Part, ...]:
    """Return every document, the empty ones too.

    The text must have been built without an error before: that bounds the depth of the trees.
    """
    found = []
    stream = events(text, suited_parser(text))
    for event in stream:
        if event is None:
            break
        if event.__class__ is DocumentStartEvent:
            first = next(stream)
            root = _node(first, stream, text)
            is_empty = root.shape is Shape.SCALAR and first.start_mark.index == first.end_mark.index
            begin: Any = event.start_mark
            found.append(Part(begin.index, None if is_empty else root))
    return tuple(found)


def trees(text: str) -> tuple[Node, ...]:
    """Return the tree of each document that is not empty; see :func:`parts`."""
    return tuple(part.root for part in parts(text) if part.root is not None)


def _node(event: Any, stream: Iterator[Any], text: str) -> Node:
    start, end = event.start_mark.index, min(event.end_mark.index, len(text))
    place = (event.start_mark.line, event.start_mark.column)
    if event.__class__ is AliasEvent:
        return Node(Shape.ALIAS, start, start, end, *place, "", str(event.anchor), "")
    named = properties_end(text, start)
    content = min(after_blank(text, named), end) if named > start else start
    name = event.anchor or ""
    if event.__class__ is ScalarEvent:
        style = event.style or ""
        if style in _BLOCK_STYLES:
            end = _block_end(text, content, end)
        return Node(Shape.SCALAR, start, content, end, *place, style, name, event.value)
    is_mapping = event.__class__ is MappingStartEvent
    children = []
    for child in stream:  # the parser has checked that each collection ends
        ending: Any = child.__class__
        if ending is MappingEndEvent or ending is SequenceEndEvent:
            if event.flow_style:
                end = child.end_mark.index
            break
        children.append(_node(child, stream, text))
    shape = Shape.MAPPING if is_mapping else Shape.SEQUENCE
    if event.flow_style:
        content = after_blank(text, named) if named > start else start
        return Node(shape, start, content, end, *place, "[", name, "", tuple(children))
    content = children[0].start if children else start
    end = children[-1].end if children else start
    return Node(shape, start, content, end, *place, "", name, "", tuple(children))


def _block_end(text: str, content: int, end: int) -> int:
    """Return the end of a block scalar's last line or header; blank lines count if the header says so."""
    body = text[content:end]
    header = body[: line_end(body, 0)].partition("#")[0]
    if "+" in header:
        ending = next((mark for mark in ("\r\n", "\n", "\r") if body.endswith(mark)), "")
        return end - len(ending)
    return content + len(body.rstrip(" \t\r\n"))


def properties_end(text: str, start: int) -> int:
    """Return where the anchor and the tag at ``start`` end; ``start`` itself if there are none."""
    place = start
    while (found := _PROPERTY.match(text, place)) is not None:
        start = found.end()
        place = after_blank(text, start)
    return start


def aliases(root: Node) -> dict[str, Node]:
    """Return one alias of each name that is used in a document."""
    return {node.name: node for node in root.walk() if node.shape is Shape.ALIAS}


def after_blank(text: str, index: int) -> int:
    """Return where the next thing begins that is not a blank, line break or comment."""
    found = _BLANK.match(text, index)
    return index if found is None else found.end()


def dash_of(text: str, sequence: Node, index: int) -> int:
    """Return where the dash of an item of a block sequence is."""
    before = properties_end(text, sequence.start) if index == 0 else sequence.children[index - 1].end
    return after_blank(text, before)


def end_of_comments(text: str, index: int, column: int) -> int:
    """Return where the last comment ends that belongs to the item that ends at ``index``.

    Those are the ones deeper than its dash, which is at ``column``, also behind empty lines.
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
    """Return the blanks that the line of ``index`` begins with."""
    start = line_start(text, index)
    line = text[start : line_end(text, start)]
    return line[: len(line) - len(line.lstrip(" \t"))]


def line_end(text: str, index: int) -> int:
    """Return where the line of ``index`` ends, before its line break."""
    found = _BREAK.search(text, index)
    return len(text) if found is None else found.start()


def next_line(text: str, index: int) -> int:
    """Return where the line after that of ``index`` begins; the end of the text if there is none."""
    found = _BREAK.search(text, index)
    return len(text) if found is None else found.end()


def first_indentation(text: str) -> str:
    """Return the blanks before the first line that has some; none if no line has."""
    found = _INDENTED.search(text)
    return "" if found is None else found[0]


def newline(text: str, index: int) -> str:
    """Return the line break of the line of ``index``; of a last line without one, that of the line before."""
    found = _BREAK.search(text, index)
    return found[0] if found else break_before(text, line_start(text, index)) or "\n"


def break_before(text: str, start: int) -> str:
    """Return the line break before the line that begins at ``start``; nothing if that is the first."""
    return "\r\n" if text[max(start - 2, 0) : start] == "\r\n" else text[max(start - 1, 0) : start]


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """A piece of a text that is replaced."""

    start: int
    end: int
    text: str


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Return a text with edits that do not overlap; of two at one place, the insertion comes first."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def removed_lines(text: str, start: int, end: int) -> Edit:
    """Remove the lines from that of ``start`` to that of ``end``; a last line break is as before."""
    first, behind = line_start(text, start), next_line(text, end)
    if line_end(text, end) == len(text):
        first -= len(break_before(text, first))
    return Edit(first, behind, "")


def inserted_lines(text: str, index: int, lines: Sequence[str]) -> Edit:
    """Insert lines where the line of ``index`` has ended, with the line break of that line."""
    mark = newline(text, index)
    place = next_line(text, index)
    is_whole = place > index and _BREAK.fullmatch(text, line_end(text, index), place) is not None
    body = mark.join(lines)
    return Edit(place, place, f"{body}{mark}" if is_whole else f"{mark}{body}")
