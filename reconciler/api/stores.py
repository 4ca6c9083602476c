"""JSON exchanges with places that keep secrets, where neither side may give one away."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import httpx

from reconciler import errors
from reconciler.api.environment import TRUST_SETTING, proxy_for, trusted, trusted_file, untrusting
from reconciler.api.failures import Route, unreachable
from reconciler.api.hints import cluster_hint
from reconciler.api.redaction import Redactor
from reconciler.api.refusals import STANDING_BY, is_silent, kind_of, reason_of
from reconciler.api.retry import Retrier, RetryPolicy, retry_after
from reconciler.api.transport import Bounds, Transport
from reconciler.model.strict_json import parse_json

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from reconciler.model.clock import Clock
    from reconciler.model.secret import Secret


class Patience(Enum):
    """How long a request is tried again: a probe fails soon, a secret cannot be had twice.

    But a probe of many places must not fail by a rate limit each time.
    """

    PROBING = RetryPolicy(
        attempts=1000, longest_wait=10.0, longest_pause=120.0, longest_total=120.0, longest_fault=10.0
    )
    STORING = RetryPolicy(attempts=1000, longest_wait=10.0, longest_pause=120.0, longest_total=120.0)


_TIMEOUT: Final = 10.0
_LONGEST_ANSWER: Final = 30.0
_LARGEST_ANSWER: Final = 2**20


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What every exchange depends on. ``transport`` takes the place of the network.

    ``environment`` may name a proxy and trusted certificates. ``redactor`` knows the secrets of the run.
    """

    user_agent: str
    clock: Clock
    transport: httpx.BaseTransport | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    redactor: Redactor = field(default_factory=Redactor)


@dataclass(frozen=True, slots=True)
class ServerAuth:
    """How to be let in: the header with the token, which is asked for anew each time, and other headers.

    ``authorities`` are the certificates to trust instead of the usual ones, and ``trust_setting`` names what
    says which these are.
    """

    base_url: str
    header: str
    prefix: str
    token: Callable[[], Secret]
    headers: Mapping[str, str]
    authorities: Path | None
    use_proxies: bool
    trust_setting: str = TRUST_SETTING


class Store:
    """One server. Every exchange opens a connection of its own: there are as few as new keys."""

    def __init__(self, entrance: ServerAuth, conditions: HttpSettings) -> None:
        """Store the way in; nothing is opened or read before the first exchange."""
        self._entrance = entrance
        self._conditions = conditions
        # Nothing ends an exchange but its time: this signal is never given.
        self._never = threading.Event()
        self._hurry = hurry = threading.Event()
        self._retriers = {patience: Retrier(patience.value, conditions.clock, hurry) for patience in Patience}
        self._route = Route(entrance.trust_setting)
        self._tls: ssl.SSLContext | None = None

    def hurry(self) -> None:
        """Send each request once from now on."""
        self._hurry.set()

    @property
    def redactor(self) -> Redactor:
        """Return what removes the secrets of the run from texts."""
        return self._conditions.redactor

    def send(
        self,
        method: str,
        path: str,
        body: Secret | None = None,
        *,
        hide: tuple[Secret, ...] = (),
        patience: Patience = Patience.PROBING,
    ) -> Any:
        """Return the JSON answer to a request. ``path`` may hold a query; ``body`` is JSON.

        It is tried again where that may help. A GET of what is not there, of which the server says nothing
        else, is answered too. Raises ApiError, ConfigurationError or ThrottledError, whose texts hold neither
        the token nor any secret of ``hide``.
        """

        def attempt() -> Any:
            try:
                return self._once(method, path, body, hide)
            except errors.StandbyError as error:
                if patience is Patience.STORING or error.failure.status != httpx.codes.TEMPORARY_REDIRECT:
                    raise
                raise errors.RejectedError(error.failure) from None

        try:
            return self._retriers[patience].call(attempt)
        except errors.StoppedError:
            return attempt()  # once, in a hurry as well

    def write(  # noqa: PLR0913 - what is sent, and how it is judged
        self,
        method: str,
        path: str,
        body: Secret,
        *,
        secret: Secret,
        is_told: Callable[[Any], bool],
        is_there: Callable[[], bool],
        hide: tuple[Secret, ...] = (),
    ) -> None:
        """Send what stores a secret; whether it is stored is told by the answer, or by reading it.

        ``is_told`` judges the answer. Where an answer was lost, ``is_there`` reads.
        Raises what ``send`` does.
        """
        request = f"{method} {path}"
        try:
            answer = self.send(method, path, body, hide=(secret, *hide), patience=Patience.STORING)
            if not is_told(answer):
                failure = errors.Failure(request, "the answer is not that of a new secret", in_doubt=True)
                raise errors.InvalidResponseError(failure)
        except errors.ApiError as error:
            if not error.failure.in_doubt:
                raise
            with contextlib.suppress(errors.ReconcilerError):  # to read may be forbidden
                if is_there():
                    return
            detail = f"{error.failure.detail}; it may be stored all the same"
            raise type(error)(replace(error.failure, detail=detail)) from None

    def _once(self, method: str, path: str, body: Secret | None, hide: tuple[Secret, ...]) -> Any:
        token = self._entrance.token()
        redactor = self.redactor
        redactor.add(token, *hide)
        shown = f"{method} {path}"
        began = self._conditions.clock.monotonic()
        with self._client(token) as client:
            client.event_hooks = {"response": [lambda answer: _refuse_redirect(answer, shown, redactor)]}
            try:
                request = client.build_request(method, self._entrance.base_url.rstrip("/") + path)
                if body is not None:
                    request = client.build_request(method, request.url, content=body.reveal().encode("ascii"))
                    request.headers["Content-Type"] = "application/json"
                response = client.send(request, stream=True)
                try:
                    content = self._content(response, shown, began)
                finally:
                    response.close()
            except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, UnicodeError) as error:
                raise unreachable(shown, error, redactor, self._route) from None
        is_absent = method == "GET" and response.status_code == httpx.codes.NOT_FOUND
        if not response.is_success and not (is_absent and is_silent(content)):
            raise self._refusal(shown, response, content)
        try:
            return parse_json(content)
        except (ValueError, RecursionError):
            detail = f"the answer is not JSON ({len(content)} bytes)"
            failure = errors.Failure(shown, detail, response.status_code, in_doubt=True)
            raise errors.InvalidResponseError(failure) from None

    def _content(self, response: httpx.Response, request: str, began: float) -> bytes:
        content = b""
        for part in response.iter_bytes():
            content += part
            is_late = self._conditions.clock.monotonic() > began + _LONGEST_ANSWER
            if is_late or len(content) > _LARGEST_ANSWER:
                detail = "the answer does not end" if is_late else "the answer is too large"
                raise errors.InvalidResponseError(errors.Failure(request, detail, in_doubt=True))
        return content

    def _refusal(self, request: str, response: httpx.Response, content: bytes) -> errors.ApiError:
        status = response.status_code
        reason = reason_of(content)
        kind = kind_of(request, status, reason)
        detail = self.redactor.line(reason) or self.redactor.line(response.reason_phrase)
        return kind(
            errors.Failure(
                request,
                detail or "no reason given",
                status,
                retry_after=retry_after(response.headers.get("Retry-After"), self._conditions.clock),
                in_doubt=kind in {errors.ServerFaultError, errors.TimedOutError},
            )
        )

    def _client(self, token: Secret) -> httpx.Client:
        entrance, network = self._entrance, self._transport()
        return httpx.Client(
            headers={
                entrance.header: entrance.prefix + token.reveal(),
                "User-Agent": self._conditions.user_agent,
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                **entrance.headers,
            },
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            transport=self._conditions.transport or network,
        )

    def _transport(self) -> Transport:
        entrance, conditions = self._entrance, self._conditions
        proxy = None
        if entrance.use_proxies:
            proxy = proxy_for(httpx.URL(entrance.base_url), conditions.environment)
        self._route = Route(entrance.trust_setting, "" if proxy is None else proxy.variable)
        # Nothing ends an exchange early but its time: a secret is to be stored.
        bounds = Bounds(_LONGEST_ANSWER, _LONGEST_ANSWER)
        return Transport(self._trust(), proxy, conditions.clock, self._never, bounds)

    def _trust(self) -> ssl.SSLContext:
        if self._tls is None:
            entrance = self._entrance
            if not entrance.base_url.startswith("https:"):
                self._tls = untrusting()
            elif entrance.authorities is not None:
                self._tls = trusted_file(entrance.authorities, entrance.trust_setting)
            else:
                self._tls = trusted(self._conditions.environment)
        return self._tls


def _refuse_redirect(response: httpx.Response, request: str, redactor: Redactor) -> None:
    """Refuse before httpx looks at the target, which may be anything."""
    if response.has_redirect_location:
        target = redactor.line(response.headers["Location"])
        detail = f"redirected to {target}, which is refused: secrets go to one host"
        kind = errors.StandbyError if response.status_code in STANDING_BY else errors.RejectedError
        raise kind(errors.Failure(request, detail, response.status_code))


@contextlib.contextmanager
def sink_errors(what: str, hints: Mapping[type[errors.ApiError], str]) -> Iterator[None]:
    """Turn whatever keeps a secret from being stored into a SinkError, with advice by the kind of error."""
    try:
        yield
    except errors.SinkError:
        raise
    except errors.ReconcilerError as error:
        hint = ""
        if isinstance(error, errors.ApiError):
            failure = error.failure
            hint = cluster_hint(failure.status, failure.detail) or hints.get(type(error), "")
        raise errors.SinkError(f"{what}: {error}{f'; {hint}' if hint else ''}") from None
