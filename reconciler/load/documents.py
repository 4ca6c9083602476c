"""A document: plain data, and the place of every key and value in it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.load.parser import node_trees
from reconciler.model.source import Position, pack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MERGE_TAG: Final = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One YAML document as plain Python data.

    ``items`` holds the offsets of the items of each list of the document's mapping, by the
    list's identity: every key of a plan says where it was declared. All other places are needed only
    to report an error, and are then found by parsing ``text`` again, of which this is the
    ``index``-th document. ``has_whole_floats`` says that some whole number is not written as digits alone.
    """

    source: str
    text: str
    index: int
    data: Any
    items: Mapping[int, Sequence[int]]
    has_whole_floats: bool = False

    def position(self, path: tuple[str | int, ...] = ()) -> Position:
        """Return the place of the value at ``path``, or of its nearest parent that exists."""
        return self._position(self._find(path)[1])

    def written(self, path: tuple[str | int, ...]) -> str:
        """Return how the scalar at ``path`` is written, such as 1e5 for 100000."""
        return str(self._find(path)[1].value)

    def key_position(self, path: tuple[str | int, ...]) -> Position:
        """Return the place of the mapping key that ``path`` ends in."""
        return self._position(self._find(path)[0])

    def item_offsets(self, key: str) -> Sequence[int]:
        """Return the offsets of the items of the list under ``key`` of the document's mapping."""
        items = self.data[key]
        known = self.items.get(id(items))
        if known is not None:
            return known
        # An alias of a list that is deeper in the document.
        return [pack(self.position((key, index))) for index in range(len(items))]

    def _position(self, node: Any) -> Position:
        return Position(self.source, node.start_mark.line + 1, node.start_mark.column + 1)

    def _find(self, path: tuple[str | int, ...]) -> tuple[Any, Any]:
        """Return the key node and the value node at ``path``, or those of the nearest parent that exists."""
        key = node = _composed(self.text)[self.index]
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            key, node = found
        return key, node


@functools.lru_cache(maxsize=1)
def _composed(text: str) -> tuple[Node, ...]:
    """Return the node tree of each document of ``text`` that is not empty, with the place of every node.

    Twice as slow as the events, so it is asked for only when a place is wanted. The text must have
    been built without an error before: that bounds the depth of the tree.
    """
    return tuple(
        node
        for node in node_trees(text)
        if not isinstance(node, ScalarNode) or node.start_mark.index != node.end_mark.index
    )


def _child(node: Any, step: str | int) -> tuple[Any, Any] | None:
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    # Neither recursive nor twice over one mapping: merges may form long chains and wide webs.
    waiting = [node] if isinstance(node, MappingNode) else []
    seen: set[int] = set()
    while waiting:
        mapping = waiting.pop()
        if id(mapping) in seen:
            continue
        seen.add(id(mapping))
        found = _index(mapping).get(step)
        if found is not None:
            return found
        waiting.extend(reversed(_merged(mapping)))
    return None


def _index(mapping: Any) -> dict[Any, tuple[Any, Any]]:
    """Return key and value nodes by key; made once for a mapping, as it may be asked for each of its keys."""
    index: dict[Any, tuple[Any, Any]] | None = getattr(mapping, "index", None)
    if index is None:
        index = {key.value: (key, value) for key, value in mapping.value if isinstance(key, ScalarNode)}
        mapping.index = index
    return index


def _merged(mapping: MappingNode) -> list[MappingNode]:
    """Return the mappings that a mapping merges, the first of which wins."""
    for key, value in mapping.value:
        if key.tag == _MERGE_TAG:
            return value.value if isinstance(value, SequenceNode) else [value]
    return []
