"""The connection to the API and its secrets, from the options and the environment."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from reconciler.api.address import checked_token
from reconciler.api.authentication import scheme_auth
from reconciler.api.exchange import Exchange
from reconciler.api.reader import Connection
from reconciler.api.retry import RetryPolicy
from reconciler.cli.console import Console
from reconciler.cli.options import ConnectionOptions
from reconciler.cli.variables import OLD_WEBHOOK_SECRET, WEBHOOK_SECRET
from reconciler.errors import ConfigurationError, os_reason
from reconciler.model.clock import Clock
from reconciler.model.secret import Secret
from reconciler.model.version import USER_AGENT


def connection(
    options: ConnectionOptions,
    clock: Clock,
    console: Console,
    stop: threading.Event | None = None,
    on_exchange: Callable[[Exchange], None] | None = None,
) -> Connection:
    """Build the settings; ``on_exchange`` takes what -v prints otherwise. Raises ConfigurationError."""
    return Connection(
        base_url=options.base_url,
        token=api_token(options.token_file, console),
        user_agent=USER_AGENT,
        clock=clock,
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        retry=RetryPolicy(attempts=options.retries + 1),
        stop=stop or threading.Event(),
        on_exchange=on_exchange or console.exchange,
        auth=scheme_auth(options.auth_scheme),
        environment=os.environ,
    )


def api_token(token_file: str | None, console: Console) -> Secret:
    """Read the API's token from a file or the environment. Raises ConfigurationError if it is unusable."""
    if token_file is None:
        text, where = os.environ.get("GCORE_API_KEY"), "GCORE_API_KEY"
    else:
        text, where = _read_secret(token_file, "token", console), f"the token file {token_file}"
    if text is None or not text.strip():
        lack = "not set" if text is None else "empty"
        raise ConfigurationError(f"no token: {where} is {lack}; set GCORE_API_KEY or use --token-file")
    return checked_token(text, where)


def webhook_secret(secret_file: str | None, console: Console) -> Secret | None:
    """Read the secret that signs messages, if there is one. Raises ConfigurationError if it is unusable."""
    if secret_file is None:
        text = os.environ.get(WEBHOOK_SECRET) or os.environ.get(OLD_WEBHOOK_SECRET)
        return Secret(text) if text else None
    text = _read_secret(secret_file, "webhook secret", console)
    if not text:
        raise ConfigurationError(f"the webhook secret file {secret_file} is empty")
    return Secret(text)


def _read_secret(path: str, what: str, console: Console) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = os_reason(error, "it is not UTF-8 text")
        raise ConfigurationError(f"the {what} file {path} cannot be read: {reason}") from None
    console.warn_of_readers(path, f"{what} file")
    return text.removesuffix("\n").removesuffix("\r")
