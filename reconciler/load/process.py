"""The environment of child processes: built from lists of allowed names, not by removing some."""

from __future__ import annotations

import fnmatch
import os
import re
from dataclasses import field
from typing import TYPE_CHECKING, Final

from reconciler.errors import ConfigurationError
from reconciler.model.configuration import BOUND_SECRETS
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.model.clock import Clock

OWN_VARIABLES: Final = (
    *("GCORE_API_KEY", "RECONCILER_DRIFT_WEBHOOK"),
    *("RECONCILER_DRIFT_SLACK", "RECONCILER_DRIFT_TEAMS", "RECONCILER_DRIFT_SMTP_PASSWORD"),
    *("RECONCILER_DRIFT_WEBHOOK_SECRET", "RECONCILER_WEBHOOK_SECRET"),
)
"""What holds a token or a secret of this program, beside the variables that bind one to a host."""
BOUND_VARIABLE: Final = expression(f"RECONCILER_(?:{'|'.join(BOUND_SECRETS)})_[a-z0-9_]+", re.ASCII)
"""Variables that bind a secret to a host."""
MACHINE: Final = (
    *("HOME", "LANG", "LANGUAGE", "LC_*", "LOGNAME"),
    *("PATH", "TMPDIR", "TZ", "USER", "XDG_CONFIG_HOME"),
)
"""What every program may know: who runs it, where, in which language."""
NETWORK: Final = (
    *("SSL_CERT_DIR", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    *("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"),
    *("all_proxy", "https_proxy", "http_proxy", "no_proxy"),
)
"""How a program that talks gets out of this machine, and whom it trusts."""
_NAME: Final = expression(r"[A-Za-z_][A-Za-z0-9_]*\*?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Host:
    """Where programs are run: the operator's environment, and the clock that bounds their time."""

    environment: Mapping[str, str] = field(repr=False)
    clock: Clock


def secrets_in(value: str) -> tuple[str, ...]:
    """Return the secrets in a variable: its value, and each address where it holds several."""
    return value, *(word for word in value.split() if "://" in word)


def child_environment(
    environment: Mapping[str, str], *lists: Iterable[str], passed: Sequence[str] = ()
) -> dict[str, str]:
    """Return the environment of a child: the listed variables and ``passed``.

    A final ``*`` is a wildcard. The tokens of this program are never passed on, whatever the name of the
    variable, nor are relative folders of PATH: a program is not run from the current folder. Raises
    ConfigurationError where ``passed`` includes a token, or matches no variable.
    """
    secret = {*OWN_VARIABLES, *filter(BOUND_VARIABLE.fullmatch, environment)}
    own = {text for name in secret for text in secrets_in(environment.get(name, ""))} - {""}
    for name in passed:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"--pass-env {name!r} is not the name of a variable, such as AWS_PROFILE or 'AWS_*'"
            )
        if name in secret or (name in environment and environment[name] in own):
            raise ConfigurationError(f"--pass-env {name}: programs never get a token of this one; remove it")
    patterns = (name for names in (*lists, passed) for name in names)
    is_named = re.compile("|".join(map(fnmatch.translate, patterns))).match
    allowed = {
        name: value
        for name, value in environment.items()
        if is_named(name)
        and name not in secret
        and value not in own  # the same token under another name is no better
    }
    folders = [folder for folder in allowed.pop("PATH", "").split(os.pathsep) if os.path.isabs(folder)]  # noqa: PTH117 - a text
    return allowed | ({"PATH": os.pathsep.join(folders)} if folders else {})
