"""HTTP sessions: what a caller may do is a type, a Reader or a Writer."""

from __future__ import annotations

import math
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from reconciler import errors
from reconciler.api.environment import proxy_for, trusted, untrusting
from reconciler.api.failures import DIRECT, Route, unreachable
from reconciler.api.redaction import Redactor
from reconciler.api.responses import REFUSED_TARGET, answer_of
from reconciler.api.retry import Retrier, RetryPolicy
from reconciler.api.transport import GRACE, Bounds, Transport
from reconciler.model.endpoint import same_url
from reconciler.model.plan import body_text
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from reconciler.model.clock import Clock

_LARGEST_ANSWER: Final = 64 * 2**20
_SLOWEST: Final = 4
"""How many read time-outs a whole answer may take."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it: never a header. ``seconds`` is its duration."""

    method: str
    path: str
    seconds: float
    status: int | None


def ignore(_exchange: Exchange) -> None:
    """Take no notice of an exchange."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach the API; time-outs in seconds. Once ``stop`` is set, nothing is tried again.

    ``auth_scheme`` is the word before the token in the header Authorization. ``redactor`` knows the secrets
    of the whole run, and learns the token. ``environment`` may name a proxy and trusted certificates.
    """

    base_url: str
    token: Secret
    user_agent: str
    clock: Clock
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    stop: threading.Event = field(default_factory=threading.Event)
    on_exchange: Callable[[Exchange], None] = ignore
    transport: httpx.BaseTransport | None = None
    auth_scheme: str = "apikey"
    redactor: Redactor = field(default_factory=Redactor)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


class Reader:
    """Reads JSON. Safe to share: each thread gets an HTTP client, and a connection, of its own.

    One client per thread because httpx's connection pool slows down as connections rise. Use it as
    a context manager, so that the connections are closed.
    """

    def __init__(self, connection: Connection) -> None:
        """Store the connection; nothing is opened before the first request.

        Raises ConfigurationError if the address or the certificates cannot be used.
        """
        self._connection = connection
        self._redactor = connection.redactor
        self._redactor.refuse(connection.token)
        self._retrier = Retrier(connection.retry, connection.clock, connection.stop)
        self._local = threading.local()
        self._clients: list[httpx.Client] = []
        self._is_https = _is_https(connection.base_url)
        # Loading the certificates takes 40 ms: all clients share one context, and plain http needs none.
        self._tls = trusted(connection.environment) if self._is_https else untrusting()
        self._route = DIRECT

    def __enter__(self) -> Self:
        """Begin to use the reader."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every connection."""
        for client in self._clients:
            client.close()

    def get(self, path: str, parameters: Mapping[str, int]) -> Any:
        """Return the JSON response to a GET. Raises ApiError, or StoppedError once the run is stopped."""
        return self._retrier.call(lambda: self._exchange("GET", path, parameters=parameters, grace=0.0))

    def read_back(self, path: str, parameters: Mapping[str, int]) -> Any:
        """Return the JSON response to a GET that resolves a write: sent once even after ``stop``."""
        with suppress(errors.StoppedError, errors.UnreachableError):
            return self.get(path, parameters)
        # Once more whatever the policy: the connection of the write may have been closed after it.
        return self._exchange("GET", path, parameters=parameters)

    @property
    def received(self) -> int:
        """Return how many bytes of responses the calling thread has read so far."""
        count: int = getattr(self._local, "received", 0)
        return count

    @property
    def base_url(self) -> str:
        """Return the base URL of the API in its normal form."""
        return same_url(self._connection.base_url)

    @property
    def seconds(self) -> float:
        """Return the seconds by the connection's clock, which nobody sets."""
        return self._connection.clock.monotonic()

    def now(self) -> dt.datetime:
        """Return the present by the connection's clock."""
        return self._connection.clock.now()

    def _exchange(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, int] | None = None,
        body: bytes | None = None,
        grace: float = math.inf,
    ) -> Any:
        """Send a request once; it goes on for ``grace`` seconds after the run was stopped."""
        clock = self._connection.clock
        began = clock.monotonic()
        status: int | None = None
        client = self._client()
        request = client.build_request(
            method, path, params=parameters, content=body, extensions={GRACE: grace}
        )
        if body is not None:
            request.headers["Content-Type"] = "application/json"
        shown = request.url.raw_path.decode("ascii")
        try:
            response = client.send(request, stream=True)
            status = response.status_code
            content = self._content(response, f"{method} {shown}", began)
        except (httpx.HTTPError, httpx.StreamError, UnicodeError) as error:
            raise unreachable(f"{method} {shown}", error, self._redactor, self._route) from error
        finally:
            self._connection.on_exchange(Exchange(method, shown, clock.monotonic() - began, status))
        return answer_of(f"{method} {shown}", response, content, self._redactor, clock)

    def _content(self, response: httpx.Response, request: str, began: float) -> bytes:
        """Read an answer to its end: a time-out bounds each part of it only, and nothing its size."""
        connection = self._connection
        latest = began + connection.connect_timeout + _SLOWEST * connection.read_timeout
        parts: list[bytes] = []
        size = 0
        try:
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > _LARGEST_ANSWER:
                    detail = f"the answer is larger than {_LARGEST_ANSWER // 2**20} MiB"
                    raise errors.InvalidResponseError(errors.Failure(request, detail, in_doubt=True))
                if connection.clock.monotonic() > latest:
                    raise errors.UnreachableError(
                        errors.Failure(request, "timed out: the answer does not end", in_doubt=True)
                    )
        finally:
            response.close()
            self._local.received = self.received + size
        return b"".join(parts)

    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self._new_client()
            self._clients.append(client)
        return client

    @staticmethod
    def _refuse_redirect(response: httpx.Response) -> None:
        """Remove the target, which may be anything, before httpx looks at it.

        The body is read: a write may have taken effect all the same, and the secret of a new key be in it.
        """
        if response.has_redirect_location:
            response.extensions[REFUSED_TARGET] = response.headers.pop("Location")

    def _new_client(self) -> httpx.Client:
        connection = self._connection
        return httpx.Client(
            base_url=connection.base_url,
            headers={
                "Authorization": f"{connection.auth_scheme} {connection.token.reveal()}",
                "User-Agent": connection.user_agent,
                "Cache-Control": "no-cache",  # what a cache held back would resolve no write
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
            timeout=httpx.Timeout(connection.read_timeout, connect=connection.connect_timeout),
            follow_redirects=False,
            trust_env=False,
            transport=connection.transport or self._transport(),
            event_hooks={"response": [self._refuse_redirect]},
        )

    def _transport(self) -> Transport:
        connection = self._connection
        # Plain http must not carry the token to a proxy.
        proxy = proxy_for(httpx.URL(connection.base_url), connection.environment) if self._is_https else None
        if proxy is not None:
            self._route = Route(proxy_variable=proxy.variable)
            self._redactor.add(*(Secret(proxy.url.password) for _ in proxy.url.password[:1]))
        head = connection.connect_timeout + connection.read_timeout
        bounds = Bounds(head, connection.connect_timeout + _SLOWEST * connection.read_timeout)
        return Transport(self._tls, proxy, connection.clock, connection.stop, bounds)


class Writer(Reader):
    """A reader that can also change keys."""

    @property
    def redactor(self) -> Redactor:
        """Return what removes the secrets of the run from texts, and learns those of new keys."""
        return self._redactor

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a PATCH and give the JSON answer. Raises ApiError, or StoppedError before it is sent.

        Values are absolute, so a PATCH that may have taken effect is safe to send again.
        """
        return self._retrier.call(lambda: self._exchange("PATCH", path, body=_json(body)))

    def post(self, path: str, body: Mapping[str, Any], item: str | None = None) -> Any:
        """Send a POST and give the JSON answer, which may hold a secret. Raises as :meth:`patch` does.

        It is sent again only where the service surely has not executed it: a second key would be refused, and
        the secret of the first one lost with its answer. After 429 that is so if nothing is at ``item``.
        """
        refusals: list[errors.ApiError] = []

        def send() -> Any:
            if refusals and (item is None or self._exists(item)):
                raise errors.RejectedError(refusals[-1].failure, refusals[-1].answer)
            try:
                return self._exchange("POST", path, body=_json(body))
            except errors.RateLimitedError as error:
                refusals.append(error)
                raise

        return self._retrier.call(send, repeatable=False)

    def _exists(self, path: str) -> bool:
        try:
            self._exchange("GET", path)
        except errors.NotFoundError:
            return False
        return True

    def post_now(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a POST once, even after ``stop`` or in a pause: what it completes cannot be left undone."""
        return self._exchange("POST", path, body=_json(body))

    def delete(self, path: str) -> None:
        """Send a DELETE. Raises as :meth:`patch` does; NotFoundError may be an earlier attempt's work."""
        self._retrier.call(lambda: self._exchange("DELETE", path))


def _json(body: Mapping[str, Any]) -> bytes:
    return body_text(body).encode("ascii")


def _is_https(base_url: str) -> bool:
    try:
        address = httpx.URL(base_url)
        return bool(address.host) and address.scheme == "https"
    except (httpx.InvalidURL, UnicodeError) as error:
        raise errors.ConfigurationError("the base URL is no address; set GCORE_BASE_URL") from error
