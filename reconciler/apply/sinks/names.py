"""Names for secrets, made from addresses: safe wherever they are used, and never the same for two keys."""

from __future__ import annotations

import hashlib
import re
import string
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

LOWER: Final = frozenset((string.ascii_lowercase + string.digits + "-.").encode())
_EITHER_CASE: Final = LOWER | frozenset((string.ascii_uppercase + "_~").encode())
_LONGEST_FILE: Final = 200
_LONGEST_READABLE: Final = 46
"""With a hyphen and 16 digits it makes 63, so that a name is also good for a label."""
_DIGITS: Final = 16


def _encoded(text: str, plain: frozenset[int]) -> str:
    """Write what is not plain as %XX, byte by byte."""
    octets = text.encode("utf-8", "surrogatepass")
    return "".join(chr(octet) if octet in plain else f"%{octet:02X}" for octet in octets)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def file_name(parts: Iterable[str]) -> str:
    """Return the name of a file: ``caas/1/76/web`` becomes ``caas_1_76_web``.

    Lower-case letters, digits, ``-`` and ``.`` stay; every other byte becomes ``%XX``, and so do an
    underscore, a capital (some file systems take A for a) and a leading dot. Two addresses never get one
    name; where it would be longer than 200 characters, a SHA-256 replaces its end.
    """
    name = "_".join(_encoded(part, LOWER) for part in parts)
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    return name if len(name) <= _LONGEST_FILE else f"{name[: _LONGEST_FILE - 65]}~{_digest(name)}"


def path_parts(parts: Iterable[str]) -> tuple[str, ...]:
    """Return the segments of a path, of which none is empty, ``.`` or ``..`` and none holds a slash."""
    encoded = (_encoded(part, _EITHER_CASE) for part in parts)
    return tuple(part.replace(".", "%2E") if part in {".", ".."} else part or "%" for part in encoded)


def object_name(address: str) -> str:
    """Return the name of a Kubernetes object: ``caas/1/76/web`` becomes ``caas-1-76-web-`` and 16 digits.

    The digits are the first of the address's SHA-256; before them are the address's letters and digits, in
    lower case, at most 46 characters, with a hyphen for everything between them.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", address.lower())[:_LONGEST_READABLE].strip("-")
    digits = _digest(address)[:_DIGITS]
    return f"{readable}-{digits}" if readable else digits
