"""Replace the value of one field of a declared key in its text, and nothing else.

A value that other keys share, by an anchor or a merge, is not replaced: that would change them too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from reconciler.adopt.edit import lists
from reconciler.adopt.edit.spelling import (
    block_text,
    flow_text,
    json_line,
    json_lines,
    literal_lines,
    single_quoted,
)
from reconciler.adopt.edit.text import (
    INDENT,
    LONGEST_FLOW,
    Edit,
    dash_of,
    first_indentation,
    indentation,
    is_first,
    newline,
    removed_lines,
)
from reconciler.errors import InputError
from reconciler.load.characters import line_end, line_start, next_line
from reconciler.load.tree import Node, Shape, properties_end, trees
from reconciler.model.escape import quoted
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.source import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Refuse = Callable[[Node, str], NoReturn]

_HEADER: Final = expression(r"[|>][-+0-9]*")
_COLON: Final = expression(r"[ \t]*:")
_TAG: Final = expression(r"(![^\s,\[\]{}]*)[ \t]*")
_TAGGED: Final = ((str, "!"), (str, "str"), (str, "str>"), (list, "seq"), (dict, "map"))
_MERGE: Final = "<<"


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a declared key in the text; ``in_flow`` if it is in brackets."""

    key: Node
    value: Node
    in_flow: bool

    @property
    def is_json(self) -> bool:
        """Whether the field is written as JSON."""
        return self.in_flow and self.key.style == '"'


def place_of(text: str, source: str, path: tuple[int, int, str], address: str) -> Place:
    """Return the field at ``path``: the document, the index of the key, the field's name.

    Raises InputError, with the position and the reason, if others share the value.
    """
    document, index, field = path
    root = trees(text)[document]

    def refuse(node: Node, reason: str) -> NoReturn:
        message = f"{field} is not changed: {reason}, so that a change would change other keys too"
        raise InputError([Problem(message, node.position(source), address)])

    keys = _written(root, "keys", refuse)[1]
    item = keys.children[index]
    if item.shape is Shape.ALIAS:
        refuse(item, f"the key is the alias *{item.name}")
    key, value = _written(item, field, refuse)
    inside = set(value.walk())
    for node in value.walk():
        if not node.name or node.shape is Shape.ALIAS:
            continue
        users = (n for n in root.walk() if n.shape is Shape.ALIAS and n.name == node.name)
        if (user := next((n for n in users if n not in inside), None)) is not None:
            line = user.position(source).line
            refuse(node, f"its anchor &{node.name} is used by others, first on line {line}")
    return Place(key, value, any(node.style == "[" for node in (root, keys, item)))


def _written(mapping: Node, name: str, refuse: Refuse) -> tuple[Node, Node]:
    """Return the key and value in a mapping itself, without merged ones."""
    found = mapping.pair(name)
    if found is None:
        merge = mapping.pair(_MERGE)
        refuse(merge[0] if merge else mapping, f"{name} comes from a merge key (<<)")
    if found[1].shape is Shape.ALIAS:
        refuse(found[1], f"{name} is the alias *{found[1].name}")
    return found


def replaced(text: str, place: Place, old: Any, new: Any, same: lists.Same) -> Sequence[Edit]:
    """Return the edits that replace ``old`` by ``new``.

    Items of a list that are the same, by the text that ``same`` returns, are unchanged; it is None for a list
    whose order is significant.
    """
    value = place.value
    if isinstance(old, list) and isinstance(new, list) and value.children and new and same is not None:
        word = json_line if place.is_json else flow_text
        edits = lists.of_items(text, value, (old, new), same, word)
        if edits is not None:
            return edits
    replace = _inline
    if value.is_block:
        replace = _block_scalar if value.shape is Shape.SCALAR else _block_collection
    edits = replace(text, place, new)
    tag = _TAG.search(text, value.start, value.content)
    if tag is None or any(isinstance(new, kind) and tag[1].endswith(name) for kind, name in _TAGGED):
        return edits
    return [Edit(tag.start(), tag.end(), ""), *edits]  # it says what the new value is not


def _inline(text: str, place: Place, new: Any) -> Sequence[Edit]:
    """Replace a value on one line: a scalar, or a collection in brackets."""
    value = place.value
    spelled = _restyled(text, new, place)
    if not place.in_flow and isinstance(new, list) and len(spelled) + value.column > LONGEST_FLOW:
        return _lines_instead(text, place, new)
    if value.content < value.end:
        return [Edit(value.content, value.end, spelled)]
    # Nothing at all is written: the value goes behind the colon, the tag or the anchor.
    before = text[: value.end]
    gap = "" if before[-1:].isspace() else " "
    is_bare = place.in_flow and not _COLON.match(text, place.key.end)
    colon = ":" if is_bare else ""
    return [Edit(value.end, value.end, f"{colon}{gap}{spelled}")]


def _lines_instead(text: str, place: Place, new: Sequence[Any]) -> Sequence[Edit]:
    """Replace a short value by a list with one line per item."""
    value, mark = place.value, newline(text, place.value.end)
    start = len(text[: value.content].rstrip(" "))
    pad = " " * (place.key.column + INDENT)
    lines = mark.join(f"{pad}- {block_text(item)}" for item in new)
    end = line_end(text, value.end)
    return [Edit(start, value.end, ""), Edit(end, end, mark + lines)]


def _restyled(text: str, new: Any, place: Place) -> str:
    """Write a value with the quotes of the old one, if it has some; as JSON within JSON."""
    style = place.value.style
    if place.is_json:
        pad = indentation(text, place.key.start)
        if pad and is_first(text, place.key.start) and isinstance(new, list | dict) and new:
            return json_lines(new, first_indentation(text), newline(text, place.key.start) + pad)
        return json_line(new, text[place.key.end : place.value.start])
    if isinstance(new, str) and style == "'":
        return single_quoted(new) or quoted(new)
    if place.key.style == '"' or (isinstance(new, str) and style == '"'):
        return quoted(new)
    return flow_text(new) if place.in_flow else block_text(new)


def _block_scalar(text: str, place: Place, new: Any) -> Sequence[Edit]:
    """Replace a block scalar, and preserve the rest of its header line."""
    value = place.value
    header = _HEADER.match(text, value.content)
    head_end = value.content if header is None else header.end()
    first = next_line(text, value.content)
    block = literal_lines(new) if isinstance(new, str) else None
    if block is None:
        rest = line_end(text, value.content)
        gone = [Edit(rest, value.end, "")] if value.end > rest else []
        return [Edit(value.content, head_end, block_text(new)), *gone]
    mark = newline(text, value.content)
    indent = " " * _body_column(text, first, value.end, place.key.column + INDENT)
    lines = mark.join(f"{indent}{line}" if line else "" for line in block[1])
    is_folded = text[value.content] == ">" and len(block[1]) == 1
    sign = block[0].replace("|", ">") if is_folded else block[0]
    if first >= value.end:  # an empty block
        end = line_end(text, value.content)
        return [Edit(value.content, head_end, sign), Edit(end, end, mark + lines)]
    return [Edit(value.content, head_end, sign), Edit(first, max(first, value.end), lines)]


def _body_column(text: str, first: int, end: int, default: int) -> int:
    """Return the column of the lines of a block scalar."""
    while first < end:
        line = text[first : line_end(text, first)]
        if line.strip():
            return len(line) - len(line.lstrip(" "))
        first = next_line(text, first)
    return default


def _block_collection(text: str, place: Place, new: Any) -> Sequence[Edit]:
    """Replace a list or mapping of several lines: by lines again if it is a list with items."""
    value = place.value
    is_list = value.shape is Shape.SEQUENCE
    begin = dash_of(text, value, 0) if is_list else value.content
    first = line_start(text, begin)
    colon = _COLON.match(text, place.key.end)
    behind = place.key.end if colon is None else colon.end()
    named = properties_end(text, value.start)
    if named > value.start:
        behind = named
    if first <= behind:
        return [Edit(begin, value.end, flow_text(new))]
    if isinstance(new, list) and new:
        pad = text[first:begin]
        spell = lists.spelling_of(value.children[0])
        lines = [line for item in new for line in spell(item, len(pad))]
        return [Edit(first, value.end, newline(text, first).join(lines))]
    return [Edit(behind, behind, f" {flow_text(new)}"), removed_lines(text, first, value.end)]
