"""Redaction of secrets in what others send, however they are written.

A service, a program or a proxy may repeat what it was told: as it is, in capitals, in a URL, in JSON or
HTML escapes, in base64 or hexadecimal, broken over two lines, or only a part of it. A text is therefore
compared letter by letter after its escapes are read; what is not a letter or a digit does not count.
"""

from __future__ import annotations

import base64
import html
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from reconciler.strict_json import squeezed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.secret import Secret

MASK: Final = "***"
LONGEST_TEXT: Final = 400
_READ: Final = 8
"""How many times the longest text is looked at: what is longer is cut first."""
_PLAIN: Final = 8
"""So many letters and digits of a secret in a row are no accident."""
_ENCODED: Final = 12
"""The same for the digits of base64 and the like, where fewer could be another number."""
_LEVELS: Final = 3
"""How often escapes within escapes are read."""
_ALIGNMENTS: Final = ((0, 0), (1, 2), (2, 3))
"""Bytes that may precede a text in base64, and how many digits they have a share in."""
_ESCAPE: Final = re.compile(
    r"((?:%[0-9A-Fa-f]{2})+)|[\\%]u([0-9A-Fa-f]{4})|\\u\{([0-9A-Fa-f]{1,6})\}|\\x([0-9A-Fa-f]{2})"
    r"|\\([0-7]{3})|\\([/\"'\\])|(&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,31});?)"
)
_PERCENT: Final = re.compile(rb"%u?[0-9A-Fa-f]{2}")
_ENTITY: Final = re.compile(rb"&#?[0-9A-Za-z]{2}")
_LARGEST_CHARACTER: Final = 0x10FFFF


class _View(NamedTuple):
    """A text after some of its escapes are read, and where each character begins and ends in the original."""

    text: str
    starts: list[int]
    ends: list[int]


class Redactor:
    """The secrets of a run. A new one may be added at any time and stays; threads may share it."""

    def __init__(self, *tokens: Secret) -> None:
        """Keep the ``tokens``, which no response may hold."""
        self._values: list[str] = []
        self._pieces: dict[int, set[str]] = {}
        self._needles: list[bytes] = []
        self._short: list[bytes] = []
        self._added = 0
        for token in tokens:
            self._learn(token)
            self._needles += _needles(token.reveal())
            self._short += _short(token.reveal())

    def add(self, *secrets: Secret) -> None:
        """Redact these too from now on."""
        for secret in secrets:
            self._learn(secret)
            self._added += 1

    def text(self, text: str) -> str:
        """Return ``text`` with every secret, and every telling part of one, replaced."""
        covered = bytearray(len(text))
        view = _View(text, list(range(len(text))), list(range(1, len(text) + 1)))
        for _ in range(_LEVELS + 1):
            for start, end in self._found(view):
                covered[start:end] = b"\1" * (end - start)
            decoded = _decoded(view)
            if decoded.text == view.text:
                break
            view = decoded
        if 1 in covered:
            text = re.sub(
                "\1+", MASK, "".join("\1" if hit else c for c, hit in zip(text, covered, strict=True))
            )
        # What remains before and after a mask may, together with it, be a secret of stars.
        return MASK if any(value in text for value in self._values if value not in MASK) else text

    def line(self, text: str, longest: int = LONGEST_TEXT) -> str:
        """Return ``text`` on one line, redacted and cut short."""
        line = self.text(" ".join(text[: _READ * longest].split()))
        return line if len(line) <= longest else f"{line[:longest]}…"

    def value(self, value: Any) -> Any:
        """Return a JSON value with every text and every name of a member in it redacted."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(name): self.value(item) for name, item in value.items()}
        return value

    def without_added(self, value: Any) -> Any:
        """Return a JSON value without the secrets that were added; without any, at no cost."""
        return self.value(value) if self._added else value

    def is_in(self, content: bytes, compact: bytes, value: Any) -> bool:
        """Return whether a JSON response holds a token.

        ``content`` are its bytes, ``compact`` the same as :func:`squeezed` returns them, and ``value`` what
        they stand for. Escapes are read only where there are any.
        """
        if self._is_plainly_in(content, compact):
            return True
        if b"\\" in content or b"\0" in content:
            text = "\n".join(_strings(value))
        elif (b"%" in content and _PERCENT.search(content)) or (b"&" in content and _ENTITY.search(content)):
            text = content.decode("utf-8", "replace")
        else:
            return False
        for _ in range(_LEVELS + 1):
            octets = text.encode("utf-8", "replace")
            if self._is_plainly_in(octets, squeezed(octets)):
                return True
            decoded = _read_escapes(text)
            if decoded == text:
                break
            text = decoded
        return False

    def _is_plainly_in(self, content: bytes, compact: bytes) -> bool:
        for needle in self._needles:
            if needle in compact:
                return True
        return any(needle in content for needle in self._short)

    def _learn(self, secret: Secret) -> None:
        value = secret.reveal()
        if not value or value in self._values[-1:]:
            return
        self._values.append(value)
        for form, size in _forms(value):
            pieces = self._pieces.setdefault(size, set())
            pieces.update(form[at : at + size] for at in range(len(form) - size + 1))

    def _found(self, view: _View) -> Iterator[tuple[int, int]]:
        """Yield where a secret, or a part of one, begins and ends in the original."""
        for value in self._values:
            at = view.text.find(value)
            while at >= 0:
                yield view.starts[at], view.ends[at + len(value) - 1]
                at = view.text.find(value, at + 1)
        kept = [at for at, char in enumerate(view.text) if char.isalnum()]
        plain = _folded("".join([view.text[at] for at in kept]))
        for size, pieces in self._pieces.items():
            for at in range(len(plain) - size + 1):
                if plain[at : at + size] in pieces:
                    yield view.starts[kept[at]], view.ends[kept[at + size - 1]]


def _folded(text: str) -> str:
    """Return ``text`` in lower case, and as long as before."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def _letters(text: str) -> str:
    return _folded("".join([char for char in text if char.isalnum()]))


def _encodings(octets: bytes) -> Iterator[str]:
    """Yield how ``octets`` may be written in digits."""
    yield octets.hex()
    yield "".join(f"0x{octet:02x}" for octet in octets)
    yield "".join(str(octet) for octet in octets)
    yield from _base64(octets)


def _base64(octets: bytes) -> Iterator[str]:
    """Yield the digits of base64 that tell nothing of what precedes or follows, for each alignment."""
    for before, shared in _ALIGNMENTS:
        digits = base64.b64encode(bytes(before) + octets).decode("ascii")
        yield digits[shared : (before + len(octets)) * 8 // 6]


def _forms(value: str) -> Iterator[tuple[str, int]]:
    """Yield the forms of a secret in letters and digits, and how many of these in a row tell it."""
    plain = _letters(value)
    if len(plain) >= _PLAIN:
        yield plain, _PLAIN
    for form in map(_letters, _encodings(value.encode("utf-8", "surrogatepass"))):
        if len(form) >= _PLAIN:
            yield form, min(len(form), _ENCODED)


def _needles(token: str) -> list[bytes]:
    """Return what a response that repeats the token holds, as :func:`squeezed` leaves it."""
    octets = token.encode("utf-8", "surrogatepass")
    if len(squeezed(octets)) < _PLAIN:
        return []
    hexadecimal = [octets.hex(separator) for separator in ":-"] + [octets.hex()]
    digits = list(_base64(octets))
    safe = [form.replace("+", "-").replace("/", "_") for form in digits]
    encoded = dict.fromkeys(form.lower().encode("ascii") for form in [*hexadecimal, *digits, *safe])
    return [squeezed(octets), *encoded]


def _short(token: str) -> list[bytes]:
    """Return a token that is too short to be looked for in any other form than its own."""
    octets = token.encode("utf-8", "surrogatepass")
    return [octets] if 0 < len(squeezed(octets)) < _PLAIN else []


def _strings(value: Any) -> Iterable[str]:
    """Return every text in a JSON value, and every name of a member."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if item.__class__ is str:
            found.append(item)
        elif item.__class__ is dict:
            found.extend(item)
            waiting.extend(item.values())
        elif item.__class__ is list:
            waiting.extend(item)
    return found


def _read_escapes(text: str) -> str:
    """Return ``text`` with one level of escapes read, each sort only where there is its sign."""
    if "&" in text:
        text = html.unescape(text)
    if "\\" in text or "%u" in text:
        text = _ESCAPE.sub(lambda match: "".join(char for char, _, _ in _characters(match)), text)
    return unquote(text) if "%" in text else text


def _decoded(view: _View) -> _View:
    """Return the view with one level of escapes read."""
    if "%" not in view.text and "\\" not in view.text and "&" not in view.text:
        return view
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for match in _ESCAPE.finditer(view.text):
        chars.append(view.text[done : match.start()])
        starts += view.starts[done : match.start()]
        ends += view.ends[done : match.start()]
        for char, start, end in _characters(match):
            chars.append(char)
            starts.append(view.starts[start])
            ends.append(view.ends[end - 1])
        done = match.end()
    chars.append(view.text[done:])
    return _View("".join(chars), starts + view.starts[done:], ends + view.ends[done:])


def _characters(match: re.Match[str]) -> Iterator[tuple[str, int, int]]:
    """Yield the characters that an escape stands for, and where each begins and ends."""
    percent, four, braced, two, octal, itself, entity = match.groups()
    start, end = match.span()
    if percent is not None:
        octets = bytes.fromhex(percent.replace("%", ""))
        text = octets.decode("utf-8", "replace")
        for at, char in enumerate(text):
            yield (char, start + 3 * at, start + 3 * at + 3) if text.isascii() else (char, start, end)
        return
    if four or braced or two or octal:
        number = int(octal, 8) if octal else int(four or braced or two, 16)
        yield chr(min(number, _LARGEST_CHARACTER)), start, end
        return
    for char in itself or html.unescape(entity):
        yield char, start, end
