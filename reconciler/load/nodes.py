"""Node trees of texts: the place of every key and value, found again when it is wanted."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from reconciler.load.parser import MappingNode, ScalarNode, SequenceNode, node_trees
from reconciler.model.source import Position

if TYPE_CHECKING:
    from reconciler.load.parser import Node

_MERGE_TAG: Final = "tag:yaml.org,2002:merge"


@functools.lru_cache(maxsize=1)
def compose(text: str) -> tuple[Node, ...]:
    """Return the node tree of each document of ``text`` that is not empty, with the place of every node.

    Twice as slow as the events, so it is asked for only when a place is wanted. The text must have
    been built without an error before: that bounds the depth of the tree.
    """
    return tuple(node for node in node_trees(text) if not _is_empty(node))


def find(node: Any, path: tuple[str | int, ...]) -> tuple[Any, Any]:
    """Return the key node and the value node at ``path``, or those of the nearest parent that exists."""
    key = node
    for step in path:
        found = _child(node, step)
        if found is None:
            break
        key, node = found
    return key, node


def place(source: str, node: Any) -> Position:
    """Return the position of a node."""
    return Position(source, node.start_mark.line + 1, node.start_mark.column + 1)


def _is_empty(node: Any) -> bool:
    return isinstance(node, ScalarNode) and node.start_mark.index == node.end_mark.index


def _child(node: Any, step: str | int) -> tuple[Any, Any] | None:
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    if not isinstance(node, MappingNode):
        return None
    # Neither recursive nor twice over one mapping: merges may form long chains and wide webs.
    waiting = [node]
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
