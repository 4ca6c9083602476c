"""The environment of child processes, made for each of them from lists of names: never ours less a few."""

from __future__ import annotations

import fnmatch
import os
import re
from typing import TYPE_CHECKING, Final

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OWN_VARIABLES: Final = (
    *("GCORE_API_KEY", "RECONCILER_DRIFT_WEBHOOK"),
    *("RECONCILER_DRIFT_WEBHOOK_SECRET", "RECONCILER_WEBHOOK_SECRET"),
)
"""What holds a token or a secret of this program."""
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
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\*?", re.ASCII)


def child_environment(
    environment: Mapping[str, str], *lists: Iterable[str], passed: Sequence[str] = ()
) -> dict[str, str]:
    """Return what a child may have of an environment: what the lists and ``passed`` name, ``*`` at an end.

    The tokens of this program are never passed on, under whatever name, nor are relative folders of PATH:
    a program is not taken from the folder that a run happens in. Raises ConfigurationError where ``passed``
    asks for a token, or names no variable.
    """
    own = {environment.get(name) for name in OWN_VARIABLES} - {None, ""}
    for name in passed:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"--pass-env {name!r} is not the name of a variable, such as AWS_PROFILE or 'AWS_*'"
            )
        if name in OWN_VARIABLES or (name in environment and environment[name] in own):
            raise ConfigurationError(
                f"--pass-env {name}: no program is given a token of this one; leave it out"
            )
    patterns = [*(name for names in lists for name in names), *passed]
    allowed = {
        name: value
        for name, value in environment.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
        and name not in OWN_VARIABLES
        and value not in own  # the same token under another name is no better
    }
    folders = [folder for folder in allowed.pop("PATH", "").split(os.pathsep) if os.path.isabs(folder)]  # noqa: PTH117 - a text
    return allowed | ({"PATH": os.pathsep.join(folders)} if folders else {})
