"""Characters that YAML 1.2 interprets differently from the parsers, which follow YAML 1.1.

Only line feed, carriage return and both together end a line: U+0085, U+2028 and U+2029 are content. Two JSON
escapes of surrogates make one character. A byte order mark may be at the start of a document.

Before a text is parsed, each of these characters is replaced by one that the text does not contain and that
has no meaning in YAML, so that positions do not change. Afterwards they are restored in the values of
scalars.
"""

from __future__ import annotations

import re
from typing import Final

from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass

BYTE_ORDER_MARK: Final = "\ufeff"
_NOT_BREAKS: Final = "\x85\u2028\u2029"
_SPECIAL: Final = expression(rf"[{_NOT_BREAKS}{BYTE_ORDER_MARK}]|\\u[dD][89a-fA-F]")
_HALF: Final = expression(r"\\(?:(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)")
_MOST_MARKS: Final = 10_000
BREAK: Final = expression(r"\r\n|\n|\r")
_MARKED_LINE: Final = expression(rf"({BREAK.pattern})({BYTE_ORDER_MARK}+)")
_START: Final = expression(rf"(?<=[\r\n])({BYTE_ORDER_MARK}+)---(?=[ \t\r\n]|\Z)")
_REMARK: Final = rf"[ \t]*(?:#[^\r\n]*)?(?:{BREAK.pattern})"
_BETWEEN: Final = expression(
    rf"(?:\A|(?<![^\r\n]){BYTE_ORDER_MARK}*\.\.\.{_REMARK})"  # a beginning, or the end of a document
    rf"(?:{BYTE_ORDER_MARK}*(?:%[^\r\n]*(?:{BREAK.pattern})|(?:\.\.\.)?{_REMARK}))*{BYTE_ORDER_MARK}*"
)
_USUAL_LINE: Final = 128
_PRIVATE: Final = (range(0xE000, 0xF900), range(0xF0000, 0xFFFFE))


class CharacterError(ValueError):
    """A character that is not allowed at its position."""


def lines_of(text: str) -> list[str]:
    """Return the lines of a text by the rules of YAML 1.2, without their breaks."""
    return BREAK.split(text)


def line_start(text: str, index: int) -> int:
    """Return the index where the line of ``index`` begins."""
    end, size = index, _USUAL_LINE
    while end > 0:  # piece by piece: one of the two breaks may be nowhere in the text
        begin = max(end - size, 0)
        found = max(text.rfind(mark, begin, end) for mark in "\n\r")
        if found >= 0:
            return found + 1
        end, size = begin, size * 2
    return 0


def line_end(text: str, index: int) -> int:
    """Return the index where the line of ``index`` ends, before its line break."""
    found = BREAK.search(text, index)
    return len(text) if found is None else found.start()


def next_line(text: str, index: int) -> int:
    """Return the index where the next line begins; the end of the text if there is none."""
    found = BREAK.search(text, index)
    return len(text) if found is None else found.end()


def break_before(text: str, start: int) -> str:
    """Return the line break before the line that begins at ``start``; empty if it is the first line."""
    return "\r\n" if text[max(start - 2, 0) : start] == "\r\n" else text[max(start - 1, 0) : start]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text to parse, with replacements for the characters that parsers misread."""

    text: str
    breaks: tuple[tuple[str, str], ...]
    mark: str
    half: str

    def restored(self, value: str, style: str | None) -> str:
        """Return the value of a scalar with its original characters. Raises CharacterError."""
        if self.mark in value:
            if style not in {"'", '"'}:
                raise CharacterError(
                    "the byte order mark U+FEFF is allowed only before a document, or in quotes; remove it"
                )
            value = value.replace(self.mark, BYTE_ORDER_MARK)
        for other, char in self.breaks:
            value = value.replace(other, char)
        if self.half not in value:
            return value
        return self._joined(value) if style == '"' else value.replace(self.half, "\\")

    def _joined(self, value: str) -> str:
        """Return a text with each surrogate pair as one character."""
        first, second = (f"{self.half}u([dD][{digits}][0-9a-fA-F]{{2}})" for digits in ("89abAB", "c-fC-F"))
        joined = re.sub(
            first + second, lambda found: bytes.fromhex(found[1] + found[2]).decode("utf-16-be"), value
        )
        if self.half in joined:
            raise CharacterError("an escape of an unpaired surrogate; write the character itself")
        return joined


def prepared(text: str) -> Prepared | None:
    """Return the text to parse instead, or None if parsers read this one correctly."""
    # Nearly all texts, at no cost: one character is looked for fifty times as fast as two.
    if text.isascii() and ("\\" not in text or "\\u" not in text):
        return None
    if not _SPECIAL.search(text):
        return None
    used = set(text)
    free = (chr(code) for codes in _PRIVATE for code in codes if chr(code) not in used)
    others = dict(zip((*_NOT_BREAKS, BYTE_ORDER_MARK, "\\"), free, strict=False))
    if len(others) < len(_NOT_BREAKS) + 2:
        raise CharacterError("this file contains all private-use characters of Unicode; remove some")
    half = others.pop("\\")
    if "\\u" in text:
        text = _HALF.sub(lambda found: half + found[1] if found[1] else found[0], text)
    if text.count(BYTE_ORDER_MARK) > _MOST_MARKS:
        raise CharacterError(f"more than {_MOST_MARKS:,} byte order marks U+FEFF; remove them")
    if BYTE_ORDER_MARK in text:
        text = _without_marks(text)
    breaks = tuple((others[char], char) for char in _NOT_BREAKS)
    first = text[: text.startswith(BYTE_ORDER_MARK)]  # parsers know that one
    plain = first + text[len(first) :].translate(str.maketrans(others))
    return Prepared(plain, breaks, others[BYTE_ORDER_MARK], half)


def _without_marks(text: str) -> str:
    """Replace byte order marks before documents by blanks, where these have no meaning."""
    text = _START.sub(lambda found: f"---{' ' * len(found[1])}", text)
    return _BETWEEN.sub(
        lambda between: _MARKED_LINE.sub(lambda found: " " * len(found[2]) + found[1], between[0]), text
    )
