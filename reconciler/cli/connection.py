"""The settings of every request, from the options and the environment."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from reconciler.api.address import checked_scheme, checked_url
from reconciler.api.environment import network_variables
from reconciler.api.exchange import Exchange
from reconciler.api.reader import Connection
from reconciler.api.retry import RetryPolicy
from reconciler.cli.console import Console
from reconciler.cli.credentials import api_token
from reconciler.cli.options import USER_AGENT
from reconciler.cli.settings import ConnectionOptions
from reconciler.model.clock import Clock


def connection(
    options: ConnectionOptions,
    clock: Clock,
    console: Console,
    stop: threading.Event | None = None,
    on_exchange: Callable[[Exchange], None] | None = None,
) -> Connection:
    """Build the settings; ``on_exchange`` takes what -v prints otherwise. Raises ConfigurationError."""
    base_url = checked_url(options.base_url)
    auth_scheme = checked_scheme(options.auth_scheme)
    token = api_token(options.token_file, console)
    return Connection(
        base_url=base_url,
        token=token,
        user_agent=USER_AGENT,
        clock=clock,
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        retry=RetryPolicy(attempts=options.retries + 1),
        stop=stop or threading.Event(),
        on_exchange=on_exchange or console.exchange,
        auth_scheme=auth_scheme,
        environment=network_variables(os.environ),
    )
