"""How requests authenticate: fixed headers, or an access token that is fetched, cached and renewed."""

from __future__ import annotations

import base64
import threading
from dataclasses import field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, urlencode

from reconciler import errors
from reconciler.api.address import checked_scheme, checked_token
from reconciler.api.exchange import Bounds, HttpSettings, Request, Response, Server
from reconciler.api.http_client import HttpClient
from reconciler.model.configuration import (
    AUTHORIZATION,
    BUILT_IN_AUTH,
    Auth,
    AuthMethod,
    ClientAuth,
    TokenServer,
)
from reconciler.model.frozen import dataclass
from reconciler.model.request import Encoding
from reconciler.model.secret import Secret
from reconciler.model.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

_BOUNDS: Final = Bounds(connect=10.0, read=10.0, head=30.0, whole=30.0, size=2**20)
_MARGIN: Final = 60.0
"""Seconds before its end at which an access token is renewed; of a short life, a tenth."""
_LEAST: Final = 8
"""Characters of a part of USER:PASSWORD that is looked for in responses: fewer are there by accident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings(HttpSettings):
    """The tokens of an API, and how they are sent.

    ``token`` is sent in requests; with OAuth 2 it is the secret of the client ``client_id``.
    ``token_setting`` is the name of its setting.
    """

    token: Secret
    second_token: Secret | None = None
    client_id: Secret | None = None
    auth: Auth = BUILT_IN_AUTH
    token_setting: str = "GCORE_API_KEY or the token file"  # noqa: S105 - names where it comes from


def scheme_auth(word: str) -> Auth:
    """Return the authentication by ``word`` and the token in Authorization. Raises ConfigurationError."""
    return replace(BUILT_IN_AUTH, scheme=checked_scheme(word))


@dataclass(frozen=True, slots=True)
class TokenHeaders:
    """Headers that hold tokens; its representation does not show them."""

    values: Mapping[str, str] = field(repr=False)


def guard(settings: AuthSettings) -> None:
    """Reject responses of any API that contain a token. Raises ConfigurationError for an unusable token."""
    redactor, token = settings.redactor, settings.token
    redactor.refuse(token)
    if settings.auth.method is AuthMethod.BASIC:
        for part in _guarded(token, settings.token_setting):
            redactor.refuse(part)
    if settings.second_token is not None:
        redactor.refuse(settings.second_token)


class Authenticator:
    """Headers with the tokens of an API, the same for every request."""

    def __init__(self, settings: AuthSettings) -> None:
        """Build the headers, and register the tokens for redaction. Raises ConfigurationError."""
        auth, token = settings.auth, settings.token
        self._settings = settings
        guard(settings)
        self._headers: dict[str, str] = {}
        if auth.method is AuthMethod.BASIC:
            self._headers[auth.header] = f"Basic {_encoded(token)}"
        elif auth.method is AuthMethod.TOKEN:
            self._headers[auth.header] = f"{auth.scheme} {token.reveal()}".lstrip(" ")
        if auth.second_header is not None:
            if settings.second_token is None:
                raise errors.ConfigurationError(f"there is no token for the header {auth.second_header}")
            self._headers[auth.second_header] = settings.second_token.reveal()

    def headers(self, grace: float) -> TokenHeaders:  # noqa: ARG002 - for a token that is fetched
        """Return the headers of a request, which may take ``grace`` seconds after a stop. Raises ApiError."""
        return TokenHeaders(self._headers)

    def is_renewed(self, used: TokenHeaders) -> bool:  # noqa: ARG002 - fixed headers do not change
        """Return whether other headers may help after the service refused ``used``."""
        return False

    def close(self) -> None:
        """Close the connections."""


class ClientCredentials(Authenticator):
    """Access tokens by the client credentials grant of RFC 6749. Threads may share it."""

    def __init__(self, settings: AuthSettings, server: TokenServer, client: Secret) -> None:
        """Store the settings for fetching a token; nothing is sent yet. Raises ConfigurationError."""
        super().__init__(settings)
        self._server, self._client = server, client
        where = Server(server.url, _BOUNDS, f"the token URL {server.url}")
        self._http = HttpClient(where, settings)
        self._lock = threading.Lock()
        self._token: str | None = None
        self._until: float | None = None

    def headers(self, grace: float) -> TokenHeaders:
        """Return the headers with an access token; fetch one if there is no valid one."""
        with self._lock:
            now = self._settings.clock.monotonic()
            if self._token is None or (self._until is not None and now >= self._until):
                self._token, self._until = None, None
                token, lifetime = self._fetched(grace)
                self._token = token.reveal()
                self._until = None if lifetime is None else now + lifetime - min(_MARGIN, lifetime / 10)
            return TokenHeaders({**self._headers, AUTHORIZATION: f"Bearer {self._token}"})

    def is_renewed(self, used: TokenHeaders) -> bool:
        """Discard the token that the service refused, unless another thread has renewed it already."""
        with self._lock:
            if used.values[AUTHORIZATION] == f"Bearer {self._token}":
                self._token = None
        return True

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _fetched(self, grace: float) -> tuple[Secret, float | None]:
        """Fetch a token, and the seconds that it is valid for. An error leaves no write in doubt."""
        try:
            response = self._http.exchange(self._request(grace))
        except errors.InvalidResponseError as error:
            raise self._failure(error.failure.detail) from None
        except errors.ApiError as error:
            raise type(error)(replace(error.failure, in_doubt=False)) from None
        if not response.is_success:
            raise self._refusal(response)
        try:
            value: Any = parse_json(response.content)
        except (ValueError, RecursionError):
            value = None
        token = value.get("access_token") if isinstance(value, dict) else None
        if not isinstance(token, str) or str(value.get("token_type", "Bearer")).lower() != "bearer":
            raise self._failure("the response is not that of a bearer token", response.status)
        try:
            secret = checked_token(token, "the access token")
        except errors.ConfigurationError as error:
            raise self._failure(str(error), response.status) from None
        self._settings.redactor.refuse(secret)
        lifetime = value.get("expires_in")
        is_number = isinstance(lifetime, int | float) and not isinstance(lifetime, bool)
        return secret, float(lifetime) if is_number else None

    def _request(self, grace: float) -> Request:
        server, secret = self._server, self._settings.token
        form = {"grant_type": "client_credentials"}
        if server.scopes:
            form["scope"] = " ".join(server.scopes)
        if server.audience is not None:
            form["audience"] = server.audience
        headers = {"Content-Type": Encoding.FORM.media_type, "Cache-Control": "no-store"}
        if server.client_auth is ClientAuth.POST:
            form |= {"client_id": self._client.reveal(), "client_secret": secret.reveal()}
        else:  # each is encoded first: RFC 6749, 2.3.1
            login = f"{quote_plus(self._client.reveal())}:{quote_plus(secret.reveal())}"
            headers[AUTHORIZATION] = f"Basic {_encoded(Secret(login))}"
        shown = f"POST {server.url}"
        return Request("POST", "", headers, urlencode(form).encode("ascii"), grace, shown)

    def _refusal(self, response: Response) -> errors.ApiError:
        redactor = self._settings.redactor
        try:
            value = parse_json(response.content)
        except (ValueError, RecursionError):
            value = None
        body = value if isinstance(value, dict) else {}
        texts = [body[name] for name in ("error", "error_description") if isinstance(body.get(name), str)]
        detail = redactor.line(": ".join(texts)) or redactor.line(response.reason) or "no reason given"
        if response.location is not None:
            detail = "redirected, which is refused: the secret of the client stays with one host"
        return self._failure(detail, response.status, response.retry_after)

    def _failure(
        self, detail: str, status: int | None = None, retry_after: float | None = None
    ) -> errors.ApiError:
        kind: type[errors.ApiError] = errors.UnauthorizedError
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            kind = errors.RateLimitedError
        elif status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            kind = errors.ServerFaultError
        hint = f"check {self._settings.token_setting}" if kind is errors.UnauthorizedError else ""
        request = f"POST {self._server.url}"
        return kind(errors.Failure(request, detail, status, retry_after=retry_after, hint=hint))


def authenticator(settings: AuthSettings) -> Authenticator:
    """Return the authenticator that ``settings`` describe. Raises ConfigurationError."""
    server, client = settings.auth.server, settings.client_id
    if settings.auth.method is not AuthMethod.OAUTH2:
        return Authenticator(settings)
    if server is None or client is None:
        raise errors.ConfigurationError("OAuth 2 needs the URL of the token server, and a client id")
    return ClientCredentials(settings, server, client)


def checked_secret(text: str, where: str, method: AuthMethod) -> Secret:
    """Return the secret from ``where``, if ``method`` can send it. Raises ConfigurationError."""
    if method is AuthMethod.TOKEN:
        return checked_token(text, where)
    if not text.isprintable():  # what is encoded before it is sent may hold any other character
        raise errors.ConfigurationError(
            f"{where} contains a character that is invalid in a token, such as a line break"
        )
    if method is AuthMethod.BASIC and ":" not in text:
        raise errors.ConfigurationError(f"{where} must be USER:PASSWORD for basic authentication")
    return Secret(text)


def _encoded(text: Secret) -> str:
    return base64.b64encode(text.reveal().encode()).decode("ascii")


def _guarded(login: Secret, setting: str) -> list[Secret]:
    """Return the parts of USER:PASSWORD to redact: the password, or else the user, which is a token then.

    Raises ConfigurationError for another text.
    """
    user, _, password = checked_secret(login.reveal(), setting, AuthMethod.BASIC).reveal().partition(":")
    return [Secret(part) for part in [password or user] if len(part) >= _LEAST]
