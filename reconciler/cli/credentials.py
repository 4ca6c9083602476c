"""Addresses and secrets from the command line and the environment, checked before anything is sent."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.api.address import checked_token
from reconciler.errors import ConfigurationError, os_reason
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from reconciler.cli.console import Console

WEBHOOK_SECRET: Final = "RECONCILER_DRIFT_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
OLD_WEBHOOK_SECRET: Final = "RECONCILER_WEBHOOK_SECRET"  # noqa: S105 - the same
"""What the variable was called before; it is still read."""


def api_token(token_file: str | None, console: Console) -> Secret:
    """Read the API's token from a file or the environment. Raises ConfigurationError if it is unusable."""
    text = (
        os.environ.get("GCORE_API_KEY", "")
        if token_file is None
        else _read_secret(token_file, "token", console)
    )
    where = "GCORE_API_KEY" if token_file is None else f"the token file {token_file}"
    if not text.strip():
        is_set = token_file is not None or "GCORE_API_KEY" in os.environ
        lack = "empty" if is_set else "not set"
        raise ConfigurationError(f"no token: {where} is {lack}; set GCORE_API_KEY or use --token-file")
    return checked_token(text, where)


def webhook_secret(secret_file: str | None, console: Console) -> Secret | None:
    """Read the secret that signs messages, if there is one. Raises ConfigurationError if it is unusable."""
    if secret_file is None:
        text = os.environ.get(WEBHOOK_SECRET, "") or os.environ.get(OLD_WEBHOOK_SECRET, "")
        return Secret(text) if text else None
    text = _read_secret(secret_file, "webhook secret", console)
    if not text:
        raise ConfigurationError(f"the webhook secret file {secret_file} is empty")
    return Secret(text)


def warn_of_readers(path: str | None, what: str, console: Console) -> None:
    """Warn of a file that is there and that everybody may read, although it says what keys hold."""
    if path is not None:
        with suppress(OSError, ValueError):
            _warn_of_readers(Path(path).stat().st_mode, f"the {what} {path}", console)


def _warn_of_readers(mode: int, what: str, console: Console) -> None:
    if mode & stat.S_IROTH and stat.S_ISREG(mode):  # a group may have to: Kubernetes mounts secrets so
        console.note(f"Warning: {what} can be read by others; run chmod 600 on it")


def _read_secret(path: str, what: str, console: Console) -> str:
    try:
        file = Path(path)
        mode = file.stat().st_mode
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = os_reason(error, "it is not UTF-8 text")
        raise ConfigurationError(f"the {what} file {path} cannot be read: {reason}") from None
    _warn_of_readers(mode, f"the {what} file {path}", console)
    return text.removesuffix("\n").removesuffix("\r")
