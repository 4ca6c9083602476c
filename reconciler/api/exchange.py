"""The values of HTTP exchanges: settings and bounds, a server, a request and its response."""

from __future__ import annotations

import math
import threading
from dataclasses import field
from http import HTTPStatus
from typing import TYPE_CHECKING

from reconciler.api.environment import (
    TRUST_SETTING,
    Proxies,
    network_variables,
    trusted,
    trusted_file,
    untrusting,
)
from reconciler.api.redaction import Redactor
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import httpx

    from reconciler.api.environment import Proxy
    from reconciler.model.clock import Clock
    from reconciler.model.randomness import Randomness


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its status, without headers. ``seconds`` is its duration.

    ``api`` is the name of the API that it was sent to; empty for other servers.
    """

    method: str
    path: str
    seconds: float
    status: int | None
    api: str = ""


def ignore(_exchange: Exchange) -> None:
    """Do nothing with an exchange."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The shared settings of all exchanges of a run. Once ``stop`` is set, nothing is retried.

    ``transport`` replaces the network. ``environment`` may set a proxy and trusted certificates. ``redactor``
    knows the secrets of the run. ``api`` is the name of the API of the exchanges, if any.
    """

    user_agent: str
    clock: Clock
    randomness: Randomness
    transport: httpx.BaseTransport | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    redactor: Redactor = field(default_factory=Redactor)
    stop: threading.Event = field(default_factory=threading.Event)
    on_exchange: Callable[[Exchange], None] = ignore
    api: str = ""

    def __post_init__(self) -> None:
        """Store only the variables that are needed: others may hold tokens."""
        object.__setattr__(self, "environment", network_variables(self.environment))


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long an exchange may take, in seconds, and how large its response may be, in bytes.

    ``connect`` and ``read`` limit one step, ``head`` and ``whole`` the time until the head and the complete
    response are received. If ``size`` is 0, the body is not read.
    """

    connect: float
    read: float
    head: float
    whole: float
    size: int


@dataclass(frozen=True, slots=True)
class Server:
    """A server and how to reach it. ``ca_file`` holds the certificates to trust instead of the default ones.

    ``name`` is the name of its address in errors, ``trust_setting`` the setting of trusted certificates.
    """

    url: str = field(repr=False)
    bounds: Bounds
    name: str = "the address"
    ca_file: Path | None = None
    trust_setting: str = TRUST_SETTING
    proxies: Proxies = Proxies.ENCRYPTED

    def tls(self, environment: Mapping[str, str], proxy: Proxy | None) -> ssl.SSLContext | None:
        """Return the TLS context, which takes 40 ms to load; None without encryption.

        Raises ConfigurationError.
        """
        if self.url[:6].lower() != "https:":
            return None if proxy is None else untrusting()
        return trusted_file(self.ca_file, self.trust_setting) if self.ca_file else trusted(environment)


@dataclass(frozen=True, slots=True)
class Request:
    """The request to send: ``path`` follows the URL of the server, ``body`` is JSON.

    It continues for ``grace`` seconds after the run was stopped. ``shown`` replaces it in errors where its
    path is a secret.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    grace: float = math.inf
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """The response to ``request``, whatever its status.

    ``location`` is the target of a redirect, ``next_link`` that of the link ``next`` (RFC 8288), ``etag`` the
    strong entity tag (RFC 9110), if it has one.
    """

    request: str
    method: str
    status: int
    reason: str
    content: bytes = field(repr=False)
    content_type: str
    retry_after: float | None
    location: str | None
    next_link: str | None = None
    etag: str | None = None

    @property
    def is_success(self) -> bool:
        """Return whether the status is 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES
