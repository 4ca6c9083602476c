"""Addresses and secrets from the command line and the environment, checked before anything is sent."""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from reconciler.errors import ConfigurationError
from reconciler.model.endpoint import normal_url
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from reconciler.cli.console import Console

DEFAULT_BASE_URL: Final = "https://api.gcore.com"
WEBHOOK_SECRET: Final = "RECONCILER_DRIFT_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
OLD_WEBHOOK_SECRET: Final = "RECONCILER_WEBHOOK_SECRET"  # noqa: S105 - the same
"""What the variable was called before; it is still read."""
OWN_VARIABLES: Final = ("GCORE_API_KEY", "RECONCILER_DRIFT_WEBHOOK", WEBHOOK_SECRET, OLD_WEBHOOK_SECRET)
"""What the programs that are run, and those that they run, have no business to know."""
DEFAULT_SCHEME: Final = "apikey"
_SCHEME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)


def checked_url(text: str, what: str = "the base URL", setting: str = "GCORE_BASE_URL") -> str:
    """Refuse addresses that would send the token in the clear or to nowhere, by a ConfigurationError.

    Return the normal form, so that two spellings of one address are one everywhere.
    Nothing that could be a password is echoed: neither what stands before an @ nor a query. ``what`` and
    ``setting`` name the address in the errors, and where it comes from.
    """
    example = DEFAULT_BASE_URL if setting == "GCORE_BASE_URL" else "https://vault.example.com:8200"
    if "@" in text:
        raise ConfigurationError(f"{what} holds a user name or password; remove it")
    if not text.isascii() or not text.isprintable() or not {" ", "?", "#", "\\"}.isdisjoint(text):
        raise ConfigurationError(f"{what} holds a character that it cannot have; write it like {example}")
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigurationError(f"{what} {text} cannot be read: {error}") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(f"{what} {text} is not like {example}; set {setting}")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigurationError(
            f"{what} {text} would send the token unencrypted; use https:// "
            "(http:// is accepted for loopback addresses only)"
        )
    try:
        return normal_url(text)
    except ValueError as error:
        raise ConfigurationError(f"{what} cannot be used: {error}; write it like {example}") from error


def checked_scheme(text: str) -> str:
    """Refuse what cannot stand before a token in the header Authorization, by a ConfigurationError.

    It is not echoed: who writes scheme and token into one word must not find the token in a log.
    """
    if not _SCHEME.fullmatch(text):
        raise ConfigurationError(
            "--auth-scheme must be one word of letters, digits and hyphens, such as apikey, Bearer or token"
        )
    return text


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(
            f"{where} holds a character that a token cannot have, such as a line break or a blank"
        )
    return Secret(text)


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
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(f"the {what} file {path} cannot be read: {reason}") from None
    _warn_of_readers(mode, f"the {what} file {path}", console)
    return text.removesuffix("\n").removesuffix("\r")
