"""The base URL of an API in its one normal form: two spellings of one API are one API."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit, urlunsplit

_PORTS: Final = {"http": 80, "https": 443}
_PLACE: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::\d*)?", re.ASCII)
_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}", re.ASCII)


def normal_url(text: str) -> str:
    """Return the normal form of a base URL: scheme, host, a port that is not the default, and path.

    Scheme and host are in small letters, numeric hosts are shortest, and no slash ends the path.
    Raises ValueError, which says what is wrong and echoes nothing that could be a password.
    """
    if "@" in text:
        raise ValueError("it holds a user name or password; remove it")
    if not text.isascii() or not text.isprintable() or not {" ", "?", "#", "\\"}.isdisjoint(text):
        raise ValueError("it holds a character that it cannot have")
    parts = urlsplit(text)
    host, port = parts.hostname or "", parts.port
    if parts.scheme not in _PORTS or not host or not _PLACE.fullmatch(parts.netloc):
        raise ValueError("it has no scheme and host")
    if not {".", ".."}.isdisjoint(_dots(parts.path).split("/")):
        raise ValueError("its path holds . or ..")
    place = _host(host) if port in {None, _PORTS[parts.scheme]} else f"{_host(host)}:{port}"
    path = _ENCODED.sub(lambda found: found[0].upper(), parts.path).rstrip("/")
    return urlunsplit((parts.scheme, place, path, "", ""))


def same_url(text: str) -> str:
    """Return the normal form of a base URL that was written down earlier; what has none stays as it is."""
    try:
        return normal_url(text)
    except ValueError:
        return text


def _dots(path: str) -> str:
    return path.replace("%2e", ".").replace("%2E", ".")


def _host(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - IPv6
