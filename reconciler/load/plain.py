"""A fast reader of plainly written files, as most are: block style, each scalar on one line.

It reads a document of mappings, of lists, of scalars that are plain or quoted without an escape, and of short
objects and lists in braces and brackets on one line, all of it in ASCII. If a text contains anything else, it
is left to the YAML parser.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from reconciler.load.documents import Document
from reconciler.load.scalars import CONSTANTS, DIGITS, NUMBER_START, resolve
from reconciler.model.expressions import expression
from reconciler.model.source import COLUMN_BITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    _Row = tuple[str, str, str, str, str]

_KEY: Final = r"[A-Za-z_][A-Za-z0-9_-]{0,99}"
_QUOTED: Final = r""""[ !#-\[\]-~]*"|'[ -&(-~]*'"""
_PLAIN: Final = r"[A-Za-z0-9_/][A-Za-z0-9_/.+@=()%;,'*-]*(?:[ :][A-Za-z0-9_/.+@=()%;,'*-]+)*"
_WORD: Final = r"[A-Za-z0-9_/][A-Za-z0-9_/.+@=()%;*-]*(?: [A-Za-z0-9_/.+@=()%;*-]+)*"
_MEMBER: Final = rf"{_KEY}: (?:{_WORD}|{_QUOTED})"
_OBJECT: Final = rf"\{{(?:{_MEMBER}(?:, {_MEMBER})*)?\}}"
_LIST: Final = rf"\[(?:(?:{_WORD}|{_QUOTED})(?:, (?:{_WORD}|{_QUOTED}))*)?\]"
_VALUE: Final = rf"{_PLAIN}|{_QUOTED}|{_OBJECT}|{_LIST}"
_LINE: Final = expression(
    rf"(?m)^( *)(?:(- )?(?:({_KEY}):(?: ({_VALUE}))?|({_VALUE}))(?: +#[ -~]*)?|#[ -~]*)?\n"
)
"""Indentation, hyphen, name of a member, its value, and the value of an item without a name."""
_MEMBERS: Final = expression(rf"({_KEY}): ({_WORD}|{_QUOTED})")
_ITEMS: Final = expression(rf"{_WORD}|{_QUOTED}")
_DEEPEST: Final = 32
_SPECIAL: Final = NUMBER_START | {text[:1] for text in CONSTANTS} | set("\"'{[")
"""How values begin that are not surely the text that is written."""


_PART: Final = 1 << 16
_MARKER: Final = "---\n"


class _OtherError(Exception):
    """A text is not plainly written."""


def read_plainly(text: str, source: str) -> Document | None:
    """Return the document of a text, or None if this reader does not support the text."""
    if not text.isascii() or not text.endswith("\n"):
        return None
    is_marked = text.startswith(_MARKER)
    reader = _Reader()
    try:
        data = reader.read(chain.from_iterable(_parts(text, len(_MARKER) * is_marked)), int(is_marked))
    except _OtherError:
        return None
    return Document(source, text, 0, data, reader.places, {}, reader.has_whole_floats) if data else None


def _parts(text: str, start: int) -> Iterator[list[_Row]]:
    """Yield the lines of a text in parts: all lines of a large text would take much memory."""
    while start < len(text):
        end = text.find("\n", start + _PART) + 1 or len(text)
        rows = _LINE.findall(text, start, end)
        if len(rows) != text.count("\n", start, end):
            raise _OtherError
        yield rows
        start = end


class _Reader:
    """Builds the values of lines. One instance per text."""

    def __init__(self) -> None:
        self.places: dict[int, list[int]] = {}
        self.has_whole_floats = False
        self._outer: list[tuple[int, Any]] = []  # the blocks around the present one, with their columns
        self._objects: dict[str, dict[str, Any]] = {}
        self._names: dict[str, str] = {}  # one text for all equal names, as in the values of the parser

    def read(self, rows: Iterable[_Row], first: int) -> dict[str, Any]:
        """Return the mapping of a document whose lines are numbered from ``first``. Raises _OtherError."""
        root = self._blocks(rows, first)
        lists = (id(value) for value in root.values() if value.__class__ is list and value)
        if "defaults" in root or not self.places.keys() >= set(lists):
            raise _OtherError  # of their members every place is to be known
        return root

    def _blocks(self, rows: Iterable[_Row], first: int) -> dict[str, Any]:  # noqa: C901 - spelled out for speed
        one_text, outer = self._names.setdefault, self._outer
        root: dict[str, Any] = {}
        block: Any = root
        column = 0
        waiting: str | None = None  # the name of a member of this block whose value has not begun
        for number, (indent, hyphen, name, text, item) in enumerate(rows, first):
            if not name and not item:
                continue
            place = len(indent)
            if place != column or hyphen or block.__class__ is list:
                while column > place or (column == place and not hyphen and block.__class__ is list):
                    column, block = outer.pop()
                    waiting = None
                if hyphen:
                    mark = number << COLUMN_BITS | (place + len(hyphen))
                    block, column = self._list(column, block, waiting, place, mark), place
                    waiting = None
                    if not name:
                        block.append(self._value(item))
                        continue
                    outer.append((column, block))
                    block.append({})
                    block, column = block[-1], place + len(hyphen)
                elif place > column:
                    block, column = self._begun(column, block, waiting, {}), place
            if not name or name in block:
                raise _OtherError
            name = one_text(name, name)  # noqa: PLW2901 - the same name
            waiting = None
            if not text:
                block[name], waiting = None, name
            elif text[0] in _SPECIAL:
                block[name] = CONSTANTS[text] if text in CONSTANTS else self._value(text)
            else:
                block[name] = text
        return root

    def _list(self, column: int, block: Any, waiting: str | None, place: int, mark: int) -> Any:
        """Return the list with a new item at a position; create the list for the first item."""
        if block.__class__ is dict:
            block = self._begun(column, block, waiting, [])
            if len(self._outer) == 1:
                self.places[id(block)] = []
        elif column != place:
            raise _OtherError
        if len(self._outer) == 1:
            self.places[id(block)].append(mark)
        return block

    def _begun(self, column: int, block: Any, name: str | None, value: Any) -> Any:
        """Start a block below a member that has no value yet."""
        if name is None or len(self._outer) > _DEEPEST:
            raise _OtherError
        self._outer.append((column, block))
        block[name] = value
        return value

    def _value(self, text: str) -> Any:
        """Return the value of a scalar, or of an object or a list on one line."""
        first = text[0]
        if first == "{":
            known = self._objects.get(text)
            return (known or self._object(text)).copy()
        if first in NUMBER_START:
            return self._number(text) if text[-1] in DIGITS else text
        if first in {"'", '"'}:
            return text[1:-1]
        if first == "[":
            return [self._value(item) for item in _ITEMS.findall(text)]
        return CONSTANTS.get(text, text)

    def _number(self, text: str) -> Any:
        value = resolve(text)
        if isinstance(value, float) and value.is_integer():
            self.has_whole_floats = True
        return value

    def _object(self, text: str) -> dict[str, Any]:
        """Return an object on one line; equal objects are parsed once."""
        one_text = self._names.setdefault
        found = [(one_text(name, name), self._value(value)) for name, value in _MEMBERS.findall(text)]
        if len(dict(found)) < len(found):
            raise _OtherError
        self._objects[text] = dict(found)
        return self._objects[text]
