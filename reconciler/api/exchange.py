"""One HTTP exchange: bounded in time and size, without redirects, its failures mapped to errors by meaning.

All HTTP goes through an :class:`HttpClient`: the API, the server of access tokens, the webhook and the
servers of secrets define the requests, and what each status means to them.
"""

from __future__ import annotations

import math
import re
import threading
from contextlib import closing
from dataclasses import field
from typing import TYPE_CHECKING, Final

import httpx

from reconciler.api.environment import (
    TRUST_SETTING,
    Proxies,
    network_variables,
    trusted,
    trusted_file,
    untrusting,
)
from reconciler.api.failures import unreachable
from reconciler.api.redaction import Redactor
from reconciler.api.retry import retry_after
from reconciler.api.transport import GRACE, Bounds, Transport
from reconciler.errors import ConfigurationError, Failure, InvalidResponseError
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.api.environment import Proxy
    from reconciler.model.clock import Clock
    from reconciler.model.randomness import Randomness

_ERRORS: Final = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, UnicodeError)

_PARAMETER: Final = expression(r""";\s*([^\s=;,"<>]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))""")
_STRONG_TAG: Final = expression(r'"[!#-~]*"', re.ASCII)
_LINK: Final = expression(
    r"""<([^>]*)>((?:\s*;\s*[^\s=;,"<>]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]*))?)*)"""
)
"""A link of the header Link and its parameters (RFC 8288)."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its status, without headers. ``seconds`` is its duration.

    ``api`` is the name of the API that it was sent to; empty for other servers.
    """

    method: str
    path: str
    seconds: float
    status: int | None
    api: str = ""


def ignore(_exchange: Exchange) -> None:
    """Do nothing with an exchange."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The shared settings of all exchanges of a run. Once ``stop`` is set, nothing is retried.

    ``transport`` replaces the network. ``environment`` may set a proxy and trusted certificates. ``redactor``
    knows the secrets of the run. ``api`` is the name of the API of the exchanges, if any.
    """

    user_agent: str
    clock: Clock
    randomness: Randomness
    transport: httpx.BaseTransport | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    redactor: Redactor = field(default_factory=Redactor)
    stop: threading.Event = field(default_factory=threading.Event)
    on_exchange: Callable[[Exchange], None] = ignore
    api: str = ""

    def __post_init__(self) -> None:
        """Store only the variables that are needed: others may hold tokens."""
        object.__setattr__(self, "environment", network_variables(self.environment))


@dataclass(frozen=True, slots=True)
class Server:
    """A server and how to reach it. ``ca_file`` holds the certificates to trust instead of the default ones.

    ``name`` is the name of its address in errors, ``trust_setting`` the setting of trusted certificates.
    """

    url: str = field(repr=False)
    bounds: Bounds
    name: str = "the address"
    ca_file: Path | None = None
    trust_setting: str = TRUST_SETTING
    proxies: Proxies = Proxies.ENCRYPTED

    def tls(self, environment: Mapping[str, str], proxy: Proxy | None) -> ssl.SSLContext | None:
        """Return the TLS context; None without encryption. Raises ConfigurationError."""
        if self.url[:6].lower() != "https:":
            return None if proxy is None else untrusting()
        return trusted_file(self.ca_file, self.trust_setting) if self.ca_file else trusted(environment)


@dataclass(frozen=True, slots=True)
class Request:
    """The request to send: ``path`` follows the URL of the server, ``body`` is JSON.

    It continues for ``grace`` seconds after the run was stopped. ``shown`` replaces it in errors where its
    path is a secret.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    grace: float = math.inf
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """The response to ``request``, whatever its status.

    ``location`` is the target of a redirect, ``next_link`` that of the link ``next`` (RFC 8288), ``etag`` the
    strong entity tag (RFC 9110), if it has one.
    """

    request: str
    method: str
    status: int
    reason: str
    content: bytes = field(repr=False)
    content_type: str
    retry_after: float | None
    location: str | None
    next_link: str | None = None
    etag: str | None = None

    @property
    def is_success(self) -> bool:
        """Return whether the status is 2xx."""
        return httpx.codes.is_success(self.status)


def _strong_tag(tag: str | None) -> str | None:
    """Return an entity tag that If-Match can compare: a weak one never matches (RFC 9110, 13.1.1)."""
    return tag if tag is not None and _STRONG_TAG.fullmatch(tag) else None


def _next_link(response: httpx.Response) -> str | None:
    """Return the target of the link ``next``; None if its ``results`` parameter excludes further results.

    Names are case-insensitive, and one link may have several relations.
    """
    for link in _LINK.finditer(", ".join(response.headers.get_list("Link"))):
        found: dict[str, str] = {}
        for name, quoted, plain in _PARAMETER.findall(link[2]):
            found.setdefault(name.lower(), quoted or plain)  # RFC 8288: the first counts
        if "next" in found.get("rel", "").lower().split():
            return None if found.get("results") == "false" else link[1].strip()
    return None


class HttpClient:
    """Sends requests to one server. Safe to share: each thread has a connection of its own.

    One per thread, because httpx's connection pool slows down as connections rise.
    """

    def __init__(self, server: Server, settings: HttpSettings) -> None:
        """Store the settings; nothing is opened before the first request.

        Raises ConfigurationError if the address, the certificates or the proxy cannot be used.
        """
        self._server = server
        self._settings = settings
        try:
            url = httpx.URL(server.url)
            _ = url.host  # which is decoded only now
        except (httpx.InvalidURL, UnicodeError):
            raise ConfigurationError(f"{server.name} cannot be used as an address") from None
        self._proxy = server.proxies.of(url, settings.environment)
        if self._proxy and self._proxy.url.password:
            settings.redactor.add(Secret(self._proxy.url.password))
        # Loading certificates takes 40 ms: all threads share them.
        self._tls = None if settings.transport else server.tls(settings.environment, self._proxy)
        self._local = threading.local()
        self._transports: list[Transport] = []
        self._is_closed = False

    @property
    def received(self) -> int:
        """Return how many bytes of responses the calling thread has read so far."""
        count: int = getattr(self._local, "received", 0)
        return count

    def close(self) -> None:
        """Close every connection."""
        self._is_closed = True
        for transport in self._transports:
            transport.close()

    def exchange(self, request: Request) -> Response:
        """Send a request once. Raises UnreachableError, InvalidResponseError or StoppedError."""
        settings = self._settings
        began = settings.clock.monotonic()
        path = request.path
        status: int | None = None
        try:
            sent = self._request(request)
            path = sent.url.raw_path.decode("ascii")
            shown = request.shown or f"{request.method} {path}"
            with closing(self._transport().handle_request(sent)) as response:
                status = response.status_code
                content = self._content(response, shown)
        except _ERRORS as error:
            shown = request.shown or f"{request.method} {path}"
            variable = self._proxy.variable if self._proxy else ""
            setting = self._server.trust_setting
            raise unreachable(shown, error, settings.redactor, setting, variable) from None
        finally:
            seconds = settings.clock.monotonic() - began
            settings.on_exchange(Exchange(request.method, path, seconds, status, settings.api))
        headers = response.headers
        return Response(
            shown,
            request.method,
            response.status_code,
            response.reason_phrase,
            content,
            headers.get("Content-Type", "no content type"),
            retry_after(headers.get("Retry-After"), settings.clock),
            headers["Location"] if response.has_redirect_location else None,
            _next_link(response) if "Link" in headers else None,
            _strong_tag(headers.get("ETag")),
        )

    def _request(self, request: Request) -> httpx.Request:
        bounds = self._server.bounds
        headers = {
            "User-Agent": self._settings.user_agent,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            **({} if request.body is None else {"Content-Type": "application/json"}),
            **request.headers,
        }
        timeout = httpx.Timeout(bounds.read, connect=bounds.connect).as_dict()
        return httpx.Request(
            request.method,
            self._server.url + request.path,
            headers=headers,
            content=request.body,
            extensions={"timeout": timeout, GRACE: request.grace},
        )

    def _content(self, response: httpx.Response, shown: str) -> bytes:
        """Read the body of a response, or nothing where it must be empty."""
        largest = self._server.bounds.size
        content = bytearray()
        for part in response.iter_bytes() if largest else ():
            content += part
            self._local.received = self.received + len(part)
            if len(content) > largest:
                detail = f"the response is larger than {largest // 2**20} MiB"
                raise InvalidResponseError(Failure(shown, detail, in_doubt=True))
        return bytes(content)

    def _transport(self) -> httpx.BaseTransport:
        settings = self._settings
        if self._is_closed:
            raise RuntimeError("the client is closed")
        if settings.transport is not None:
            return settings.transport
        transport: Transport | None = getattr(self._local, "transport", None)
        if transport is None:
            bounds = self._server.bounds
            transport = Transport(self._tls, self._proxy, settings.clock, settings.stop, bounds)
            self._local.transport = transport
            self._transports.append(transport)
        return transport
