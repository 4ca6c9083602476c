"""Who runs this, and on which commit: what a journal says of a run."""

from __future__ import annotations

import getpass
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_ACTORS: Final = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BITBUCKET_STEP_TRIGGERER_UUID", "BUILD_USER_ID")
_COMMITS: Final = ("GITHUB_SHA", "CI_COMMIT_SHA", "BITBUCKET_COMMIT", "GIT_COMMIT")


def actor() -> str:
    """Name the person behind a pipeline's run, or the user of this machine."""
    for name in _ACTORS:
        if os.environ.get(name):
            return os.environ[name]
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user database
        return f"uid {os.getuid()}"


def git_commit(paths: Sequence[str]) -> str | None:
    """Give the commit that the files come from, with ``-dirty`` if the tree differs from it.

    Outside Git it is the commit that the pipeline names, or None.
    """
    first = Path(paths[0]) if paths and paths[0] != "-" else Path()
    folder = first if first.is_dir() else first.parent
    describe = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    command = ["git", "-C", str(folder), *describe]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=5)  # noqa: S603 - a fixed command
    except (OSError, subprocess.SubprocessError):
        return next((os.environ[name] for name in _COMMITS if os.environ.get(name)), None)
    return found.stdout.strip()
