"""Add keys to a text that declares others, without changing a character of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from reconciler.adopt.edit.text import INDENT, Edit, dash_of, inserted_lines, is_first, newline, place_behind
from reconciler.errors import InputError
from reconciler.load.characters import line_end, line_start
from reconciler.load.tree import Node, Shape, trees
from reconciler.model.frozen import dataclass
from reconciler.model.source import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class ListPlace:
    """The end of a document's list of keys: the column of its dashes, and the offset of its fields.

    ``index`` is on the line that the new keys follow; ``removed`` is an empty list in brackets that they
    replace.
    """

    index: int
    column: int
    offset: int
    removed: Edit | None = None


def end_of_keys(text: str, source: str, document: int) -> ListPlace:
    """Return the end of the list of keys of a document.

    Raises InputError where no key can be added to it.
    """
    root = trees(text)[document]
    found = root.pair("keys")
    if found is None:
        _refuse(root, source, "the list of keys comes from a merge key (<<)")
    key, keys = found
    if keys.shape is Shape.ALIAS:
        _refuse(keys, source, f"the list of keys is the alias *{keys.name}")
    if keys.name and any(node.shape is Shape.ALIAS and node.name == keys.name for node in root.walk()):
        _refuse(keys, source, f"the list of keys is used elsewhere as *{keys.name}")
    if root.style == "[":
        _refuse(root, source, "the document is in flow style ([...] or {...})")
    return _empty(text, source, key, keys) if keys.style == "[" else _block(text, source, keys)


def appended(text: str, place: ListPlace, lines: Sequence[str]) -> Sequence[Edit]:
    """Add lines to a list of keys."""
    edits = [inserted_lines(text, place.index, lines)]
    return edits if place.removed is None else [place.removed, *edits]


def document_added(text: str, lines: Sequence[str]) -> Edit:
    """Add a document at the end of a text, in its line breaks."""
    mark, end = newline(text, len(text)), len(text)
    gap = "" if not text or line_start(text, end) == end else mark
    head = ["---"] if trees(text) else []
    return Edit(end, end, gap + mark.join([*head, *lines]) + mark)


def _empty(text: str, source: str, key: Node, keys: Node) -> ListPlace:
    inside = text[keys.content + 1 : keys.end - 1]
    after = text[keys.end : line_end(text, keys.end)].strip()
    if keys.children or inside.strip(" ") or (after and not after.startswith("#")):
        _refuse(keys, source, "the list of keys is in flow style ([...] or {...})")
    named = text[keys.start : keys.content].rstrip(" ")
    colon = key.end + len(text[key.end : keys.start].rstrip(" "))
    removed = Edit(colon, keys.end, f" {named}" if named else "")
    return ListPlace(keys.end, key.column + INDENT, INDENT, removed)


def _block(text: str, source: str, keys: Node) -> ListPlace:
    if not is_first(text, dash_of(text, keys, 0)):
        _refuse(keys, source, "the list of keys does not begin on a line of its own")
    return ListPlace(*place_behind(text, keys, len(keys.children) - 1))


def _refuse(node: Node, source: str, reason: str) -> NoReturn:
    advice = "write it as a list with one dash for each key, or add the keys by hand"
    raise InputError([Problem(f"{reason}, so no key can be added to it; {advice}", node.position(source))])
