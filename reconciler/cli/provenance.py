"""Who runs this: what a journal and a history say of a run."""

from __future__ import annotations

import getpass
import os
from typing import Final

_ACTORS: Final = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BITBUCKET_STEP_TRIGGERER_UUID", "BUILD_USER_ID")


def actor() -> str:
    """Name the person behind a pipeline's run, or the user of this machine."""
    for name in _ACTORS:
        if os.environ.get(name):
            return os.environ[name]
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user database
        return f"uid {os.getuid()}"
