"""HTTP against the key API; the one home of httpx.

What a caller may do is a type: a :class:`Reader` can only read, a :class:`Writer` can also write.
No other module sees an httpx object or exception.
"""

from __future__ import annotations

import json
import ssl
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from reconciler import errors
from reconciler.retry import Retrier, RetryPolicy, retry_after
from reconciler.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from reconciler.clock import Clock
    from reconciler.secret import Secret

_LONGEST_DETAIL: Final = 300
_BY_STATUS: Final[Mapping[int, type[errors.ApiError]]] = {
    401: errors.UnauthorizedError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    408: errors.TimedOutError,
    409: errors.ConflictError,
    429: errors.RateLimitedError,
}
_HINTS: Final[Mapping[tuple[str, int], str]] = {
    ("GET", 401): "check GCORE_API_KEY or the token file",
    ("PATCH", 401): "check GCORE_API_KEY or the token file",
    ("GET", 403): "the token may lack the permission to list keys",
    ("PATCH", 403): "the token may lack the permission to change keys, or a capacity limit is reached",
    ("GET", 404): "check project_id and region_id",
    ("PATCH", 404): "the key is gone; plan again",
}
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""Failures after which the service surely has not seen the request."""


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
    """How to reach the API; time-outs in seconds. Once ``stop`` is set, nothing is tried again."""

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


class Reader:
    """Reads JSON. Safe to share: each thread gets an HTTP client, and a connection, of its own.

    One client per thread because httpx's connection pool slows down as connections rise. Use it as
    a context manager, so that the connections are closed.
    """

    def __init__(self, connection: Connection) -> None:
        """Take the connection; nothing is opened before the first request.

        Raises ConfigurationError if the address or the certificates cannot be used.
        """
        self._connection = connection
        self._retrier = Retrier(connection.retry, connection.clock, connection.stop)
        self._local = threading.local()
        self._clients: list[httpx.Client] = []
        self._is_https = _is_https(connection.base_url)
        # Loading the certificates takes 40 ms: all clients share one context, and plain http, which is
        # for loopback only, gets one that trusts nobody.
        self._tls = _trust() if self._is_https else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

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
        """Give the JSON answer to a GET. Raises ApiError, or StoppedError before anything is sent."""
        return self._retrier.call(lambda: self._exchange("GET", path, parameters=parameters))

    def _exchange(
        self, method: str, path: str, parameters: Mapping[str, int] | None = None, body: bytes | None = None
    ) -> Any:
        clock = self._connection.clock
        began = clock.monotonic()
        status: int | None = None
        client = self._client()
        request = client.build_request(method, path, params=parameters, content=body)
        if body is not None:
            request.headers["Content-Type"] = "application/json"
        shown = request.url.raw_path.decode("ascii")
        try:
            response = client.send(request)
            status = response.status_code
        except errors.RejectedError as error:
            status = error.failure.status
            raise
        except (httpx.HTTPError, httpx.StreamError, UnicodeError) as error:
            raise _unreachable(f"{method} {shown}", error, self._connection.token) from error
        finally:
            self._connection.on_exchange(Exchange(method, shown, clock.monotonic() - began, status))
        return _answer(f"{method} {shown}", response, self._connection)

    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self._new_client()
            self._clients.append(client)
        return client

    def _refuse_redirect(self, response: httpx.Response) -> None:
        """Refuse before httpx looks at the target, which may be anything."""
        if response.is_redirect:
            target = _hidden(response.headers.get("Location", "nowhere"), self._connection.token)
            detail = (
                f"redirected to {target[:_LONGEST_DETAIL]}, which is refused: the token stays with one host"
            )
            shown = f"{response.request.method} {response.request.url.raw_path.decode('ascii')}"
            raise errors.RejectedError(errors.Failure(shown, detail, response.status_code))

    def _new_client(self) -> httpx.Client:
        connection = self._connection
        try:
            return httpx.Client(
                base_url=connection.base_url,
                headers={
                    "Authorization": f"apikey {connection.token.reveal()}",
                    "User-Agent": connection.user_agent,
                    "Accept": "application/json",
                },
                timeout=httpx.Timeout(connection.read_timeout, connect=connection.connect_timeout),
                follow_redirects=False,
                verify=self._tls,
                trust_env=self._is_https,  # plain http must not carry the token to a proxy
                transport=connection.transport,
                event_hooks={"response": [self._refuse_redirect]},
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise errors.ConfigurationError(
                "the proxy in HTTPS_PROXY or ALL_PROXY cannot be used; set it like http://proxy:3128"
            ) from error


class Writer(Reader):
    """A reader that can also change keys."""

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a PATCH and give the JSON answer. Raises ApiError, or StoppedError before it is sent.

        Values are absolute, so a PATCH that may have taken effect is safe to send again.
        """
        content = json.dumps(body, separators=(",", ":")).encode("ascii")
        return self._retrier.call(lambda: self._exchange("PATCH", path, body=content))


def _is_https(base_url: str) -> bool:
    try:
        address = httpx.URL(base_url)
        return bool(address.host) and address.scheme == "https"
    except (httpx.InvalidURL, UnicodeError) as error:
        raise errors.ConfigurationError("the base URL is no address; set GCORE_BASE_URL") from error


def _trust() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        reason = error.strerror or error
        message = f"the trusted certificates cannot be loaded: {reason}; check SSL_CERT_FILE and SSL_CERT_DIR"
        raise errors.ConfigurationError(message) from error


def _hidden(text: str, token: Secret) -> str:
    """Blot the token out: a service may send back what it was sent."""
    return text.replace(token.reveal(), repr(token))


def _unreachable(request: str, error: Exception, token: Secret) -> errors.ApiError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            detail = f"the server's certificate is not trusted: {cause.verify_message}"
            return errors.UntrustedError(errors.Failure(request, detail))
        cause = cause.__cause__ or cause.__context__
    reason = _hidden(str(error), token) or type(error).__name__
    if isinstance(error, httpx.DecodingError):
        detail = f"the answer cannot be decoded: {reason}"
        return errors.BadAnswerError(errors.Failure(request, detail, in_doubt=True))
    what = "timed out" if isinstance(error, httpx.TimeoutException) else "no answer"
    hint = "check the address and the network"
    in_doubt = not isinstance(error, _NEVER_SENT)
    return errors.UnreachableError(errors.Failure(request, f"{what}: {reason}", hint=hint, in_doubt=in_doubt))


def _answer(request: str, response: httpx.Response, connection: Connection) -> Any:
    if not response.is_success:
        raise _refusal(request, response, connection)
    try:
        return parse_json(response.content)
    except (ValueError, RecursionError) as error:
        kind = response.headers.get("Content-Type", "no content type")
        start = _hidden(response.content[:_LONGEST_DETAIL].decode("utf-8", "replace"), connection.token)
        detail = f"the answer is not JSON ({kind}, {len(response.content)} bytes): {start[:80]}"
        failure = errors.Failure(request, detail, response.status_code, in_doubt=True)
        raise errors.BadAnswerError(failure) from error


def _refusal(request: str, response: httpx.Response, connection: Connection) -> errors.ApiError:
    status = response.status_code
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        body = None
    body = body if isinstance(body, dict) else {}
    kind = _BY_STATUS.get(status)
    if kind is None:
        kind = (
            errors.ServerFaultError if status >= httpx.codes.INTERNAL_SERVER_ERROR else errors.RejectedError
        )

    def told(member: str) -> str | None:
        value = body.get(member)
        return _hidden(value, connection.token)[:_LONGEST_DETAIL] if isinstance(value, str) else None

    detail = told("message") or told("detail") or response.reason_phrase or "no reason given"
    fields = body.get("invalid_fields")
    if isinstance(fields, dict) and fields:
        detail += _hidden(f" (fields: {', '.join(fields)})", connection.token)
    return kind(
        errors.Failure(
            request=request,
            detail=detail[:_LONGEST_DETAIL],
            status=status,
            exception_class=told("exception_class") or told("code"),
            request_id=told("request_id"),
            retry_after=retry_after(response.headers.get("Retry-After"), connection.clock),
            hint=_HINTS.get((response.request.method, status), ""),
            in_doubt=kind in {errors.ServerFaultError, errors.TimedOutError},
        )
    )
