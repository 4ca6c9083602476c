"""One HTTP exchange: bounded in time and size, without redirects, its failures mapped to errors by meaning.

All HTTP goes through an :class:`HttpClient`: the API, the server of access tokens, the webhook and the
servers of secrets define the requests, and what each status means to them. httpx is imported for the first
request: a run that finds a fault in its files, or whose requests other processes send, needs none of it.
"""

from __future__ import annotations

import re
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Final

from reconciler.api.environment import trusts_own
from reconciler.api.exchange import Exchange, Response
from reconciler.api.retry import retry_after
from reconciler.errors import ConfigurationError, Failure, InvalidResponseError
from reconciler.model.expressions import expression
from reconciler.model.later import Later
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    import ssl

    import httpx

    from reconciler.api import failures, transport
    from reconciler.api.exchange import HttpSettings, Request, Server
else:
    httpx = Later("httpx")
    failures = Later("reconciler.api.failures")
    transport = Later("reconciler.api.transport")

_PARAMETER: Final = expression(r""";\s*([^\s=;,"<>]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))""")
_STRONG_TAG: Final = expression(r'"[!#-~]*"', re.ASCII)
_LINK: Final = expression(
    r"""<([^>]*)>((?:\s*;\s*[^\s=;,"<>]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]*))?)*)"""
)
"""A link of the header Link and its parameters (RFC 8288)."""
PLAIN_ADDRESS: Final = expression(
    r"https?://(?:127\.0\.0\.1|localhost|(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,20})"
    r"(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]{0,2000})?",
    re.ASCII,
)
"""An address that httpx surely understands, so that it need not be imported to be asked."""


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
        if not PLAIN_ADDRESS.fullmatch(server.url):
            _check_address(server)
        self._proxy = server.proxies.of(server.url, settings.environment)
        if self._proxy and self._proxy.url.password:
            settings.redactor.add(Secret(self._proxy.url.password))
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None
        if settings.transport is None and (server.ca_file or trusts_own(settings.environment)):
            self._tls = server.tls(settings.environment, self._proxy)
        self._local = threading.local()
        self._transports: list[transport.Transport] = []
        self._is_closed = False

    @property
    def received(self) -> int:
        """Return how many bytes of responses the calling thread has read so far."""
        count: int = getattr(self._local, "received", 0)
        return count

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            self._is_closed = True
        for own in self._transports:
            own.close()

    def exchange(self, request: Request) -> Response:
        """Send a request once. Raises UnreachableError, InvalidResponseError or StoppedError."""
        settings = self._settings
        sender = self._transport()
        began = settings.clock.monotonic()
        path = request.path
        status: int | None = None
        try:
            sent = self._request(request)
            path = sent.url.raw_path.decode("ascii")
            shown = request.shown or f"{request.method} {path}"
            with closing(sender.handle_request(sent)) as response:
                status = response.status_code
                content = self._content(response, shown)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, UnicodeError) as error:
            shown = request.shown or f"{request.method} {path}"
            variable = self._proxy.variable if self._proxy else ""
            setting = self._server.trust_setting
            raise failures.unreachable(shown, error, settings.redactor, setting, variable) from None
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
            extensions={"timeout": timeout, transport.GRACE: request.grace},
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
        """Return the connection of this thread. Raises RuntimeError if the client is closed."""
        settings = self._settings
        own: transport.Transport | None = getattr(self._local, "transport", None)
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the client is closed")
            if settings.transport is not None:
                return settings.transport
            if own is None:
                self._tls = self._tls or self._server.tls(settings.environment, self._proxy)
                bounds = self._server.bounds
                own = transport.Transport(self._tls, self._proxy, settings.clock, settings.stop, bounds)
                self._local.transport = own
                self._transports.append(own)
        return own


def _check_address(server: Server) -> None:
    """Check an unusual address. Raises ConfigurationError."""
    try:
        _ = httpx.URL(server.url).host  # which is decoded only now
    except (httpx.InvalidURL, UnicodeError):
        raise ConfigurationError(f"{server.name} cannot be used as an address") from None
