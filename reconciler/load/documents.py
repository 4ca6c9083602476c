"""A document: plain data, and the position of every key and value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.frozen import dataclass
from reconciler.model.later import Later
from reconciler.model.source import Position, pack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.load import tree
else:
    tree = Later("reconciler.load.tree")


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One YAML document as plain Python data.

    ``items`` holds the offsets of the items of each list in the document's mapping, by the list's identity:
    every key of a plan has the position of its declaration. All other positions are needed for errors only,
    and are found by parsing ``text`` again, of which this is the ``index``-th document. ``places`` are the
    offsets of the members of ``defaults``, which many keys inherit. ``has_whole_floats`` is true if an
    integer is not written as digits alone.
    """

    source: str
    text: str
    index: int
    data: Any
    items: Mapping[int, Sequence[int]]
    places: Mapping[str, int]
    has_whole_floats: bool = False

    def position(self, path: tuple[str | int, ...] = ()) -> Position:
        """Return the position of the value at ``path``, or of its nearest existing parent."""
        return self._find(path)[1].position(self.source)

    def written(self, path: tuple[str | int, ...]) -> str:
        """Return the source text of the scalar at ``path``, such as 1e5 for 100000."""
        return self._find(path)[1].value

    def key_position(self, path: tuple[str | int, ...]) -> Position:
        """Return the position of the last mapping key in ``path``."""
        return self._find(path)[0].position(self.source)

    def item_offsets(self, key: str) -> Sequence[int]:
        """Return the offsets of the items of the list ``key`` in the document's mapping."""
        items = self.data[key]
        known = self.items.get(id(items))
        if known is not None:
            return known
        # An alias of a list that is deeper in the document.
        return [pack(self.position((key, index))) for index in range(len(items))]

    def default_offsets(self) -> Mapping[str, int]:
        """Return the offset of each default; for a merged one, that of its value in the anchor."""
        return {
            name: self.places[name] if name in self.places else pack(self.position(("defaults", name)))
            for name in self.data["defaults"]
        }

    def _find(self, path: tuple[str | int, ...]) -> tuple[tree.Node, tree.Node]:
        """Return the key node and the value node at ``path``, or those of the nearest existing parent."""
        root = tree.trees(self.text)[self.index]
        key = node = root
        for step in path:
            found = _child(root, node, step)
            if found is None:
                break
            key, node = found[0], _followed(root, found[1])
        return key, node


def _followed(root: tree.Node, node: tree.Node) -> tree.Node:
    return tree.anchors(root)[node.name] if node.shape is tree.Shape.ALIAS else node


def _child(root: tree.Node, node: tree.Node, step: str | int) -> tuple[tree.Node, tree.Node] | None:
    if node.shape is tree.Shape.SEQUENCE and isinstance(step, int) and step < len(node.children):
        return node.children[step], node.children[step]
    # Neither recursive nor twice over one mapping: merges may form long chains and wide webs.
    waiting, seen = [node], set[tree.Node]()
    while waiting:
        mapping = _followed(root, waiting.pop())
        if mapping.shape is not tree.Shape.MAPPING or mapping in seen:
            continue
        seen.add(mapping)
        members = tree.index(mapping)
        if isinstance(step, str) and step in members:
            return members[step]
        merge, value = members.get("<<", (None, None))
        if merge is not None and value is not None and not merge.style:
            value = _followed(root, value)
            waiting.extend(reversed(value.children) if value.shape is tree.Shape.SEQUENCE else [value])
    return None
