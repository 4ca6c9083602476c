"""JSON exchanges with servers that store secrets (Vault, OpenBao, Kubernetes); errors contain no secrets."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import field, replace
from enum import Enum
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from reconciler import errors
from reconciler.api.exchange import Bounds, HttpSettings, Request, Response, Server
from reconciler.api.http_client import HttpClient
from reconciler.api.responses import error_class, is_about_permission, limit_hint
from reconciler.api.retry import Retrier, RetryPolicy
from reconciler.model.frozen import dataclass
from reconciler.model.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.api.redaction import Redactor
    from reconciler.model.secret import Secret


class Patience(Enum):
    """How long a request is retried: a probe fails soon, but a secret is shown only once.

    A probe of many places is still retried after a rate limit.
    """

    PROBING = RetryPolicy(attempts=1000, longest_wait=10.0, longest_total=120.0, longest_fault=10.0)
    STORING = RetryPolicy(attempts=1000, longest_wait=10.0, longest_total=120.0)


BOUNDS: Final = Bounds(connect=10.0, read=10.0, head=30.0, whole=30.0, size=2**20)
_STANDING_BY: Final = frozenset({307, 412, 472, 473})
"""The statuses of a server of Vault that is not the active one, or has not yet what the active one has."""
_UPGRADING: Final = "will be unavailable for a brief period"
"""What an engine of Vault responds, as 400, just after it was mounted."""
_QUOTA: Final = "resourcequotas"
"""Kubernetes counts against a quota by a write of its own, which two creations at once may spoil."""
_BY_ADMISSION: Final = "an admission policy of the cluster has to allow it"
_CLUSTER_HINTS: Final[Mapping[str, str]] = {
    "being terminated": "it is being deleted: use another one",
    "admission": _BY_ADMISSION,
    "denied the request": _BY_ADMISSION,
}


@dataclass(frozen=True, slots=True)
class ServerAuth:
    """How to authenticate to a server: the header with the token, which is read before each request.

    ``headers`` are sent besides.
    """

    header: str
    prefix: str
    token: Callable[[], Secret]
    headers: Mapping[str, str] = field(default_factory=dict)


class SecretServer:
    """One server. Every exchange opens a connection of its own: there are as few as new keys."""

    def __init__(self, server: Server, auth: ServerAuth, settings: HttpSettings) -> None:
        """Store the settings; nothing is opened or read before the first exchange."""
        self._server = server
        self._auth = auth
        self._settings = settings
        self._hurry = threading.Event()
        self._retriers = {
            each: Retrier(each.value, settings.clock, self._hurry, settings.randomness) for each in Patience
        }

    @cached_property
    def _http(self) -> HttpClient:
        return HttpClient(self._server, self._settings)

    def hurry(self) -> None:
        """Send each request only once from now on."""
        self._hurry.set()

    @property
    def redactor(self) -> Redactor:
        """Return the redactor of the run."""
        return self._settings.redactor

    def send(
        self,
        method: str,
        path: str,
        body: Secret | None = None,
        patience: Patience = Patience.PROBING,
    ) -> Any:
        """Return the JSON response to a request. ``path`` may hold a query; ``body`` is JSON.

        It is retried where that may help. The response to a GET of a missing resource is returned too if it
        has no other error. Raises ApiError, ConfigurationError or ThrottledError.
        """

        def attempt() -> Any:
            try:
                return self._once(method, path, body)
            except errors.StandbyError as error:
                if patience is Patience.STORING or error.failure.status != HTTPStatus.TEMPORARY_REDIRECT:
                    raise
                raise errors.RejectedError(error.failure) from None

        try:
            return self._retriers[patience].call(attempt)
        except errors.StoppedError:
            return attempt()  # once, in a hurry as well

    def write(
        self,
        method: str,
        path: str,
        body: Secret,
        is_confirmed: Callable[[Any], bool],
        is_stored: Callable[[], bool],
    ) -> None:
        """Send a request that stores a secret.

        ``is_confirmed`` returns whether the response confirms that it is stored; if the response was lost,
        ``is_stored`` reads it. Raises the errors of :meth:`send`.
        """
        try:
            response = self.send(method, path, body, Patience.STORING)
            if not is_confirmed(response):
                detail = "the response is not that of a new secret"
                raise errors.InvalidResponseError(errors.Failure(f"{method} {path}", detail, in_doubt=True))
        except errors.ApiError as error:
            if not error.failure.in_doubt:
                raise
            with contextlib.suppress(errors.ReconcilerError):  # to read may be forbidden
                if is_stored():
                    return
            detail = f"{error.failure.detail}; it may be stored all the same"
            raise type(error)(replace(error.failure, detail=detail)) from None

    def _once(self, method: str, path: str, body: Secret | None) -> Any:
        token = self._auth.token()
        self.redactor.add(token)
        response = self._http.exchange(self._request(method, path, body, token))
        is_absent = method == "GET" and response.status == HTTPStatus.NOT_FOUND
        if not response.is_success and not (is_absent and _is_empty(response.content)):
            raise self._refusal(response)
        try:
            return parse_json(response.content)
        except (ValueError, RecursionError):
            detail = f"the response is not JSON ({len(response.content)} bytes)"
            failure = errors.Failure(response.request, detail, response.status, in_doubt=True)
            raise errors.InvalidResponseError(failure) from None

    def _request(self, method: str, path: str, body: Secret | None, token: Secret) -> Request:
        auth = self._auth
        headers = {auth.header: auth.prefix + token.reveal(), "Connection": "close", **auth.headers}
        return Request(method, path, headers, None if body is None else body.reveal().encode("ascii"))

    def _refusal(self, response: Response) -> errors.ApiError:
        reason = _reason(response.content)
        status = response.status
        # A quota that another creation changed at the same time.
        is_spoilt = response.method == "POST" and status == HTTPStatus.CONFLICT and _QUOTA in reason
        is_transient = status in _STANDING_BY or _UPGRADING in reason or is_spoilt
        kind = errors.StandbyError if is_transient else error_class(status)
        detail = self.redactor.line(reason) or self.redactor.line(response.reason) or "no reason given"
        if response.location is not None:
            target = self.redactor.line(response.location)
            detail = f"redirected to {target}, which is refused: secrets go to one host"
        in_doubt = kind in {errors.ServerFaultError, errors.TimedOutError}
        return kind(
            errors.Failure(
                response.request, detail, status, retry_after=response.retry_after, in_doubt=in_doubt
            )
        )


def member(value: Any, *names: str) -> Any:
    """Return a nested member of a JSON value, None if there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _body(content: bytes) -> dict[str, Any]:
    try:
        body = parse_json(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _is_empty(content: bytes) -> bool:
    """Return whether Vault reports only that nothing is there, or which version was deleted."""
    body = _body(content)
    return body.get("errors") == [] or isinstance(body.get("data"), dict)


def _reason(content: bytes) -> str:
    """Return the reason in a refusal: Kubernetes has it in ``message``, Vault in ``errors``."""
    body = _body(content)
    several = body.get("errors")
    said = several if isinstance(several, list) else [body.get("message")]
    return "; ".join(text for text in said if isinstance(text, str))


def _hint(error: errors.ReconcilerError, hints: Mapping[type[errors.ApiError], str]) -> str:
    if not isinstance(error, errors.ApiError):
        return ""
    status, said = error.failure.status, error.failure.detail
    by_cluster = next((hint for sign, hint in _CLUSTER_HINTS.items() if sign in said.lower()), "")
    hint = limit_hint(status, said) or ("" if is_about_permission(said) else by_cluster)
    return hint or hints.get(type(error), "")


@contextlib.contextmanager
def sink_errors(what: str, hints: Mapping[type[errors.ApiError], str]) -> Iterator[None]:
    """Turn every error that prevents storing a secret into a SinkError, with hints by type of error."""
    try:
        yield
    except errors.SinkError:
        raise
    except errors.ReconcilerError as error:
        hint = _hint(error, hints)
        raise errors.SinkError(f"{what}: {error}{f'; {hint}' if hint else ''}") from None
