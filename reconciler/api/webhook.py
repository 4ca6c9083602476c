"""Messages to a webhook, signed the way of the Standard Webhooks specification."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import httpx

from reconciler import errors
from reconciler.api.environment import proxy_for, trusted, untrusting
from reconciler.api.failures import Route, unreachable
from reconciler.api.redaction import Redactor
from reconciler.api.retry import Retrier, RetryPolicy, retry_after
from reconciler.api.transport import GRACE, Bounds, Transport
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping
    from types import TracebackType

    from reconciler.model.clock import Clock

_POLICY: Final = RetryPolicy(attempts=4, longest_pause=30.0, longest_total=30.0)
_TIMEOUT: Final = 10.0
_LONGEST: Final = 15.0
_GRACE: Final = 3.0
"""How long an answer is waited for after the run was stopped: the message may have come already."""
_ENCODED_PREFIX: Final = "whsec_"


class Webhook:
    """Sends JSON to one address, which is as good as a password and therefore never shown."""

    def __init__(  # noqa: PLR0913, PLR0917 - everything that a message depends on
        self,
        url: Secret,
        secret: Secret | None,
        user_agent: str,
        clock: Clock,
        stop: threading.Event,
        transport: httpx.BaseTransport | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Store the address, and the secret to sign with if messages are to be signed.

        ``environment`` may name a proxy and trusted certificates. Raises ConfigurationError if any of these
        cannot be used.
        """
        self._url = url
        self._key = None if secret is None else _key(secret)
        self._request = f"POST {_host(url)}"
        self._redactor = Redactor(*_secret_parts(url))
        if secret is not None:
            self._redactor.add(secret)
        self._clock = clock
        self._retrier = Retrier(_POLICY, clock, stop)
        self._route = Route()
        self._client = httpx.Client(
            headers={
                "User-Agent": user_agent,
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
            },
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            transport=transport or self._transport(stop, environment),
        )

    def _transport(self, stop: threading.Event, environment: Mapping[str, str]) -> Transport:
        url = httpx.URL(self._url.reveal())
        proxy = proxy_for(url, environment)
        if proxy is not None:
            self._route = Route(proxy_variable=proxy.variable)
        tls = trusted(environment) if url.scheme == "https" else untrusting()
        return Transport(tls, proxy, self._clock, stop, Bounds(_LONGEST, _LONGEST))

    def __enter__(self) -> Self:
        """Begin to use the webhook."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._client.close()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send ``message``; a receiver tells a repetition by its ``webhook-id``. Raises ApiError."""
        body = json.dumps(message).encode("ascii")
        headers = {"webhook-id": f"msg_{uuid.uuid4().hex}"}
        self._retrier.call(lambda: self._post(body, headers))

    def _post(self, body: bytes, headers: dict[str, str]) -> None:
        headers["webhook-timestamp"] = str(int(self._clock.now().timestamp()))
        if self._key is not None:
            signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
            digest = hmac.new(self._key, signed, hashlib.sha256).digest()
            headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
        url = self._url.reveal()
        try:
            extensions = {GRACE: _GRACE}
            with self._client.stream(
                "POST", url, content=body, headers=headers, extensions=extensions
            ) as answer:
                pass  # its body is not read: it may never end
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise unreachable(self._request, error, self._redactor, self._route) from error
        if answer.is_success:
            return
        failure = errors.Failure(
            self._request,
            "the webhook refuses the message",
            answer.status_code,
            retry_after=retry_after(answer.headers.get("Retry-After"), self._clock),
        )
        if answer.is_server_error or answer.status_code in {408, 429}:
            raise errors.ServerFaultError(failure)
        raise errors.RejectedError(failure)


def _key(secret: Secret) -> bytes:
    text = secret.reveal()
    try:
        is_encoded = text.startswith(_ENCODED_PREFIX)
        encoded = text.removeprefix(_ENCODED_PREFIX)
        key = base64.b64decode(encoded, validate=True) if is_encoded else text.encode()
    except ValueError as error:
        message = f"the webhook secret begins with {_ENCODED_PREFIX}, but what follows is not base64"
        raise errors.ConfigurationError(message) from error
    if not key:
        raise errors.ConfigurationError("the webhook secret is empty")
    return key


def _secret_parts(url: Secret) -> tuple[Secret, ...]:
    """Return what of an address is as good as a password: all but the scheme, the host and the port."""
    parts = urlsplit(url.reveal())
    login = parts.netloc.rpartition("@")[0]
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    found = (url.reveal(), login, target, parts.path, parts.query, parts.fragment)
    return tuple(Secret(part) for part in found if len(part) > 1)


def _host(url: Secret) -> str:
    text = url.reveal()
    try:
        parts = httpx.URL(text)
        is_whole = urlsplit(text).port != 0 and " " not in text  # httpx takes any port, and encodes a blank
    except (ValueError, httpx.InvalidURL):
        parts, is_whole = httpx.URL(), False
    if not is_whole or not parts.host or parts.scheme not in {"http", "https"}:
        raise errors.ConfigurationError("the webhook is no address like https://example.com/path")
    return f"{parts.scheme}://{parts.host}/…"
