"""Decode the escapes of URLs, JSON, programming languages and HTML in an untrusted text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Self
from urllib.parse import unquote

from reconciler.model.expressions import expression

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

_ESCAPE: Final = expression(
    r"((?:%[0-9A-Fa-f]{2})+)|[\\%]u([0-9A-Fa-f]{4})|\\u\{0*([0-9A-Fa-f]{1,6})\}|\\x([0-9A-Fa-f]{2})"
    r"|\\U([0-9A-Fa-f]{8})|\\([0-7]{3})|\\([/\"'\\])"
    r"|(&(?:#0*[0-9]{1,7}|#[xX]0*[0-9A-Fa-f]{1,6}|[A-Za-z]{2,31});?)"
)
_ZEROS: Final = expression(r"(?<=#)0+(?=[0-9])|(?<=[xX])0+(?=[0-9A-Fa-f])")
"""Leading zeros in the number of an entity; Python refuses to parse thousands of digits."""
_LARGEST_CHARACTER: Final = 0x10FFFF


class View(NamedTuple):
    """A text with decoded escapes, and the start and end of each character in the original."""

    text: str
    spans: list[tuple[int, int]]

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the view of a text without decoding."""
        return cls(text, [(at, at + 1) for at in range(len(text))])


def read_escapes(text: str) -> str:
    """Return ``text`` with one level of escapes decoded."""
    if "\\" in text or "%u" in text or "&" in text:
        text = _ESCAPE.sub(lambda match: "".join(char for char, _, _ in _characters(match)), text)
    return unquote(text) if "%" in text else text


def decoded(view: View) -> View:
    """Return the view with one level of escapes decoded."""
    if "%" not in view.text and "\\" not in view.text and "&" not in view.text:
        return view
    chars: list[str] = []
    spans: list[tuple[int, int]] = []
    done = 0
    for match in _ESCAPE.finditer(view.text):
        chars.append(view.text[done : match.start()])
        spans += view.spans[done : match.start()]
        for char, start, end in _characters(match):
            chars.append(char)
            spans.append((view.spans[start][0], view.spans[end - 1][1]))
        done = match.end()
    chars.append(view.text[done:])
    return View("".join(chars), spans + view.spans[done:])


def _characters(match: re.Match[str]) -> Iterator[tuple[str, int, int]]:
    """Yield the characters of an escape, and the start and end of each."""
    percent, four, braced, two, eight, octal, itself, entity = match.groups()
    start, end = match.span()
    if percent is not None:
        octets = bytes.fromhex(percent.replace("%", ""))
        text = octets.decode("utf-8", "replace")
        for at, char in enumerate(text):
            yield (char, start + 3 * at, start + 3 * at + 3) if text.isascii() else (char, start, end)
        return
    digits = four or braced or two or eight
    if digits or octal:
        number = int(digits, 16) if digits else int(octal, 8)
        yield chr(min(number, _LARGEST_CHARACTER)), start, end
        return
    for char in itself or _unescaped(entity):
        yield char, start, end


def _unescaped(entity: str) -> str:
    """Return the characters of an HTML entity."""
    from html import unescape  # noqa: PLC0415 - the names of all entities, and few texts have one

    return unescape(_ZEROS.sub("", entity, count=1) if "#" in entity else entity)
