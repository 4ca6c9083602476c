"""Proxies and trusted certificates from variables of the environment.

An invalid variable affects only requests that need it, and its value is never shown: an address of a proxy
may hold a password.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import ipaddress
import os
import re
import ssl
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from reconciler.api.address import ip_address, is_loopback
from reconciler.errors import ConfigurationError, os_reason
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.later import Later

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
else:
    httpx = Later("httpx")

TRUST_SETTING: Final = "SSL_CERT_FILE or SSL_CERT_DIR"
_PROXIES: Final = frozenset({"all_proxy", "http_proxy", "https_proxy"})
_VARIABLES: Final = _PROXIES | {"no_proxy", "ssl_cert_dir", "ssl_cert_file"}
_PORTS: Final = {"http": 80, "https": 443}
_SCHEMES: Final = frozenset({"http", "https", "socks5", "socks5h"})
_WORD: Final = expression(r"[A-Za-z][A-Za-z0-9+.-]{0,15}", re.ASCII)
_ENTRY: Final = expression(
    r"(?:\[(?P<bracketed>[^\[\]]+)\]|(?P<bare>[^\[\]/]*:[^\[\]/]*:[^\[\]/]*)|(?P<name>[^\[\]:/]+))"
    r"(?P<bits>/[0-9]+)?(?::(?P<port>[0-9]+|\*))?"
)
"""Host, bits of a network and port of an entry; a bare address of version 6 has no port."""
_NAME: Final = expression(r"[\w.*?-]+")
_ADVICE: Final = "set it like http://proxy.example.com:3128"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the variable that names it."""

    url: httpx.URL
    variable: str


def network_variables(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables that are read here; others, such as tokens, are left out."""
    return {name: value for name, value in environment.items() if name.lower() in _VARIABLES}


def proxy_for(url: httpx.URL, environment: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for an address, if there is one. Raises ConfigurationError if it cannot be used.

    Plain http to this machine uses no proxy, which would see the token.
    """
    if url.scheme == "http" and is_loopback(_host(url)):
        return None
    variable = _set(f"{url.scheme}_proxy", environment) or _set("all_proxy", environment)
    if variable is None or _is_excluded(url, environment):
        return None
    return Proxy(_proxy_url(variable, environment[variable].strip()), variable)


class Proxies(Enum):
    """Which requests to a server go through the proxy of the environment, if there is one."""

    NONE = auto()
    ENCRYPTED = auto()
    """Those by https: plain http must not carry a token to a proxy."""
    ALL = auto()

    def of(self, address: str, environment: Mapping[str, str]) -> Proxy | None:
        """Return the proxy for an address, if there is one. Raises ConfigurationError if it is unusable."""
        if not any(_set(name, environment) for name in _PROXIES):
            return None
        url = httpx.URL(address)
        is_used = self is Proxies.ALL or (self is Proxies.ENCRYPTED and url.scheme == "https")
        return proxy_for(url, environment) if is_used else None


def _set(name: str, environment: Mapping[str, str]) -> str | None:
    """Return the variable that is set; lower case has precedence, and an empty one counts as unset."""
    for spelled in (name, name.upper()):
        if spelled in environment:
            return spelled if environment[spelled].strip() else None
    return None


def _host(url: httpx.URL) -> str:
    return url.host.lower().rstrip(".")


def _is_excluded(url: httpx.URL, environment: Mapping[str, str]) -> bool:
    """Return whether NO_PROXY includes an address. Raises ConfigurationError if it is invalid."""
    variable = _set("no_proxy", environment)
    if variable is None:
        return False
    named = {entry: _names(entry, url) for entry in re.split(r"[,\s]+", environment[variable]) if entry}
    if True in named.values():
        return True
    unknown = next((entry for entry, is_named in named.items() if is_named is None), None)
    if unknown is not None:
        shown = "" if "@" in unknown else f" {unknown[:80]}"
        raise ConfigurationError(
            f"{variable} has the entry{shown}, which is not a host, address or network; write it like "
            "example.com, .example.com, 10.0.0.0/8, ::1 or *"
        )
    return False


def _names(entry: str, url: httpx.URL) -> bool | None:
    """Return whether an entry includes an address; None if the entry is invalid."""
    if entry == "*":
        return True
    scheme, _, rest = entry.rpartition("://")
    found = _ENTRY.fullmatch(rest)
    if found is None:
        return None
    host, bits = found["name"] or found["bare"] or found["bracketed"], found["bits"] or ""
    if not found["name"] or bits or ip_address(host) is not None:
        try:
            network = ipaddress.ip_network(host.partition("%")[0] + bits, strict=False)
        except ValueError:
            return None
        address = ip_address(_host(url))
        is_named = address is not None and address in network
    elif not _NAME.fullmatch(host):
        return None
    else:
        host = host.rstrip(".").lower()
        below = f"*.{host.removeprefix('*').removeprefix('.')}"
        forms = [below] if host.startswith(".") else [below, host]
        is_named = any(fnmatch.fnmatchcase(_host(url), form) for form in forms)
    port = str(url.port or _PORTS.get(url.scheme))
    is_here = scheme in {"", "all", url.scheme} and found["port"] in {None, "*", port}
    return is_named and is_here


def _proxy_url(variable: str, text: str) -> httpx.URL:
    text = text if "://" in text else f"http://{text}"
    try:
        url = httpx.URL(text)
        is_port = urlsplit(text).port != 0
    except (ValueError, httpx.InvalidURL):
        raise ConfigurationError(f"{variable} is not the address of a proxy; {_ADVICE}") from None
    if url.scheme not in _SCHEMES:
        shown = f" {url.scheme}://" if _WORD.fullmatch(url.scheme) else ""
        raise ConfigurationError(f"{variable} names a proxy of an unknown kind{shown}; {_ADVICE}")
    if not url.host or not is_port:
        raise ConfigurationError(f"{variable} names no host or no port of a proxy; {_ADVICE}")
    if url.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        message = f"{variable} names a SOCKS proxy, which needs the package socksio: install it, or {_ADVICE}"
        raise ConfigurationError(message)
    return url


def trusts_own(environment: Mapping[str, str]) -> bool:
    """Return whether the environment names certificates to trust."""
    return bool(environment.get("SSL_CERT_FILE") or environment.get("SSL_CERT_DIR"))


def trusted(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Return the trusted certificates: those of SSL_CERT_FILE and SSL_CERT_DIR, else the default ones.

    Raises ConfigurationError if they cannot be loaded.
    """
    if not trusts_own(environment):
        return httpx.create_ssl_context(trust_env=False)
    file, folder = environment.get("SSL_CERT_FILE", ""), environment.get("SSL_CERT_DIR", "")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if file:
        _load(context, Path(file), "SSL_CERT_FILE")
    if folder:
        if not any(Path(part).is_dir() for part in folder.split(os.pathsep)):
            raise ConfigurationError(f"SSL_CERT_DIR names {folder}, which is not a directory; set it right")
        context.load_verify_locations(capath=folder)
    return context


def trusted_file(file: Path, setting: str) -> ssl.SSLContext:
    """Return a context that trusts the certificates of one file. Raises ConfigurationError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load(context, file, setting)
    return context


def untrusting() -> ssl.SSLContext:
    """Return a context that trusts nothing, for plain http; to load certificates takes 40 ms."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _load(context: ssl.SSLContext, file: Path, setting: str) -> None:
    try:
        context.load_verify_locations(cafile=file)
    except (OSError, ValueError) as error:
        if isinstance(error, ssl.SSLError):
            reason = "it holds no certificate in PEM form"
        else:
            reason = os_reason(error, "it cannot be used as a name")
        message = f"the trusted certificates in {file} cannot be loaded: {reason}; check {setting}"
        raise ConfigurationError(message) from error
