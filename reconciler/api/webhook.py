"""Messages to a webhook, also of Slack or Teams, signed by the Standard Webhooks specification."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import unquote, urlsplit

import httpx

from reconciler import errors
from reconciler.api.address import is_loopback
from reconciler.api.environment import Proxies
from reconciler.api.exchange import Bounds, HttpSettings, Request, Server, ignore
from reconciler.api.http_client import HttpClient
from reconciler.api.redaction import Redactor
from reconciler.api.responses import error_class
from reconciler.api.retry import Retrier, RetryPolicy
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping


_POLICY: Final = RetryPolicy(attempts=4, longest_pause=30.0, longest_total=30.0)
_BOUNDS: Final = Bounds(connect=10.0, read=10.0, head=15.0, whole=15.0, size=0)
"""The body is not read: it may never end."""
_GRACE: Final = 3.0
"""How long a response is waited for after the run was stopped: the message may have arrived already."""
_ENCODED_PREFIX: Final = "whsec_"


class Webhook:
    """Sends JSON to one address, which is treated as a secret and never shown."""

    def __init__(
        self, url: Secret, secret: Secret | None, settings: HttpSettings, name: str = "the webhook"
    ) -> None:
        """Store the address, and the secret to sign with, if messages are to be signed.

        ``name`` is the name of the receiver in errors. Raises ConfigurationError if any of these cannot be
        used.
        """
        self._key = None if secret is None else _key(secret)
        self.place = f"{_origin(url, name)}/…"
        self._name = name
        self._shown = f"POST {self.place}"
        redactor = Redactor(*_secret_parts(url))
        if secret is not None:
            redactor.add(secret)
        self._login = _login(url)
        self._clock = settings.clock
        self._retrier = Retrier(_POLICY, settings.clock, settings.stop, settings.randomness)
        settings = replace(settings, redactor=redactor, on_exchange=ignore)  # the path is a secret
        self._http = HttpClient(Server(url.reveal(), _BOUNDS, proxies=Proxies.ALL), settings)

    def __enter__(self) -> Self:
        """Return the webhook itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def send(self, message: Mapping[str, Any], identifier: str) -> str:
        """Send ``message``, and return the response in words. Raises ApiError.

        A receiver recognises a repetition by its ``webhook-id``, which is ``identifier``.
        """
        body = json.dumps(message).encode("ascii")
        return self._retrier.call(lambda: self._post(body, identifier))

    def _post(self, body: bytes, identifier: str) -> str:
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {"Accept": "*/*", "webhook-id": identifier, "webhook-timestamp": timestamp}
        if self._key is not None:
            digest = hmac.digest(self._key, f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256)
            headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
        if self._login is not None:
            headers["Authorization"] = f"Basic {self._login.reveal()}"
        response = self._http.exchange(Request("POST", "", headers, body, _GRACE, self._shown))
        if response.is_success:
            return f"HTTP {response.status}"
        kind = error_class(response.status)
        what = f"{self._name} refuses the message"
        failure = errors.Failure(self._shown, what, response.status, retry_after=response.retry_after)
        raise (errors.ServerFaultError if kind.retryable else errors.RejectedError)(failure)


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
    """Return the secret parts of an address: all except the scheme, the host and the port."""
    parts = urlsplit(url.reveal())
    login = unquote(parts.netloc.rpartition("@")[0])
    password = login.partition(":")[2]
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    found = (url.reveal(), login, password, target, parts.path, parts.query, parts.fragment)
    return tuple(Secret(part) for part in found if len(part) > 1)


def _login(url: Secret) -> Secret | None:
    """Return the user and password of an address in the form of Basic authentication, None without one."""
    login, at, _ = urlsplit(url.reveal()).netloc.rpartition("@")
    user, _, password = login.partition(":")
    text = f"{unquote(user)}:{unquote(password)}"
    return Secret(base64.b64encode(text.encode()).decode()) if at else None


def _origin(url: Secret, name: str) -> str:
    """Return scheme, host and unusual port. Raises ConfigurationError if messages must not be sent there."""
    text = url.reveal()
    try:
        parts = httpx.URL(text)
        is_whole = urlsplit(text).port != 0 and " " not in text  # httpx takes any port, and encodes a blank
    except (ValueError, httpx.InvalidURL):
        parts, is_whole = httpx.URL(), False
    if not is_whole or not parts.host or parts.scheme not in {"http", "https"}:
        raise errors.ConfigurationError(f"{name} is not an address like https://example.com/path")
    origin = f"{parts.scheme}://{parts.netloc.decode('ascii')}"  # a usual port is left out
    if parts.scheme == "http" and not is_loopback(parts.host):
        message = f"{name} {origin}/… would be sent messages unencrypted; use https://"
        raise errors.ConfigurationError(f"{message} (http:// is accepted for loopback addresses only)")
    return origin
