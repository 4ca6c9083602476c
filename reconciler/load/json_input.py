"""Desired state in JSON, as programs write it: the same documents as through YAML, in a fraction of the time.

Text that YAML would reject or interpret differently is left to the YAML parser, which reports positions.
"""

from __future__ import annotations

import json
import re
from json.decoder import JSONDecoder
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import InputError
from reconciler.load.documents import Document
from reconciler.load.scalars import resolve
from reconciler.load.sources import STANDARD_INPUT, label_of
from reconciler.model.canonical import is_deeper
from reconciler.model.expressions import expression
from reconciler.model.numbers import MOST_DIGITS
from reconciler.model.source import COLUMN_BITS, Position, Problem
from reconciler.model.strict_json import json_fault

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME: Final = expression(r"(?is)\.json(@.*)?")
"""The end of the name of a file in JSON, also of one of a commit."""
_SPACE: Final = expression(r"[ \t\n\r]*")
_ODD: Final = (
    r"[^\t\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|\\u[dD][89a-fA-F]"
    rf"|[0-9]{{{MOST_DIGITS}}}"
)
"""Characters and numbers that the two languages do not read alike; compiled on first use: it takes 2 ms."""
_CONSTANT: Final = expression(r'"(?:[^"\\]|\\.)*"|(NaN|-?Infinity)')
"""A text, or else a constant that is none of JSON's."""
_DEEPEST: Final = 60
"""Levels of nesting: with more, the parser of YAML says where it is too deep."""


_PLAIN: Final = bytes([9, 10, *range(32, 127)])
_TO_DIGITS: Final = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))  # noqa: PLR2004 - 0 to 9
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


def _is_odd(text: str) -> bool:
    """Return whether YAML might interpret the text differently; for ASCII this is ten times as fast."""
    if not text.isascii() or "\\u" in text:
        return re.search(_ODD, text) is not None
    content = text.encode("ascii")
    return bool(content.translate(None, _PLAIN)) or b"0" * MOST_DIGITS in content.translate(_TO_DIGITS)


def _may_be_deep(text: str) -> bool:
    """Return whether brackets, including those in strings, may be nested too deeply."""
    brackets = text.encode("utf-8").translate(None, _NO_BRACKETS)
    for _ in range(_DEEPEST):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return False
    return True


class _OddError(Exception):
    """YAML would interpret a value differently."""


def json_document(text: str, label: str) -> Document | None:
    """Return the document of a ``.json`` file, or of standard input in JSON; None for other inputs.

    Raises InputError if a ``.json`` file is not JSON.
    """
    is_named = _NAME.search(label) is not None and label != label_of(STANDARD_INPUT)
    start = text.lstrip()[:1]
    if not is_named and (label != label_of(STANDARD_INPUT) or start not in {"{", "["}):
        return None
    try:
        return _Reader(text, label).document()
    except json.JSONDecodeError as error:
        if not is_named or not text.strip():
            return None
        position = Position(label, error.lineno, error.colno)
        raise InputError([Problem(f"not JSON: {json_fault(error)}", position)]) from error
    except (_OddError, RecursionError, ValueError):  # an int of 5,000 digits is a ValueError
        return None


class _ConstantError(Exception):
    """A value is NaN or Infinity, which Python's parser accepts although JSON does not have them."""


class _Reader:
    """Reads one text. The outer object is read member by member, to record the positions of its items."""

    def __init__(self, text: str, label: str) -> None:
        self._text, self._label = text, label
        self._names: dict[str, str] = {}  # one text for all equal names
        self._has_whole_floats = False
        decoder = JSONDecoder(
            object_pairs_hook=self._members, parse_float=self._number, parse_constant=self._constant
        )
        self._scan: Callable[[str, int], tuple[Any, int]] = decoder.scan_once  # type: ignore[attr-defined]  # typeshed leaves it out
        self._line, self._line_start, self._counted = 0, 0, 0

    def document(self) -> Document:
        """Return the document. Raises JSONDecodeError, or _OddError if it must be read as YAML."""
        text = self._text
        at = self._blank(0)
        if _is_odd(text) or text[at : at + 1] != "{":
            self._require_json(at)
            raise _OddError
        items: dict[int, list[int]] = {}
        data, starts, at = self._object(at, items)
        if self._blank(at) != len(text):
            raise json.JSONDecodeError("Extra data", text, self._blank(at))
        if _may_be_deep(text) and is_deeper(data, _DEEPEST):
            raise _OddError
        places: dict[str, int] = {}
        if isinstance(data.get("defaults"), dict):
            _, within, _ = self._object(starts["defaults"], {})
            self._line = self._line_start = self._counted = 0  # back to an earlier place
            places = {name: self._place(start) for name, start in within.items()}
        # Outside of texts a tab is a blank, which YAML does not take everywhere; places stay the same.
        text = text.replace("\t", " ")
        return Document(self._label, text, 0, data, items, places, self._has_whole_floats)

    def _object(self, at: int, items: dict[int, list[int]]) -> tuple[dict[str, Any], dict[str, int], int]:
        """Read an object member by member, with the index where each value starts.

        The positions of the items of its lists are added to ``items``, by the list's identity.
        """
        text = self._text
        data: dict[str, Any] = {}
        starts: dict[str, int] = {}
        at = self._blank(at + 1)
        while text[at : at + 1] != "}":
            if data:
                at = self._after(",", at)
            if text[at : at + 1] != '"':
                raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
            name, at = self._value(at)
            at = self._after(":", self._blank(at))
            if name in data:
                raise _OddError
            starts[name] = at
            if text[at : at + 1] == "[":
                value, places, at = self._list(at)
                items[id(value)] = places
            else:
                value, at = self._value(at)
            data[name] = value
            at = self._blank(at)
        return data, starts, at + 1

    def _list(self, at: int) -> tuple[list[Any], list[int], int]:
        """Read a list, with the positions of its items."""
        text, blank = self._text, _SPACE.match
        values: list[Any] = []
        starts: list[int] = []
        at = self._blank(at + 1)
        while text[at : at + 1] != "]":
            if values:
                at = self._after(",", at)
            starts.append(at)
            value, at = self._value(at)
            values.append(value)
            at = blank(text, at).end()  # type: ignore[union-attr]  # it always matches
        return values, [*map(self._place, starts)], at + 1

    def _blank(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return at if found is None else found.end()

    def _after(self, mark: str, at: int) -> int:
        if self._text[at : at + 1] != mark:
            raise json.JSONDecodeError(f"Expecting '{mark}' delimiter", self._text, at)
        return self._blank(at + 1)

    def _value(self, at: int) -> tuple[Any, int]:
        try:
            return self._scan(self._text, at)
        except StopIteration as error:
            raise json.JSONDecodeError("Expecting value", self._text, error.value) from error
        except _ConstantError as error:
            found = (one for one in _CONSTANT.finditer(self._text, at) if one[1])
            constant = next(found)
            raise json.JSONDecodeError(
                f"{constant[1]} is not a JSON value", self._text, constant.start()
            ) from error

    def _require_json(self, at: int) -> None:
        """Raise JSONDecodeError if there is no JSON value at an index."""
        _, end = self._value(at)
        if self._blank(end) != len(self._text):
            raise json.JSONDecodeError("Extra data", self._text, self._blank(end))

    def _place(self, at: int) -> int:
        """Return the offset of an index of the text; calls must be in ascending order."""
        self._line += self._text.count("\n", self._counted, at)
        self._line_start = self._text.rfind("\n", self._line_start, at) + 1 or self._line_start
        self._counted = at
        return self._line << COLUMN_BITS | (at - self._line_start)

    def _members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        one_text = self._names.setdefault
        members = {one_text(name, name): value for name, value in pairs}
        if len(members) != len(pairs):
            raise _OddError
        return members

    def _number(self, text: str) -> Any:
        value = resolve(text)
        if isinstance(value, str):
            raise _OddError
        self._has_whole_floats |= isinstance(value, float) and value.is_integer()
        return value

    def _constant(self, _name: str) -> Any:
        raise _ConstantError
