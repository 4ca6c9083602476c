"""The tree of a text as it is written: where each value begins and ends, anchors and aliases unexpanded.

Editing a text in place needs to know what stands there, not what it means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import Position
from reconciler.load import parser

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_PROPERTIES: Final = re.compile(r"(?:(?:&[\w-]+|![^\s,\[\]{}]*)\s*)*")
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
        """Give the keys and values of a mapping."""
        return zip(self.children[::2], self.children[1::2], strict=True)

    def pair(self, name: str) -> tuple[Node, Node] | None:
        """Give the key and value that are written under ``name``, which a merge does not do."""
        found = (pair for pair in self.pairs() if pair[0].shape is Shape.SCALAR and pair[0].value == name)
        return next(found, None)

    def walk(self) -> Iterator[Node]:
        """Give this node and every node in it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def position(self, source: str) -> Position:
        """Give the place of the node in ``source``."""
        return Position(source, self.line + 1, self.column + 1)


def trees(text: str) -> tuple[Node, ...]:
    """Give the tree of each document that is not empty.

    The text must have been built without an error before: that bounds the depth of the tree.
    """
    found = []
    stream = parser.events(text, parser.default_parser())
    for event in stream:
        if event is None:
            break
        if event.__class__ is parser.DocumentStartEvent:
            first = next(stream)
            root = _node(first, stream, text)
            if root.shape is not Shape.SCALAR or first.start_mark.index != first.end_mark.index:
                found.append(root)
    return tuple(found)


def _node(event: Any, stream: Iterator[Any], text: str) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    place = (event.start_mark.line, event.start_mark.column)
    if event.__class__ is parser.AliasEvent:
        return Node(Shape.ALIAS, start, start, end, *place, "", str(event.anchor), "")
    found = _PROPERTIES.match(text, start)
    content = min(found.end(), end) if found and found.end() > start else start
    name = event.anchor or ""
    if event.__class__ is parser.ScalarEvent:
        style = event.style or ""
        if style in _BLOCK_STYLES:
            end = _block_end(text, content, end)
        return Node(Shape.SCALAR, start, content, end, *place, style, name, event.value)
    is_mapping = event.__class__ is parser.MappingStartEvent
    children = []
    for child in stream:  # the parser has checked that each collection ends
        ending: Any = child.__class__
        if ending is parser.MappingEndEvent or ending is parser.SequenceEndEvent:
            if event.flow_style:
                end = child.end_mark.index
            break
        children.append(_node(child, stream, text))
    shape = Shape.MAPPING if is_mapping else Shape.SEQUENCE
    if event.flow_style:
        content = text.index("{" if is_mapping else "[", start)
        return Node(shape, start, content, end, *place, "[", name, "", tuple(children))
    content = children[0].start if children else start
    end = children[-1].end if children else start
    return Node(shape, start, content, end, *place, "", name, "", tuple(children))


def _block_end(text: str, content: int, end: int) -> int:
    """Give the end of the last line of a block scalar or its header; blank lines count if it keeps them."""
    body = text[content:end]
    header = body[: line_end(body, 0)].partition("#")[0]
    if "+" in header:
        ending = next((mark for mark in ("\r\n", "\n", "\r") if body.endswith(mark)), "")
        return end - len(ending)
    return content + len(body.rstrip(" \t\r\n"))


def properties_end(text: str, start: int) -> int:
    """Give where the anchor and the tag end that stand at ``start``; ``start`` itself if there are none."""
    found = _PROPERTIES.match(text, start)
    return start if found is None else start + len(found[0].rstrip())


def aliases(root: Node) -> dict[str, Node]:
    """Give one alias of each name that is used in a document."""
    return {node.name: node for node in root.walk() if node.shape is Shape.ALIAS}


def line_start(text: str, index: int) -> int:
    """Give where the line of ``index`` begins."""
    starts = [text.rfind(mark, 0, index) for mark in ("\n", "\r", "\x85", "\u2028", "\u2029")]
    return max(starts) + 1


def line_end(text: str, index: int) -> int:
    """Give where the line of ``index`` ends, before its line break."""
    found = _BREAK.search(text, index)
    return len(text) if found is None else found.start()


def next_line(text: str, index: int) -> int:
    """Give where the line after that of ``index`` begins; the end of the text if there is none."""
    found = _BREAK.search(text, index)
    return len(text) if found is None else found.end()


def newline(text: str) -> str:
    """Give the line break that a text uses first."""
    found = _BREAK.search(text)
    return found[0] if found and found[0] in {"\r\n", "\n", "\r"} else "\n"


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """A piece of a text that is replaced."""

    start: int
    end: int
    text: str


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Give a text with edits that do not overlap; of two at one place, the insertion comes first."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def inserted_lines(text: str, index: int, lines: Sequence[str]) -> Edit:
    """Put lines where the line of ``index`` has ended, with the line breaks of the text."""
    mark = newline(text)
    place = next_line(text, index)
    is_whole = place > index and _BREAK.fullmatch(text, line_end(text, index), place) is not None
    body = mark.join(lines)
    return Edit(place, place, f"{body}{mark}" if is_whole else f"{mark}{body}")
