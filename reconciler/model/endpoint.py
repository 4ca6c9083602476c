"""The base URL of an API in its normal form."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit, urlunsplit

from reconciler.model.expressions import expression

if TYPE_CHECKING:
    from collections.abc import Mapping

_PORTS: Final = {"http": 80, "https": 443}
_PLACE: Final = expression(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::\d*)?", re.ASCII)
_ENCODED: Final = expression(r"%[0-9A-Fa-f]{2}", re.ASCII)


class BaseUrl(str):
    """The base URL of an API in its normal form: equal for all spellings of one URL."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Return the normal form of ``text``.

        Scheme and host are in lower case, numeric hosts are shortest, the default port and trailing slashes
        are removed. Raises ValueError, whose message contains no part that could be a password.
        """
        return super().__new__(cls, _normal(text))

    @classmethod
    def recorded(cls, text: str) -> Self:
        """Return the normal form of a URL that was recorded earlier, or the text if it is invalid."""
        try:
            return cls(text)
        except ValueError:
            return super().__new__(cls, text)


def place_text(base_urls: Mapping[str, str]) -> str:
    """Return the base URL of one API, or those of several with the names of the APIs."""
    if len(base_urls) == 1:
        return next(iter(base_urls.values()))
    return ", ".join(f"{name} {base_urls[name]}" for name in sorted(base_urls))


def _normal(text: str) -> str:
    if "@" in text:
        raise ValueError("it holds a user name or password")
    if not text.isascii() or not text.isprintable() or not {" ", "?", "#", "\\"}.isdisjoint(text):
        raise ValueError("it contains an invalid character")
    parts = urlsplit(text)
    host, port = parts.hostname or "", parts.port
    if parts.scheme not in _PORTS or not host or not _PLACE.fullmatch(parts.netloc):
        raise ValueError("it has no scheme and host")
    if not {".", ".."}.isdisjoint(_dots(parts.path).split("/")):
        raise ValueError("its path contains . or ..")
    place = _host(host) if port in {None, _PORTS[parts.scheme]} else f"{_host(host)}:{port}"
    path = _ENCODED.sub(lambda found: found[0].upper(), parts.path).rstrip("/")
    return urlunsplit((parts.scheme, place, path, "", ""))


def _dots(path: str) -> str:
    return path.replace("%2e", ".").replace("%2E", ".")


def _host(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - IPv6
