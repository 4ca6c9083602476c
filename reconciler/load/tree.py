"""The tree of a text as written: where each value begins and ends, anchors and aliases unexpanded.

Positions in messages and edits in place need the source text of values, not their meaning.
"""

from __future__ import annotations

import functools
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.load.characters import line_end
from reconciler.load.parser import events, suited_parser
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.source import Position

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PROPERTY: Final = expression(r"[&!][^ \t\r\n,\[\]{}]*")
_BLANK: Final = expression(r"(?:[ \t\r\n\ufeff]+|#[^\r\n]*)*")
_BLOCK_STYLES: Final = frozenset({"|", ">"})


class Shape(StrEnum):
    """The type of a node."""

    SCALAR = "scalar"
    ALIAS = "alias"
    MAPPING = "mapping"
    SEQUENCE = "sequence"


_SHAPES: Final = {
    AliasEvent: Shape.ALIAS,
    MappingStartEvent: Shape.MAPPING,
    ScalarEvent: Shape.SCALAR,
    SequenceStartEvent: Shape.SEQUENCE,
}


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value as written.

    ``start`` is the index where it begins, with its anchor and tag; ``content`` where it begins without them;
    ``end`` where its last visible character ends. The children of a mapping are its keys and values in turn.
    ``name`` is that of an alias or anchor. ``style`` is that of a scalar, or ``[`` for a collection between
    brackets.
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
        """Yield the keys and values of a mapping."""
        return zip(self.children[::2], self.children[1::2], strict=True)

    def pair(self, name: str) -> tuple[Node, Node] | None:
        """Return the key and value of the member ``name``, without merged members."""
        return index(self).get(name)

    def walk(self) -> Iterator[Node]:
        """Yield this node and every node in it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def position(self, source: str) -> Position:
        """Return the position of the node in ``source``."""
        return Position(source, self.line + 1, self.column + 1)


@dataclass(frozen=True, slots=True)
class Part:
    """A document, from its directives or its ``---``; ``root`` is None if it is empty."""

    start: int
    root: Node | None


@functools.lru_cache(maxsize=1)
def parts(text: str) -> tuple[Part, ...]:
    """Return every document, including empty ones.

    This is slower than building the documents, so it is called only for positions. The text must have been
    built without an error before, which bounds the depth of the trees.
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


@functools.lru_cache(maxsize=1)
def trees(text: str) -> tuple[Node, ...]:
    """Return the tree of each document that is not empty; see :func:`parts`."""
    return tuple(part.root for part in parts(text) if part.root is not None)


@functools.lru_cache(maxsize=1)
def anchors(root: Node) -> Mapping[str, Node]:
    """Return the value of each anchor of a document."""
    return {node.name: node for node in root.walk() if node.name and node.shape is not Shape.ALIAS}


@functools.lru_cache(maxsize=64)
def index(mapping: Node) -> Mapping[str, tuple[Node, Node]]:
    """Return the keys and values of a mapping by key, for repeated lookups."""
    return {key.value: (key, value) for key, value in mapping.pairs() if key.shape is Shape.SCALAR}


def _node(event: Any, stream: Iterator[Any], text: str) -> Node:
    shape, mark = _SHAPES[event.__class__], event.start_mark
    start, end = mark.index, min(event.end_mark.index, len(text))
    content, style, value = start, "", ""
    children: list[Node] = []
    if shape is not Shape.ALIAS and (event.anchor or event.tag):
        content = min(after_blank(text, properties_end(text, start)), end)
    if shape is Shape.SCALAR:
        style, value = event.style or "", event.value
        if style in _BLOCK_STYLES:
            end = _block_end(text, content, end)
    elif shape is not Shape.ALIAS:
        for child in stream:  # the parser has checked that each collection ends
            ending: Any = child.__class__
            if ending is MappingEndEvent or ending is SequenceEndEvent:
                break
            children.append(_node(child, stream, text))
        if event.flow_style:
            style, end = "[", child.end_mark.index
        else:
            content, end = children[0].start, children[-1].end
    name = event.anchor or ""
    return Node(shape, start, content, end, mark.line, mark.column, style, name, value, tuple(children))


def _block_end(text: str, content: int, end: int) -> int:
    """Return the end of a block scalar's last line or header, with the blank lines that the header keeps."""
    body = text[content:end]
    header = body[: line_end(body, 0)].partition("#")[0]
    if "+" in header:
        ending = next((mark for mark in ("\r\n", "\n", "\r") if body.endswith(mark)), "")
        return end - len(ending)
    return content + len(body.rstrip(" \t\r\n"))


def properties_end(text: str, start: int) -> int:
    """Return the index where the anchor and the tag at ``start`` end; ``start`` if there are none."""
    place = start
    while (found := _PROPERTY.match(text, place)) is not None:
        start = found.end()
        place = after_blank(text, start)
    return start


def after_blank(text: str, index: int) -> int:
    """Return the index of the next character that is not a blank, line break or part of a comment."""
    found = _BLANK.match(text, index)
    return index if found is None else found.end()
