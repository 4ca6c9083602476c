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
_PULL_SECONDS: Final = 60.0
_LONGEST_REASON: Final = 400


def git_commit(paths: Sequence[str]) -> str | None:
    """Give the commit that the files come from, with ``-dirty`` if the tree differs from it.

    Outside Git it is the commit that the pipeline names, or None.
    """
    folder = _folder(paths[0]) if paths else "."
    try:
        return _git(folder, _QUICK, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    except (OSError, subprocess.SubprocessError):
        return next((os.environ[name] for name in _COMMITS if os.environ.get(name)), None)


def pull(paths: Sequence[str], seconds: float = _PULL_SECONDS) -> None:
    """Bring the checkouts that hold ``paths`` up to date, each within ``seconds``, and never make a merge.

    Raises ConfigurationError naming the checkout and what Git says.
    """
    for top in dict.fromkeys(_top(path, "--git-pull") for path in paths):
        try:
            _git(top, seconds, "pull", "--ff-only", "--quiet")
        except (OSError, subprocess.SubprocessError) as error:
            raise ConfigurationError(f"git pull in {top}: {_reason(error)}") from error


def files_at(reference: str, paths: Sequence[str]) -> list[tuple[str, bytes]]:
    """Give the files that ``paths`` name at a commit, each with a name for problems.

    What was not there then is left out.

    Raises ConfigurationError if the commit is not in this clone, or a path lies outside Git.
    """
    found: list[tuple[str, bytes]] = []
    for path in paths:
        top = _top(path, "--base")
        commit = _commit(top, reference)
        inside = os.path.relpath(os.path.realpath(path), os.path.realpath(top))
        try:
            listed = _git(top, _QUICK, "ls-tree", "-r", "-z", "--name-only", commit, "--", inside)
            names = [name for name in listed.split("\0") if name and _is_read(name, inside)]
            found.extend((f"{name}@{reference}", _blob(top, f"{commit}:{name}")) for name in names)
        except (OSError, subprocess.SubprocessError) as error:
            raise ConfigurationError(f"{path} cannot be read at {reference}: {_reason(error)}") from error
    return found


def _is_read(name: str, argument: str) -> bool:
    """Tell whether a file counts: the one that is named, or below a folder what a folder is read for."""
    if name == argument:
        return True
    below = Path(name).relative_to(argument) if argument != "." else Path(name)
    return name.endswith((".yaml", ".yml")) and not any(part.startswith(".") for part in below.parts)


def _commit(top: str, reference: str) -> str:
    try:
        return _git(
            top, _QUICK, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}"
        )
    except (OSError, subprocess.SubprocessError) as error:
        shallow = ""
        if _git(top, _QUICK, "rev-parse", "--is-shallow-repository") == "true":
            shallow = ", which is shallow: fetch more of it (git fetch --unshallow, or fetch-depth: 0)"
        raise ConfigurationError(f"--base {reference} is no commit of the clone {top}{shallow}") from error


def _blob(top: str, name: str) -> bytes:
    return _run(top, _QUICK, "cat-file", "blob", name)


def _top(path: str, option: str) -> str:
    try:
        return _git(_folder(path), _QUICK, "rev-parse", "--show-toplevel")
    except OSError as error:
        raise ConfigurationError(f"{option} needs git, which cannot be run: {_reason(error)}") from error
    except subprocess.SubprocessError as error:
        message = f"{option} needs a Git checkout, but {path} lies in none: {_reason(error)}"
        raise ConfigurationError(message) from error


def _folder(path: str) -> str:
    place = Path() if path == "-" else Path(path)
    return str(place if place.is_dir() else place.parent)


def _git(folder: str, seconds: float, *arguments: str) -> str:
    return _run(folder, seconds, *arguments).decode("utf-8", "surrogateescape").strip()  # a path is bytes


def _run(folder: str, seconds: float, *arguments: str) -> bytes:
    environment = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    done = subprocess.run(  # noqa: S603 - a fixed command
        ["git", "-C", folder, *arguments],  # noqa: S607 - the git of this machine
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=seconds,
        env={"GIT_SSH_COMMAND": "ssh -oBatchMode=yes"} | environment | {"GIT_TERMINAL_PROMPT": "0"},
    )
    return done.stdout


def _reason(error: OSError | subprocess.SubprocessError) -> str:
    match error:
        case subprocess.CalledProcessError():
            # Which line holds the reason differs: the first, the last, or one in the middle.
            lines = (
                line
                for line in error.stderr.decode("utf-8", "replace").splitlines()
                if not line.startswith("hint:")
            )
            told = " ".join(" ".join(lines).split())
            short = told if len(told) <= _LONGEST_REASON else f"{told[:_LONGEST_REASON]}…"
            return short or f"it ended with {error.returncode}"
        case subprocess.TimeoutExpired():
            return f"it took longer than {error.timeout:.0f} s"
        case _:
            return (error.strerror if isinstance(error, OSError) else None) or str(error)
