"""Git, as far as a run needs it: which commit the files come from, and bringing a checkout up to date."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMITS: Final = ("GITHUB_SHA", "CI_COMMIT_SHA", "BITBUCKET_COMMIT", "GIT_COMMIT")
_HIDDEN: Final = ("GCORE_API_KEY", "RECONCILER_DRIFT_WEBHOOK", "RECONCILER_WEBHOOK_SECRET")
"""What Git, and the hooks that it runs, have no business to know."""
_QUICK: Final = 5.0
_PULL_SECONDS: Final = 120.0


def git_commit(paths: Sequence[str]) -> str | None:
    """Give the commit that the files come from, with ``-dirty`` if the tree differs from it.

    Outside Git it is the commit that the pipeline names, or None.
    """
    folder = _folder(paths[0]) if paths else "."
    try:
        return _git(folder, _QUICK, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    except (OSError, subprocess.SubprocessError):
        return next((os.environ[name] for name in _COMMITS if os.environ.get(name)), None)


def pull(paths: Sequence[str]) -> None:
    """Bring the checkouts that hold ``paths`` up to date, without ever making a merge.

    Raises ConfigurationError naming the checkout and what Git says.
    """
    for top in dict.fromkeys(_top(path) for path in paths):
        try:
            _git(top, _PULL_SECONDS, "pull", "--ff-only", "--quiet")
        except (OSError, subprocess.SubprocessError) as error:
            raise ConfigurationError(f"git pull in {top}: {_reason(error)}") from error


def _top(path: str) -> str:
    try:
        return _git(_folder(path), _QUICK, "rev-parse", "--show-toplevel")
    except (OSError, subprocess.SubprocessError) as error:
        message = f"--git-pull needs a Git checkout, but {path} lies in none: {_reason(error)}"
        raise ConfigurationError(message) from error


def _folder(path: str) -> str:
    place = Path() if path == "-" else Path(path)
    return str(place if place.is_dir() else place.parent)


def _git(folder: str, seconds: float, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    done = subprocess.run(  # noqa: S603 - a fixed command
        ["git", "-C", folder, *arguments],  # noqa: S607 - the git of this machine
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds,
        env=environment | {"GIT_TERMINAL_PROMPT": "0"},
    )
    return done.stdout.strip()


def _reason(error: OSError | subprocess.SubprocessError) -> str:
    match error:
        case subprocess.CalledProcessError():
            told = str(error.stderr).strip().splitlines()
            return told[-1] if told else f"it ended with {error.returncode}"
        case subprocess.TimeoutExpired():
            return f"it took longer than {error.timeout:.0f} s"
        case OSError():
            return str(error.strerror)
        case _:
            return str(error)
