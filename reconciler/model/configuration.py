"""The content of ``reconciler.yaml``: files, APIs, authentication, limits, processes."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.endpoint import BaseUrl

BUILT_IN_API: Final = "gcore"
"""The API whose address, authentication and kinds need no configuration."""
AUTHORIZATION: Final = "Authorization"
BOUND_SECRETS: Final = ("TOKEN", "TOKEN2", "CLIENT_SECRET")
"""What the environment binds to a host, in variables such as RECONCILER_TOKEN_api_github_com."""


class AuthMethod(StrEnum):
    """How the token of an API is sent in requests."""

    TOKEN = "token"  # noqa: S105 - the name of a method
    """In a header, with or without a scheme before it."""
    BASIC = "basic"
    """The token is ``USER:PASSWORD``, sent as RFC 7617 says."""
    OAUTH2 = "oauth2"
    """An access token is fetched by the client credentials grant of RFC 6749."""


class ClientAuth(StrEnum):
    """How a client authenticates at the OAuth 2 token server, in the terms of RFC 7591."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"


@dataclass(frozen=True, slots=True)
class TokenServer:
    """Where access tokens are fetched, and for which scopes. A slash at the end of ``url`` is significant."""

    url: str
    scopes: tuple[str, ...] = ()
    audience: str | None = None
    client_auth: ClientAuth = ClientAuth.BASIC


@dataclass(frozen=True, slots=True)
class Auth:
    """How requests authenticate: the header, the ``scheme`` before the token (may be empty), and the method.

    ``second_header`` carries a second token without a scheme. ``server`` is for OAuth 2 only.
    """

    method: AuthMethod = AuthMethod.TOKEN
    header: str = AUTHORIZATION
    scheme: str = "Bearer"
    second_header: str | None = None
    server: TokenServer | None = None

    @property
    def headers(self) -> tuple[str, ...]:
        """Return the names of the headers that carry tokens."""
        return (self.header,) if self.second_header is None else (self.header, self.second_header)


BUILT_IN_AUTH: Final = Auth(scheme="apikey")


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The settings of one API. ``base_url`` is None where none is configured, as the built-in API allows.

    ``headers`` are sent with every request. ``kinds`` is the folder of its kind files, as a path that can be
    opened.
    """

    name: str
    base_url: BaseUrl | None = None
    auth: Auth = BUILT_IN_AUTH
    headers: Mapping[str, str] = field(default_factory=dict)
    kinds: str | None = None
    parallelism: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The settings of a configuration file with those of one environment applied.

    ``file`` is its name in messages. ``paths`` can be opened as they are. ``limits`` are by the names of
    options; they, ``processes``, ``renew`` and ``rotate`` hold the values as written. Without ``apis`` the
    built-in API is used. ``content`` is the text of the file, ``folder`` the base of its relative paths, and
    ``reference`` the commit that it was read from, None for the working tree. ``overridden`` are the members
    that the environment sets, such as ``paths`` and ``github.base_url``.
    """

    file: str
    folder: str
    content: bytes = field(repr=False)
    reference: str | None = None
    environment: str | None = None
    paths: tuple[str, ...] = ()
    apis: Mapping[str, Api]
    limits: Mapping[str, str]
    renew: Mapping[str, str] = field(default_factory=dict)
    rotate: Mapping[str, str] = field(default_factory=dict)
    processes: str | None = None
    overridden: frozenset[str] = frozenset()

    def source_of(self, member: str) -> str:
        """Return where the value of a member comes from: the file, or the environment in it."""
        return f"{self.file}, environment {self.environment}" if member in self.overridden else self.file

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the folders of kind files of all APIs."""
        return tuple(dict.fromkeys(api.kinds for api in self.apis.values() if api.kinds is not None))
