"""Read JSON from the API: a caller with a Reader cannot write."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import field, replace
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self
from urllib.parse import urlencode

from reconciler.api.address import checked_scheme, checked_url
from reconciler.api.authentication import AuthSettings, TokenHeaders, authenticator
from reconciler.api.exchange import Bounds, Request, Response, Server
from reconciler.api.http_client import HttpClient
from reconciler.api.responses import value_of
from reconciler.api.retry import Retrier, RetryPolicy
from reconciler.errors import StoppedError, UnauthorizedError, UnreachableError
from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from reconciler.api.gate import Gate
    from reconciler.api.retry import Wait
    from reconciler.model.endpoint import BaseUrl

    Parameters = Mapping[str, int | str]

_LARGEST_RESPONSE: Final = 64 * 2**20
_UNCACHED: Final = {"Cache-Control": "no-cache"}
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_SLOWEST: Final = 4
"""How many read time-outs a whole response may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(AuthSettings):
    """How to reach an API; time-outs in seconds.

    ``constants`` are headers of every request, ``api`` is the name of the API in the configuration file.
    ``gate`` limits requests of other processes too. ``on_wait`` is called before a request is retried.
    """

    base_url: BaseUrl
    constants: Mapping[str, str] = field(default_factory=dict)
    api: str = BUILT_IN_API
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    gate: Gate | None = None
    on_wait: Callable[[Wait], object] = str

    def __post_init__(self) -> None:
        """Check the targets of tokens. Raises ConfigurationError."""
        AuthSettings.__post_init__(self)
        checked_url(self.base_url)
        if self.auth.scheme:
            checked_scheme(self.auth.scheme)
        if self.auth.server is not None:
            checked_url(self.auth.server.url, "the token URL", "token_url")

    def server(self) -> Server:
        """Return the server of the API."""
        connect, read = self.connect_timeout, self.read_timeout
        bounds = Bounds(connect, read, connect + read, connect + _SLOWEST * read, _LARGEST_RESPONSE)
        name = " (GCORE_BASE_URL)" if self.api == BUILT_IN_API else f" of {self.api}"
        return Server(self.base_url, bounds, f"the base URL{name}")


class Page(NamedTuple):
    """A response, the target of its link ``next`` (RFC 8288), and its tag (RFC 9110); None without one."""

    value: Any
    next_link: str | None = None
    etag: str | None = None


class Reader:
    """Reads JSON. Threads may share it. Use it as a context manager, so that its connections are closed."""

    def __init__(self, connection: Connection) -> None:
        """Store the connection; nothing is opened before the first request.

        Raises ConfigurationError if the address, the certificates or the proxy cannot be used.
        """
        self._connection = connection
        self._redactor = connection.redactor
        self._auth = authenticator(connection)
        self._retrier = Retrier(
            connection.retry,
            connection.clock,
            connection.stop,
            connection.randomness,
            gate=connection.gate,
            on_wait=connection.on_wait,
        )
        self._http = HttpClient(connection.server(), connection)

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection."""
        self._http.close()
        self._auth.close()

    def get(self, path: str, parameters: Parameters, headers: Mapping[str, str] = NO_HEADERS) -> Any:
        """Return the JSON response to a GET. Raises ApiError, or StoppedError once the run is stopped."""
        found = target(path, parameters)
        return self._retrier.call(lambda: self._exchange("GET", found, grace=0.0, headers=headers))

    def page(self, path: str, parameters: Parameters, headers: Mapping[str, str] = NO_HEADERS) -> Page:
        """Return the response to a GET with its link and its tag. Raises the errors of :meth:`get`."""
        request = Request("GET", target(path, parameters), headers, grace=0.0)
        return self._retrier.call(lambda: self._page(request))

    def page_after_write(
        self, path: str, parameters: Parameters, headers: Mapping[str, str] = NO_HEADERS
    ) -> Page:
        """Return the response to a GET that resolves a write: sent once even after ``stop``."""
        with suppress(StoppedError, UnreachableError):
            return self.page(path, parameters, headers)
        return self._page(Request("GET", target(path, parameters), headers))

    def _page(self, request: Request) -> Page:
        response = self._sent(request)
        return Page(self._value(response), response.next_link, response.etag)

    def read_back(self, path: str, parameters: Parameters, headers: Mapping[str, str] = NO_HEADERS) -> Any:
        """Return the JSON response to a GET that resolves a write: sent once even after ``stop``."""
        with suppress(StoppedError, UnreachableError):
            return self.get(path, parameters, headers)
        # Once more whatever the policy: the connection of the write may have been closed after it.
        return self._exchange("GET", target(path, parameters), headers=headers)

    @property
    def received(self) -> int:
        """Return how many bytes of responses the calling thread has read so far."""
        return self._http.received

    @property
    def base_url(self) -> BaseUrl:
        """Return the base URL of the API."""
        return self._connection.base_url

    @property
    def seconds(self) -> float:
        """Return the seconds by the connection's monotonic clock."""
        return self._connection.clock.monotonic()

    @property
    def is_stopped(self) -> bool:
        """Return whether the run was stopped."""
        return self._connection.stop.is_set()

    def pause(self, seconds: float) -> None:
        """Wait ``seconds``, or until the run is stopped."""
        self._connection.clock.sleep(seconds, self._connection.stop)

    def now(self) -> dt.datetime:
        """Return the present time of the connection's clock."""
        return self._connection.clock.now()

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        grace: float = math.inf,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Any:
        """Send a request once; it continues for ``grace`` seconds after the run was stopped."""
        return self._value(self._sent(Request(method, path, headers, body, grace)))

    def _sent(self, request: Request) -> Response:
        """Send a request with all its headers; once more with a renewed token if the first was refused."""
        tokens = self._auth.headers(request.grace)
        response = self._http.exchange(self._complete(request, tokens))
        if response.status == HTTPStatus.UNAUTHORIZED and self._auth.is_renewed(tokens):
            tokens = self._auth.headers(request.grace)
            response = self._http.exchange(self._complete(request, tokens))
        return response

    def _complete(self, request: Request, tokens: TokenHeaders) -> Request:
        """Add the headers of the API, among them one that bypasses caches, which cannot resolve a write."""
        headers: dict[str, tuple[str, str]] = {}
        for part in (self._connection.constants, request.headers, tokens.values, _UNCACHED):
            headers |= {name.lower(): (name, value) for name, value in part.items()}
        return replace(request, headers=dict(headers.values()))

    def _value(self, response: Response) -> Any:
        try:
            return value_of(response, self._redactor)
        except UnauthorizedError as error:
            raise error.with_hint(f"check {self._connection.token_setting}") from error.__cause__


def target(path: str, parameters: Parameters) -> str:
    """Return a path with its query."""
    return f"{path}?{urlencode(parameters)}" if parameters else path
