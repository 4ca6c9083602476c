"""Add and remove members of mappings and items of the list of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.adopt.edit.spelling import field_lines, flow_text, json_line, json_lines
from reconciler.adopt.edit.text import (
    LONGEST_FLOW,
    Edit,
    dash_of,
    first_indentation,
    indentation,
    inserted_lines,
    is_first,
    newline,
    place_behind,
    removed_lines,
    separator,
)
from reconciler.load.characters import break_before, line_end, line_start, next_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.load.tree import Node


def member_added(text: str, mapping: Node, name: str, value: Any, behind: str | None = None) -> Edit:
    """Add a member to a mapping, behind another one or behind the first."""
    if not mapping.children:
        inside = mapping.content + 1
        return Edit(inside, inside, f"{flow_text(name)}: {flow_text(value)}")
    pair = None if behind is None else mapping.pair(behind)
    key, last = pair or (mapping.children[0], mapping.children[1])
    if mapping.is_block:
        return inserted_lines(text, last.end, field_lines(name, value, key.column))
    write = json_line if key.style == '"' else flow_text
    return Edit(last.end, last.end, f"{separator(text, key)}{write(name)}: {write(value)}")


def member_removed(text: str, mapping: Node, name: str) -> Edit | None:
    """Remove a member of a mapping; None if that would remove another value too."""
    pairs = list(mapping.pairs())
    place = next(number for number, (key, _) in enumerate(pairs) if key.value == name)
    key, value = pairs[place]
    if not mapping.is_block:
        if place:
            return Edit(pairs[place - 1][1].end, value.end, "")
        return Edit(key.start, pairs[1][0].start if len(pairs) > 1 else value.end, "")
    return removed_lines(text, key.start, value.end) if is_first(text, key.start) else None


def item_added(text: str, keys: Node, index: int, fields: Mapping[str, Any]) -> Edit:
    """Add a key behind another one, in its layout."""
    item = keys.children[index]
    if not keys.is_block:
        is_json = bool(item.children) and item.children[0].style == '"'
        mark = newline(text, item.start) + indentation(text, item.start)
        is_long = "\n" in text[item.start : item.end]
        spelled = flow_text(dict(fields))
        if is_json:
            spelled = (
                json_lines(dict(fields), first_indentation(text), mark)
                if is_long
                else json_line(dict(fields))
            )
        return Edit(item.end, item.end, f"{separator(text, item)}{spelled}")
    end, column, offset = place_behind(text, keys, index)
    in_line = f"{' ' * column}- {flow_text(dict(fields))}"
    if item.style == "[" and len(in_line) <= LONGEST_FLOW:
        lines = [in_line]
    else:
        lines = [line for name, value in fields.items() for line in field_lines(name, value, column + offset)]
        lines[0] = f"{' ' * column}-{' ' * (offset - 1)}{lines[0].lstrip(' ')}"
    like = max(index, min(1, len(keys.children) - 1))  # nothing is above the first that is about the others
    is_apart = like > 0 and _is_blank_above(text, _first_line(text, keys, like))
    return inserted_lines(text, end, ["", *lines] if is_apart else lines)


def item_removed(text: str, keys: Node, index: int) -> Edit | None:
    """Remove a key with its comments; None if it cannot be removed by complete lines or items."""
    item = keys.children[index]
    if not keys.is_block:
        if index:
            return Edit(keys.children[index - 1].end, item.end, "")
        return Edit(item.start, keys.children[1].start, "")
    dash = dash_of(text, keys, index)
    if not is_first(text, dash):
        return None
    first, (end, *_) = _first_line(text, keys, index), place_behind(text, keys, index)
    removed = removed_lines(text, first, end)
    is_followed = bool(text[removed.end : line_end(text, removed.end)].strip(" \t"))
    if is_followed or removed.start != first:
        return removed
    if _is_blank_above(text, first):
        return Edit(_line_above(text, first), removed.end, "")
    return removed if index else Edit(removed.start, next_line(text, removed.end), "")


def _first_line(text: str, keys: Node, index: int) -> int:
    """Return the start of the first comment directly above an item, or of its own line."""
    start = line_start(text, dash_of(text, keys, index))
    before = keys.children[index - 1].end if index else 0
    while (
        _line_above(text, start) >= before
        and start
        and text[_line_above(text, start) : start].lstrip(" \t").startswith("#")
    ):
        start = _line_above(text, start)
    return start


def _is_blank_above(text: str, start: int) -> bool:
    """Return whether the line above the one that begins at ``start`` is blank."""
    return start > 0 and not text[_line_above(text, start) : start].strip()


def _line_above(text: str, start: int) -> int:
    return line_start(text, start - len(break_before(text, start)))
