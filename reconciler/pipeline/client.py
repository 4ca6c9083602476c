"""The client of the library: a connection to the API by a token, with defaults for all its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.api.address import DEFAULT_BASE_URL, DEFAULT_SCHEME, checked_token
from reconciler.api.authentication import scheme_auth
from reconciler.api.client import Session
from reconciler.api.reader import Connection
from reconciler.api.retry import RetryPolicy
from reconciler.api.workers import Workers
from reconciler.errors import ConfigurationError
from reconciler.model.endpoint import BaseUrl
from reconciler.model.secret import Secret
from reconciler.model.version import USER_AGENT
from reconciler.pipeline.defaults import CLOCK, RANDOMNESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.clock import Clock


class Client(Session):
    """The API with a token. Use a client in one call at a time."""

    def __init__(  # noqa: PLR0913 - the settings of a connection, by name
        self,
        token: str | Secret,
        *,
        base_url: str = DEFAULT_BASE_URL,
        auth_scheme: str = DEFAULT_SCHEME,
        parallelism: int = 10,
        retries: int = 4,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        environment: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Check the settings; nothing is sent yet. Raises ConfigurationError.

        A failed request is sent again up to ``retries`` times, ``parallelism`` requests at a time; time-outs
        are in seconds. ``environment`` may set a proxy and trusted certificates, as ``os.environ`` does.
        """
        if parallelism < 1 or retries < 0 or not (connect_timeout > 0 and read_timeout > 0):
            raise ConfigurationError("parallelism and time-outs must be positive, retries at least 0")
        text = token.reveal() if isinstance(token, Secret) else token
        connection = Connection(
            base_url=BaseUrl.recorded(base_url),
            token=checked_token(text, "the token"),
            user_agent=USER_AGENT,
            clock=clock or CLOCK,
            randomness=RANDOMNESS,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            retry=RetryPolicy(attempts=retries + 1),
            auth=scheme_auth(auth_scheme),
            environment=environment or {},
        )
        super().__init__(connection, Workers(parallelism))
