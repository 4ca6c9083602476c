"""Redaction of secrets in texts of others, in every encoding.

A service, a program or a proxy may repeat a secret: unchanged, in capitals, in a URL, in JSON or HTML
escapes, in base64 or hexadecimal, broken over two lines, or only a part of it. A text is therefore compared
letter by letter after its escapes are decoded; only letters and digits count. A short secret is searched for
as it is written, and one of three letters or fewer not inside a word.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

from reconciler.api.unescape import View, decoded, read_escapes
from reconciler.model.expressions import expression
from reconciler.model.strict_json import squeezed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.model.secret import Secret

MASK: Final = "***"
LONGEST_TEXT: Final = 400
_READ: Final = 8
"""How many times the longest text is looked at: what is longer is cut first."""
_PLAIN: Final = 8
"""So many letters and digits of a secret in a row are not an accident."""
_BY_ACCIDENT: Final = 4
"""Fewer are in any text: what is not a secret there must not become unreadable."""
_ENCODED: Final = 12
"""The same for the digits of base64 and the like, where fewer could be another number."""
_STRIDE: Final = 8
"""Of the secrets of new keys, of which there may be thousands, not every piece of an encoded form is kept."""
_FEW: Final = 32
_LEVELS: Final = 3
"""How often escapes within escapes are read."""
_ALIGNMENTS: Final = ((0, 0), (1, 2), (2, 3))
"""Bytes that may precede a text in base64, and how many digits they have a share in."""
_PERCENT: Final = expression(rb"%u?[0-9A-Fa-f]{2}")
_ENTITY: Final = expression(rb"&#?[0-9A-Za-z]{2}")


class _Needles:
    """The search patterns for complete responses: full secrets, short ones only as they are written."""

    def __init__(self) -> None:
        self.size = 0
        self._long: list[bytes] = []
        self._short: list[re.Pattern[bytes]] = []

    def learn(self, value: str) -> None:
        self.size += 1
        octets = value.encode("utf-8", "surrogatepass")
        if len(squeezed(octets)) < _PLAIN:
            self._short.append(re.compile(_as_written(value).encode("utf-8", "surrogatepass")))
        else:
            self._long.extend(dict.fromkeys(_encoded(octets)))

    def are_in(self, content: bytes, compact: bytes, value: Any) -> bool:
        """Return whether a response contains one; escapes are decoded only if there are any."""
        if not self.size or self._found(content, compact):
            return bool(self.size)
        if b"\\" in content or b"\0" in content:
            text = "\n".join(_strings(value))
        elif (b"%" in content and _PERCENT.search(content)) or (b"&" in content and _ENTITY.search(content)):
            text = content.decode("utf-8", "replace")
        else:
            return False
        for _ in range(_LEVELS + 1):
            octets = text.encode("utf-8", "replace")
            if self._found(octets, squeezed(octets)):
                return True
            before, text = text, read_escapes(text)
            if text == before:
                break
        return False

    def _found(self, content: bytes, compact: bytes) -> bool:
        for needle in self._long:  # twice as fast as any()
            if needle in compact:
                return True
        return any(pattern.search(content) for pattern in self._short)


class Redactor:
    """The secrets of a run. A new one may be added at any time and remains; threads may share it."""

    def __init__(self, *tokens: Secret) -> None:
        """Store the ``tokens``, which responses must not contain."""
        self._known: set[str] = set()
        self._long: list[str] = []
        self._short: list[re.Pattern[str]] = []
        self._starred: list[str] = []
        # By their hashes: half as much to keep, and two of 64 bits are equal for equal pieces only.
        self._pieces: dict[int, set[int]] = {}
        self._refused = _Needles()
        self._added = _Needles()
        for token in tokens:
            self.refuse(token)

    def refuse(self, token: Secret) -> None:
        """Redact ``token`` from now on, and reject responses that contain it."""
        if self._learn(token, 1):
            self._refused.learn(token.reveal())

    def add(self, *secrets: Secret) -> None:
        """Redact these secrets from now on."""
        for secret in secrets:
            if self._learn(secret, _STRIDE):
                self._added.learn(secret.reveal())

    def text(self, text: str) -> str:
        """Return ``text`` with every secret, and every recognisable part of one, replaced by a mask."""
        covered = bytearray(len(text))
        view = View.of(text)
        for _ in range(_LEVELS + 1):
            for start, end in self._found(view):
                covered[start:end] = b"\1" * (end - start)
            after = decoded(view)
            if after.text == view.text:
                break
            view = after
        if 1 not in covered:
            return text
        masked = "".join("\1" if hit else char for char, hit in zip(text, covered, strict=True))
        masked = re.sub("\1+", MASK, masked)
        # What remains before and after a mask may, together with it, be a secret of stars.
        return MASK if any(value in masked for value in self._starred) else masked

    def line(self, text: str, longest: int = LONGEST_TEXT) -> str:
        """Return ``text`` on one line, redacted and shortened."""
        line = self.text(" ".join(text[: _READ * longest].split()))
        return line if len(line) <= longest else f"{line[:longest]}…"

    def without_added(self, content: bytes, compact: bytes, value: Any) -> Any:
        """Return the value of a JSON response with every text redacted that contains an added secret.

        The arguments are those of :meth:`is_in`. Raises RecursionError if it is nested too deeply.
        """
        if self._added.size <= _FEW:
            is_there = self._added.are_in(content, compact, value)
        else:  # to look for each of thousands takes too long
            is_there = any(self._holds(text) for text in _strings(value))
        if not is_there:
            return value
        return _mapped(value, lambda text: self.text(text) if self._holds(text) else text)

    def _holds(self, text: str) -> bool:
        """Return whether a text contains a full secret that was added."""
        if self.text(text) == text:
            return False
        octets = text.encode("utf-8", "replace")
        return self._added.are_in(octets, squeezed(octets), text)

    def is_in(self, content: bytes, compact: bytes, value: Any) -> bool:
        """Return whether a JSON response contains a token.

        ``content`` are its bytes, ``compact`` the result of :func:`squeezed`, and ``value`` the parsed value.
        """
        return self._refused.are_in(content, compact, value)

    def _learn(self, secret: Secret, stride: int) -> bool:
        """Return whether the secret is new. Every piece at ``stride`` of its encoded forms is stored."""
        value = secret.reveal()
        if not value or value in self._known:
            return False
        self._known.add(value)
        if len(_letters(value)) < _PLAIN:
            self._short.append(re.compile(_as_written(value)))
        else:
            self._long.append(value)
        if "*" in value and value not in MASK:
            self._starred.append(value)
        for form, size in _forms(value):
            last = len(form) - size
            starts = range(0, last, 1 if size == _PLAIN else stride)
            pieces = self._pieces.setdefault(size, set())
            pieces.update(hash(form[at : at + size]) for at in (*starts, last))
        return True

    def _found(self, view: View) -> Iterator[tuple[int, int]]:
        """Yield where a secret, or a part of one, begins and ends in the original."""
        kept = [at for at, char in enumerate(view.text) if char.isalnum()]
        plain = _folded("".join([view.text[at] for at in kept]))
        values: list[str] = []
        for size, pieces in tuple(self._pieces.items()):  # another thread may add a size
            for at in range(len(plain) - size + 1):
                if hash(plain[at : at + size]) in pieces:
                    yield view.spans[kept[at]][0], view.spans[kept[at + size - 1]][1]
                    values = self._long  # with what is not a letter at their ends
        for value in values:
            at = view.text.find(value)
            while at >= 0:
                yield view.spans[at][0], view.spans[at + len(value) - 1][1]
                at = view.text.find(value, at + 1)
        for pattern in self._short:
            found = pattern.search(view.text)
            while found:
                yield view.spans[found.start()][0], view.spans[found.end() - 1][1]
                found = pattern.search(view.text, found.start() + 1)


def _as_written(value: str) -> str:
    """Return a pattern for a short secret; the shortest must not be part of a longer word."""
    is_by_accident = len(_letters(value)) < _BY_ACCIDENT
    before = r"(?<![^\W_])" if is_by_accident and value[0].isalnum() else ""
    after = r"(?![^\W_])" if is_by_accident and value[-1].isalnum() else ""
    return f"{before}{re.escape(value)}{after}"


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """Return a JSON value with ``change`` applied to every text and every name of a member."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {change(name): _mapped(item, change) for name, item in value.items()}
    return value


def _folded(text: str) -> str:
    """Return ``text`` in lower case, with the same length."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def _letters(text: str) -> str:
    return _folded("".join([char for char in text if char.isalnum()]))


def _encodings(octets: bytes) -> Iterator[str]:
    """Yield the encodings of ``octets`` in digits."""
    yield octets.hex()
    yield "".join(f"0x{octet:02x}" for octet in octets)
    yield "".join(str(octet) for octet in octets)
    for within, at_end in _base64(octets):
        yield within
        yield at_end


def _base64(octets: bytes) -> Iterator[tuple[str, str]]:
    """Yield, for each alignment, the base64 digits that depend on ``octets`` only.

    First for a text that continues, then for one that ends there, which includes the last digit.
    """
    for before, shared in _ALIGNMENTS:
        digits = base64.b64encode(bytes(before) + octets).decode("ascii").rstrip("=")
        yield digits[shared : (before + len(octets)) * 8 // 6], digits[shared:]


def _forms(value: str) -> Iterator[tuple[str, int]]:
    """Yield the forms of a secret in letters and digits, and how many of these in a row identify it."""
    plain = _letters(value)
    if len(plain) >= _PLAIN:
        yield plain, _PLAIN
    for form in map(_letters, _encodings(value.encode("utf-8", "surrogatepass"))):
        if len(form) >= _PLAIN:
            yield form, min(len(form), _ENCODED)


def _encoded(octets: bytes) -> Iterator[bytes]:
    """Yield the forms of ``octets`` in a response, as :func:`squeezed` returns it."""
    yield squeezed(octets)
    for separator in ":-":
        yield octets.hex(separator).encode("ascii")
    for form in (octets.hex(), *(within for within, _ in _base64(octets))):
        yield form.lower().encode("ascii")
        yield form.lower().replace("+", "-").replace("/", "_").encode("ascii")


def _strings(value: Any) -> Iterable[str]:
    """Return every text in a JSON value, and every name of a member."""
    found: list[str] = []
    pending = [value]
    while pending:
        item = pending.pop()
        if item.__class__ is str:
            found.append(item)
        elif item.__class__ is dict:
            found.extend(item)
            pending.extend(item.values())
        elif item.__class__ is list:
            pending.extend(item)
    return found
