"""Add items to a list in a text and remove some; the others retain their text and comments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from reconciler.adopt.edit.spelling import block_text, field_lines, json_line
from reconciler.adopt.edit.text import (
    Edit,
    dash_of,
    end_of_comments,
    indentation,
    inserted_lines,
    is_first,
    newline,
    removed_lines,
    separator,
)
from reconciler.load.characters import line_end, line_start, next_line
from reconciler.load.tree import Node, Shape
from reconciler.model.expressions import expression

_COMMA: Final = expression(r"\s*,")
_GAP: Final = expression(r"\s*,\s*")
_COLON: Final = expression(r"\s*:\s*")
_COMMENT: Final = expression(r"[ \t]*(,?)[ \t]*#[^\r\n]*")

Same = Callable[[Any], str] | None
"""Returns the text by which two items of a set are the same; None for a list whose order counts."""
Word = Callable[[Any], str]
"""Writes a value in one line between brackets: ``flow_text`` or ``json_line``."""
Spell = Callable[[Any, int], Sequence[str]]
"""Writes an item of a block list as lines whose dash is at a column."""


def of_items(
    text: str,
    written: Node,
    values: tuple[Sequence[Any], Sequence[Any]],
    same: Callable[[Any], str],
    word: Word,
) -> Sequence[Edit] | None:
    """Return the edits that turn the first of ``values``, as it is written, into the second.

    Items between brackets are added by ``word``, or as JSON where the last that stays is JSON. None where no
    item stays, or where the list is laid out in a way that is easier written again.
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
    return [
        *_less_of_flow(text, written.children, stays),
        *_more_of_flow(text, written.children, stays, added, word),
    ]


def _of_lines(text: str, written: Node, stays: Sequence[bool], added: Sequence[Any]) -> Sequence[Edit] | None:
    gone: list[tuple[int, int]] = []
    column = 0
    for index, (item, stay) in enumerate(zip(written.children, stays, strict=True)):
        dash = dash_of(text, written, index)
        start = line_start(text, dash)
        if not is_first(text, dash):
            return None
        column = dash - start
        if not stay:
            begin = gone.pop()[0] if gone and gone[-1][1] == start else start
            gone.append((begin, next_line(text, item.end)))
    if not added:
        return [removed_lines(text, start, end - 1) for start, end in gone]
    example = written.children[_last(stays)]
    spell = spelling_of(example)
    lines = [line for item in added for line in spell(item, column)]
    come = inserted_lines(text, end_of_comments(text, example.end, column), lines)
    if gone and gone[-1] == (
        come.start,
        len(text),
    ):  # in their place; a last line break only if there was one
        new = come.text if text[-1] in "\r\n" else come.text.rstrip("\r\n")
        return [*(Edit(*lost, "") for lost in gone[:-1]), Edit(come.start, len(text), new)]
    return [*(removed_lines(text, start, end - 1) for start, end in gone), come]


def spelling_of(example: Node) -> Spell:
    """Return a function that writes an item in the style of another one of the list."""
    return _fields_as_lines if example.shape is Shape.MAPPING and example.is_block else _one_line


def _one_line(item: Any, column: int) -> list[str]:
    return [f"{' ' * column}- {block_text(item)}"]


def _fields_as_lines(item: Any, column: int) -> list[str]:
    if not (isinstance(item, dict) and item):
        return _one_line(item, column)
    fields = [line for name, value in item.items() for line in field_lines(name, value, column + 2)]
    return [f"{' ' * column}- {fields[0].lstrip(' ')}", *fields[1:]]


def _last(stays: Sequence[bool]) -> int:
    return max(index for index, stay in enumerate(stays) if stay)


def _less_of_flow(text: str, items: Sequence[Node], stays: Sequence[bool]) -> Iterator[Edit]:
    """Remove items in brackets."""
    last = _last(stays)
    has_comment = "#" in text[items[last].end : items[-1].end]
    for index, (item, stay) in enumerate(zip(items, stays, strict=True)):
        if stay:
            continue
        if index < last and "#" not in text[item.end : items[index + 1].start]:
            yield Edit(item.start, items[index + 1].start, "")
        elif index < last or has_comment:
            yield _without_item(text, items, index)
        elif index == last + 1:
            yield Edit(items[last].end, items[-1].end, "")


def _without_item(text: str, items: Sequence[Node], index: int) -> Edit:
    """Remove an item and the comma behind it, or the line of both, without the comments beside it."""
    item = items[index]
    comma = _COMMA.match(text, item.end)
    end = item.end if comma is None else comma.end()
    start, rest = line_start(text, item.start), line_end(text, end)
    if text[start : item.start].strip(" \t") or text[end:rest].strip(" \t"):
        return Edit(item.start, end, "")
    return removed_lines(text, start, end)


def _more_of_flow(
    text: str, items: Sequence[Node], stays: Sequence[bool], added: Sequence[Any], word: Word
) -> Iterator[Edit]:
    """Add items in brackets, in the layout of the last remaining one, and behind its comment."""
    if not added:
        return
    last = items[_last(stays)]
    comma, spelled = _layout(text, last, word)
    comment = _COMMENT.match(text, last.end)
    if comment is None:
        gap = _gap(text, items, _last(stays), comma)
        yield Edit(last.end, last.end, "".join(gap + spelled(item) for item in added))
        return
    if not comment[1]:
        yield Edit(last.end, last.end, ",")
    pad = indentation(text, last.start)
    if not is_first(text, last.start):
        pad = " " * min(item.column for item in items if item.line == last.line)
    mark = newline(text, last.end) + pad
    yield Edit(comment.end(), comment.end(), mark + f",{mark}".join(spelled(item) for item in added))


def _gap(text: str, items: Sequence[Node], last: int, comma: str) -> str:
    """Return the separator between an item and the next."""
    for first in (last - 1, last):
        if 0 <= first < len(items) - 1:
            gap = text[items[first].end : items[first + 1].start]
            if _GAP.fullmatch(gap):
                return gap
    return separator(text, items[last], comma)


def _layout(text: str, example: Node, word: Word) -> tuple[str, Word]:
    """Return the separator of two items on one line, and a function that writes one like an example."""
    pairs = list(example.pairs()) if example.shape is Shape.MAPPING and example.style == "[" else []
    word = json_line if (pairs[0][0] if pairs else example).style == '"' else word
    if not pairs:
        return ", ", word
    opening = text[example.content + 1 : pairs[0][0].start]
    colon = text[pairs[0][0].end : pairs[0][1].start]
    comma = text[pairs[0][1].end : pairs[1][0].start] if len(pairs) > 1 else ", "
    closing = text[pairs[-1][1].end : example.end - 1]
    if (opening + closing).strip() or not _COLON.fullmatch(colon) or not _GAP.fullmatch(comma):
        return ", ", word
    colon = colon if word is json_line or colon[-1].isspace() else ": "

    def spelled(item: Any) -> str:
        if not isinstance(item, dict) or not item:
            return word(item)
        fields = (f"{word(name)}{colon}{word(value)}" for name, value in item.items())
        return f"{{{opening}{comma.join(fields)}{closing}}}"

    return "," if comma == "," else ", ", spelled
