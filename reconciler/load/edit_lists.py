"""Adding items to a written list and removing some, while those that stay keep their text and remarks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from reconciler.load.spelling import block_text, field_lines, flow_text
from reconciler.load.tree import Edit, Node, Shape, inserted_lines, line_start, next_line
from reconciler.render.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMA: Final = re.compile(r"\s*,")

Same = Callable[[Any], str] | None
"""Gives the text by which two items of a set are the same; None for a list whose order counts."""


def of_items(
    text: str, written: Node, values: tuple[Sequence[Any], Sequence[Any]], same: Callable[[Any], str]
) -> Sequence[Edit] | None:
    """Give the edits that turn the first of ``values``, as it is written, into the second.

    None where no item stays, or where the list is laid out in a way that is easier written anew.
    """
    old, new = values
    wanted = {same(item) for item in new}
    there = {same(item) for item in old}
    stays = [same(item) in wanted for item in old]
    added = [item for item in new if same(item) not in there]
    if not any(stays):
        return None
    if written.is_block:
        return _of_lines(text, written, stays, added)
    return _of_flow(text, written, stays, added)


def _of_lines(text: str, written: Node, stays: Sequence[bool], added: Sequence[Any]) -> Sequence[Edit] | None:
    edits: list[Edit] = []
    before = written.start
    column = 0
    for item, stay in zip(written.children, stays, strict=True):
        dash = text.rfind("-", before, item.start)
        start = line_start(text, dash)
        if dash < 0 or text[start:dash].strip(" "):
            return None
        column = dash - start
        before = item.end
        if not stay:
            edits.append(Edit(start, next_line(text, item.end), ""))
    last = max(index for index, stay in enumerate(stays) if stay)
    if added:
        example = written.children[last]
        spell = _fields_as_lines if example.shape is Shape.MAPPING and example.is_block else _one_line
        lines = [line for item in added for line in spell(item, column)]
        edits.append(inserted_lines(text, example.end, lines))
    return edits


def _one_line(item: Any, column: int) -> list[str]:
    return [f"{' ' * column}- {block_text(item)}"]


def _fields_as_lines(item: Any, column: int) -> list[str]:
    fields = [line for name, value in item.items() for line in field_lines(name, value, column + 2)]
    return [f"{' ' * column}- {fields[0].lstrip(' ')}", *fields[1:]]


def _of_flow(text: str, written: Node, stays: Sequence[bool], added: Sequence[Any]) -> Sequence[Edit]:
    edits: list[Edit] = []
    items = written.children
    last = max(index for index, stay in enumerate(stays) if stay)
    for index, (item, stay) in enumerate(zip(items, stays, strict=True)):
        if stay:
            continue
        if index < last:
            edits.append(Edit(item.start, items[index + 1].start, ""))
        elif index == last + 1 and "#" not in text[items[last].end : items[-1].end]:
            edits.append(Edit(items[last].end, items[-1].end, ""))
        elif "#" in text[items[last].end : items[-1].end]:
            edits.append(_without_item(text, items, index))
    if added:
        is_json = text[items[last].end - 1] in '"}' and '{"' in text[items[last].start : items[last].end]
        spell = quoted if is_json else flow_text
        more = "".join(f", {spell(item)}" for item in added)
        edits.append(Edit(items[last].end, items[last].end, more))
    return edits


def _without_item(text: str, items: Sequence[Node], index: int) -> Edit:
    """Remove an item and the comma behind it, so that the remarks before it stay."""
    comma = _COMMA.match(text, items[index].end)
    return Edit(items[index].start, items[index].end if comma is None else comma.end(), "")
