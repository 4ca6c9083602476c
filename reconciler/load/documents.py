"""A document: plain data, and the place of every key and value in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.load import nodes
from reconciler.model.source import pack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.model.source import Position


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
        return nodes.place(self.source, nodes.find(self._root, path)[1])

    def written(self, path: tuple[str | int, ...]) -> str:
        """Return the text that stands for the scalar at ``path``, such as 1e5 for 100000."""
        return str(nodes.find(self._root, path)[1].value)

    def key_position(self, path: tuple[str | int, ...]) -> Position:
        """Return the place of the mapping key that ``path`` ends in."""
        return nodes.place(self.source, nodes.find(self._root, path)[0])

    def item_offsets(self, key: str) -> Sequence[int]:
        """Return the offsets of the items of the list under ``key`` of the document's mapping."""
        items = self.data[key]
        known = self.items.get(id(items))
        if known is not None:
            return known
        # An alias of a list that stands deeper in the document.
        return [pack(self.position((key, index))) for index in range(len(items))]

    @property
    def _root(self) -> Any:
        return nodes.compose(self.text)[self.index]
