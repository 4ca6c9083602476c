"""Checks of addresses and tokens: a token is sent over https, or to this machine only."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from reconciler.errors import ConfigurationError
from reconciler.model.endpoint import BaseUrl
from reconciler.model.expressions import expression
from reconciler.model.secret import Secret

DEFAULT_BASE_URL: Final = "https://api.gcore.com"
DEFAULT_SCHEME: Final = "apikey"
_HOST: Final = expression(r"[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)*", re.ASCII)
_UNENCRYPTED: Final = (
    "would send the token unencrypted; use https:// (http:// is accepted for loopback addresses only)"
)
_SCHEME: Final = expression(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)


def checked_url(text: str, what: str = "the base URL", setting: str = "GCORE_BASE_URL") -> BaseUrl:
    """Return the normal form of an address to which a token may be sent.

    Raises ConfigurationError for any other, such as plain http to another machine. The message contains
    nothing that could be a password: no user information and no query. ``what`` and ``setting`` are the name
    of the address, and where it is set.
    """
    example = DEFAULT_BASE_URL if setting == "GCORE_BASE_URL" else "https://vault.example.com:8200"
    try:
        url = BaseUrl(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{what} cannot be used: {error}; set {setting} to one like {example}"
        ) from error
    if _is_unencrypted(url):
        raise ConfigurationError(f"{what} {text} {_UNENCRYPTED}")
    return url


def url_fault(text: str) -> str:
    """Return why no token may be sent to an address, empty if one may be; without passwords."""
    try:
        url = BaseUrl(text)
    except ValueError as error:
        return f"{error}; write one like https://api.example.com"
    return f"it {_UNENCRYPTED}" if _is_unencrypted(url) else ""


def _is_unencrypted(url: BaseUrl) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def binding_fault(url: BaseUrl) -> str:
    """Return why no variable can bind a token to the host of an address, empty if one can."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if _HOST.fullmatch(parts.hostname or "") and parts.port != 0:
            return ""
    return "its host cannot be part of the name of a variable; use a host name of letters, digits and hyphens"


def binding(url: BaseUrl) -> str:
    """Return the suffix of the variables whose tokens are sent to the host of an address.

    A dot becomes ``_``, a hyphen ``__``, and a port, unless it is the default, follows ``___``. No two hosts
    have the same suffix: no label begins or ends with a hyphen, so dots are single, hyphens are pairs, and
    three in a row are the port. Raises ConfigurationError for a host that has no such name.
    """
    fault = binding_fault(url)
    if fault:
        raise ConfigurationError(f"the address {url} cannot be used: {fault}")
    parts = urlsplit(url)
    host = (parts.hostname or "").replace("-", "__").replace(".", "_")
    return host if parts.port is None else f"{host}___{parts.port}"


def checked_scheme(text: str) -> str:
    """Return ``text`` if it is a valid scheme for the header Authorization; raise ConfigurationError.

    The message does not contain it: a token that was written into the same word must not reach a log.
    """
    if not _SCHEME.fullmatch(text):
        raise ConfigurationError(
            "--auth-scheme must be one word of letters, digits and hyphens, such as apikey, Bearer or token"
        )
    return text


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    address = ip_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address of a host, without its zone, or None for a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def checked_token(text: str, where: str) -> Secret:
    """Return the token from ``where``. Raises ConfigurationError if a request cannot carry it."""
    if not text:
        raise ConfigurationError(f"{where} is empty")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(
            f"{where} contains a character that is invalid in a token, such as a line break or a blank"
        )
    return Secret(text)
