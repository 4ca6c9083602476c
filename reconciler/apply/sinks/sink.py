"""The key of a secret, the interface of secret sinks, and names for secrets.

The names are made from addresses: safe wherever they are used, and different for any two keys.
"""

from __future__ import annotations

import hashlib
import re
import string
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.model.scope import Scope
    from reconciler.model.secret import Secret

_PLAIN: Final = frozenset((string.ascii_lowercase + string.digits + "-.").encode())
_LONGEST_FILE: Final = 200
_LONGEST_READABLE: Final = 46
"""With a hyphen and 16 digits it makes 63, so that a name is also good for a label."""
_DIGITS: Final = 16

Held = str | None
"""The version of the secret that a place holds: empty where it holds none, None where that is not known."""


@dataclass(frozen=True, slots=True)
class Place:
    """The key that a secret belongs to; ``is_replaced`` is true if this run deletes and creates it.

    If ``is_alias``, the stored secret may be that of an earlier key, which may still be valid.
    """

    scope: Scope
    name: str
    is_replaced: bool = False
    is_alias: bool = False

    @property
    def address(self) -> str:
        """Return the address of the key, such as ``caas/1/76/web``."""
        return self.scope.address(self.name)

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the parts of the address; parts of custom kinds may contain any character."""
        return (self.scope.kind, *(str(value) for _, value in self.scope.parameters), self.name)


class SecretSink(Protocol):
    """Stores the secrets of new keys. Its errors and return values never contain a secret."""

    def where(self, place: Place) -> str:
        """Return the name of a key's place in reports; no request is sent."""

    def probe(self, places: Sequence[Place]) -> Mapping[Place, Held]:
        """Return the content of each place, before a key is deleted or created.

        Leaves nothing behind. Raises SinkError if a place certainly cannot store the secret, or if it holds
        something else than an earlier secret of the same key.
        """

    def store(self, place: Place, secret: Secret, held: Held = None) -> str:
        """Store a secret as the next version in its place, and return where it is.

        ``held`` is the content at the time of the probe; a later version is not replaced. Without it, the
        sink reads first. Raises SinkError if the secret is not certainly stored.
        """

    def read(self, place: Place) -> Secret | None:
        """Return the secret in a place, None if there is none, or the sink cannot read.

        Raises SinkError if there is something else, or the sink does not respond.
        """

    @property
    def has_versions(self) -> bool:
        """Return whether the previous content of a place can still be retrieved."""

    def hurry(self) -> None:
        """Stop retrying: secrets in transit are stored at once, or not at all."""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def file_name(parts: Iterable[str]) -> str:
    """Return the name of a file: ``caas/1/76/web`` becomes ``caas_1_76_web``.

    Lower-case letters, digits, ``-`` and ``.`` stay; every other byte becomes ``%XX``, and so do an
    underscore, a capital (some file systems take A for a) and a leading dot. Two addresses never get one
    name; where it would be longer than 200 characters, a SHA-256 replaces its end.
    """
    encoded = (part.encode("utf-8", "surrogatepass") for part in parts)
    name = "_".join(
        "".join(chr(octet) if octet in _PLAIN else f"%{octet:02X}" for octet in part) for part in encoded
    )
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    return name if len(name) <= _LONGEST_FILE else f"{name[: _LONGEST_FILE - 65]}~{_digest(name)}"


def path_parts(parts: Iterable[str]) -> tuple[str, ...]:
    """Return the segments of a path, of which none is empty, ``.`` or ``..`` and none holds a slash."""
    encoded = (quote(part, safe="", errors="surrogatepass") for part in parts)
    return tuple(part.replace(".", "%2E") if part in {".", ".."} else part or "%" for part in encoded)


def object_name(address: str) -> str:
    """Return the name of a Kubernetes object: ``caas/1/76/web`` becomes ``caas-1-76-web-`` and 16 digits.

    The digits are the first of the address's SHA-256; before them are the address's letters and digits, in
    lower case, at most 46 characters, with a hyphen in place of all others.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", address.lower())[:_LONGEST_READABLE].strip("-")
    digits = _digest(address)[:_DIGITS]
    return f"{readable}-{digits}" if readable else digits
