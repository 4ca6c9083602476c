"""The comments of a text and their owners: an edit in place must preserve both.

A comment behind something on its line belongs to that. A comment on a line of its own belongs to what
follows, unless it is indented deeper than that: then it belongs to the end of the list or mapping with its
indentation, or to the item or field that it is deeper than. A comment below another counts as no deeper than
that.
"""

from __future__ import annotations

import functools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import field
from enum import StrEnum
from itertools import count, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.adopt.edit.text import dash_of
from reconciler.load.characters import line_end, line_start
from reconciler.load.tree import Node, Part, Shape, after_blank, parts, properties_end
from reconciler.model.escape import escape_control
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.source import Position

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.adopt.edit.text import Edit


_IN_A_GAP: Final = expression(
    r"[&!][^\s,\[\]{}]*"  # an anchor or a tag
    r"|(?<![^\r\n])%(?:(?!\s#)[^\r\n])*"  # a directive
    r"|(?P<comment>#[^\r\n]*)"
)
_PASSED: Final = " \t\ufeff,:"
_LEAVES: Final = frozenset({Shape.SCALAR, Shape.ALIAS})

Path = tuple[str | int, ...]
_KEY: Final = 3
"""Length of the path of a key: its document, ``keys``, its index."""


class Bond(StrEnum):
    """How a comment belongs to its owner."""

    BEHIND = "behind"
    OPENING = "behind its opening bracket"
    DASH = "behind the dash of"
    ABOVE = "above"
    END = "at the end of"


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, its position, and its owner.

    The owner is the index of a document, then names of fields and items of lists: a key by its index, every
    other item by its text.
    """

    text: str
    bond: Bond
    owner: Path
    index: int = field(compare=False)

    def position(self, text: str, source: str) -> Position:
        """Return the place of the comment in a text."""
        before = text[: self.index]
        line = before.count("\n") + before.count("\r") - before.count("\r\n")
        return Position(source, line + 1, self.index - line_start(text, self.index) + 1)


def comments(text: str) -> tuple[Comment, ...]:
    """Return every comment of a text in order; it must have been built without an error before."""
    documents = parts(text)
    nodes = (node for part in documents if part.root for node in part.root.walk())
    # Where a parser sees one that is not written says nothing.
    scalars = [node for node in nodes if node.shape in _LEAVES and node.content < node.end]
    starts = [part.start for part in documents]
    finder = _Finder(text, scalars)
    found = []
    for index, comment in _comments(text, scalars):
        number = max(bisect_right(starts, index) - 1, 0)
        ends = starts[number + 1] if number + 1 < len(starts) else len(text)
        bond, owner = finder.bond(index, documents[number] if documents else None, ends)
        found.append(Comment(comment.rstrip(), bond, (number, *owner), index))
    return tuple(found)


def faults(
    before: str, after: str, orders: Mapping[int, Sequence[int]], removals: Sequence[Edit]
) -> Iterator[tuple[str, Comment | None]]:
    """Yield the faults in the comments of an edited text, each with the comment before it, if any.

    ``orders`` has, for each document, the index that each of its keys had before, a negative one for a new
    key. Comments of new keys and documents are new, those within ``removals`` are removed.
    """
    count = len(parts(before))
    owners: dict[Path, Path] = {
        (number, "keys", index): (number, "keys", at)
        for number, order in orders.items()
        for at, index in enumerate(order)
        if index >= 0
    }
    kept = {*owners.values()}
    every = (one for one in comments(after) if int(one.owner[0]) < count)
    found = iter([one for one in every if not _is_of_key(one.owner) or one.owner[:_KEY] in kept])
    for old in comments(before):
        if any(edit.start <= old.index < edit.end for edit in removals):
            continue
        now = next(found, None)
        owner = owners.get(old.owner[:_KEY]) if _is_of_key(old.owner) else old.owner[:_KEY]
        # One that was apart from a key that is gone remains, and is about what follows.
        is_same = owner is None or (
            now is not None and (now.bond, now.owner) == (old.bond, (*owner, *old.owner[_KEY:]))
        )
        if now is None or now.text != old.text or not is_same:
            yield f"the comment {escape_control(old.text)} would be lost or moved to something else", old
    for more in found:
        yield f"{escape_control(more.text)} would become a comment", None


def _is_of_key(owner: Path) -> bool:
    return len(owner) >= _KEY and owner[1] == "keys"


def _comments(text: str, scalars: Sequence[Node]) -> Iterator[tuple[int, str]]:
    """Yield the comments between the scalars, and behind the headers of block scalars, with their start."""
    gaps = []
    begin = 0
    for scalar in scalars:
        gaps.append((begin, scalar.content))
        begin = scalar.end
        if scalar.is_block:
            head = line_end(text, scalar.content)
            gaps.append((scalar.content, head))
            begin = max(scalar.end, head)
    gaps.append((begin, len(text)))
    for gap in gaps:
        for found in _IN_A_GAP.finditer(text, *gap):
            if found["comment"] is not None:
                yield found.start(), found[0]


class _Finder:
    """Finds the owners of comments."""

    def __init__(self, text: str, scalars: Sequence[Node]) -> None:
        self._text = text
        self._starts = [scalar.content for scalar in scalars]
        self._block = (-1, 0)
        self._blank = (0, 0)

    def bond(self, index: int, part: Part | None, ends: int) -> tuple[Bond, Path]:
        """Return how the comment at ``index`` belongs to its owner; its document ends before ``ends``."""
        if part is None or part.root is None:
            return Bond.END, ()
        text, start = self._text, line_start(self._text, index)
        before = text[start:index].rstrip(_PASSED)
        if not before:
            return self._alone(index, part.root, ends)
        last = start + len(before) - 1
        chain = _chain(part.root, last)
        node = chain[-1].node
        is_named = last < properties_end(text, node.start)
        if last < node.start or (_is_block(node) and not is_named):
            return Bond.DASH, self._next(index, part.root, ends) or ()
        is_opening = node.style == "[" and last == node.content
        return Bond.OPENING if is_opening else Bond.BEHIND, self._path(chain)

    def _alone(self, index: int, root: Node, ends: int) -> tuple[Bond, Path]:
        text = self._text
        around = _chain(root, index)
        if around[-1].node.style == "[" and around[-1].node.start < index < around[-1].node.end:
            inside = self._next(index, root, around[-1].node.end)
            return (Bond.END, self._path(around)) if inside is None else (Bond.ABOVE, inside)
        place = bisect_left(self._starts, index) - 1
        column = index - line_start(text, index)
        if self._block[0] == place:  # below one that is less deep
            column = min(column, self._block[1])
        self._block = (place, column)
        owner = self._next(index, root, ends)
        if owner is not None:
            if not self._blank[0] <= index < self._blank[1]:
                self._blank = (index, after_blank(text, index))
            following = self._blank[1]
            if column <= following - line_start(text, following):
                return Bond.ABOVE, owner
        if place < 0 or self._starts[place] < root.start:
            return Bond.END, ()
        chain = _chain(root, self._starts[place])
        for depth in range(len(chain) - 1, -1, -1):
            if not _is_block(chain[depth].node):
                continue
            own = self._column(chain[depth].node)
            if own <= column:
                return Bond.END, self._path(chain[: depth + 1 + (own < column)])
        return Bond.END, ()

    def _next(self, index: int, root: Node, ends: int) -> Path | None:
        """Return the path of the next scalar before ``ends``."""
        place = bisect_left(self._starts, index)
        if place == len(self._starts) or self._starts[place] >= ends:
            return None
        return self._path(_chain(root, self._starts[place]))

    def _column(self, node: Node) -> int:
        """Return the column of the lines of a block collection."""
        if node.shape is Shape.MAPPING:
            return node.children[0].column
        dash = dash_of(self._text, node, 0)
        return dash - line_start(self._text, dash)

    @staticmethod
    def _path(chain: Sequence[_Link]) -> Path:
        found: list[str | int] = []
        for parent, child in pairwise(chain):
            if parent.node.shape is Shape.MAPPING:
                found.append(parent.node.children[child.place - child.place % 2].value)
            elif found == ["keys"]:
                found.append(child.place)
            else:
                found += _numbered(parent.node)[child.place]
        return tuple(found)


@functools.lru_cache(maxsize=64)
def _numbered(sequence: Node) -> Sequence[tuple[str, int]]:
    """Return the text of each item, and how many equal items precede it."""
    seen: defaultdict[str, Iterator[int]] = defaultdict(count)
    return [(item, next(seen[item])) for item in map(_content, sequence.children)]


def _content(node: Node) -> str:
    """Return the content of a node, whatever its layout."""
    match node.shape:
        case Shape.ALIAS:
            return f"*{node.name}"
        case Shape.SCALAR:
            return repr((node.value, bool(node.style)))
    inside = [_content(child) for child in node.children]
    if node.shape is Shape.MAPPING:
        inside = sorted(map(": ".join, zip(inside[::2], inside[1::2], strict=True)))
    return f"{node.shape}({', '.join(inside)})"


class _Link(NamedTuple):
    """A node on the way to an index, and which child of the previous one it is."""

    node: Node
    place: int = 0


def _is_block(node: Node) -> bool:
    return node.is_block and node.shape is not Shape.SCALAR


def _chain(root: Node, index: int) -> list[_Link]:
    """Return the nodes that contain ``index``, from the outermost to the innermost; at least the root."""
    chain = [_Link(root)]
    while True:
        children = chain[-1].node.children
        place = bisect_right(children, index, key=attrgetter("start")) - 1
        if place < 0 or index >= max(children[place].end, children[place].start + 1):
            return chain
        chain.append(_Link(children[place], place))
