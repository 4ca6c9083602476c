"""Git, as far as a run needs it: which commit the files come from, and bringing a checkout up to date."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli.credentials import OWN_VARIABLES
from reconciler.errors import ConfigurationError
from reconciler.load.files import KINDS_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_COMMITS: Final = ("GITHUB_SHA", "CI_COMMIT_SHA", "BITBUCKET_COMMIT", "GIT_COMMIT")
_QUICK: Final = 5.0
_PULL_SECONDS: Final = 60.0
_LONGEST_REASON: Final = 400
_LINK: Final = "120000"
"""How Git writes the mode of a symbolic link."""
_MOST_LINKS: Final = 8


def git_commit(paths: Sequence[str]) -> str | None:
    """Give the commit that the files come from, with ``-dirty`` if one differs from it or is not in it.

    Outside Git it is the commit that the pipeline names. None if the files come from several checkouts, or if
    that cannot be told, as of standard input.
    """
    if "-" in paths:
        return None
    try:
        found = {_committed(path) for path in paths}
    except (OSError, subprocess.SubprocessError):
        return next((os.environ[name] for name in _COMMITS if os.environ.get(name)), None)
    if len({(top, commit) for top, commit, _ in found}) != 1:
        return None
    commit = next(commit for _, commit, _ in found)
    return f"{commit}-dirty" if any(is_dirty for *_, is_dirty in found) else commit


def _committed(path: str) -> tuple[str, str, bool]:
    """Give the checkout that a path lies in, its commit, and whether the path differs from that."""
    top = _git(_folder(path), _QUICK, "rev-parse", "--show-toplevel")
    commit, inside = _git(top, _QUICK, "rev-parse", "--verify", "HEAD"), _inside(path, top)
    changed = _names(top, "diff", "--name-only", "-z", commit, "--", inside)
    unknown = _names(
        top, "ls-files", "--others", "-z", "--", inside
    )  # the ignored too: they are read as well
    return top, commit, any(_is_read(name, inside) for name in (*changed, *unknown))


def _names(top: str, *arguments: str) -> list[str]:
    listed = _run(top, _QUICK, *arguments).decode("utf-8", "surrogateescape")
    return [name for name in listed.split("\0") if name]


def _inside(path: str, top: str) -> str:
    """Give the path from the top of the checkout to what ``path`` leads to."""
    return os.path.relpath(os.path.realpath(path), os.path.realpath(top))


def pull(paths: Sequence[str], seconds: float = _PULL_SECONDS) -> None:
    """Bring the checkouts that hold ``paths`` up to date, each within ``seconds``, and never make a merge.

    Raises ConfigurationError naming the checkout and what Git says.
    """
    for top in dict.fromkeys(_top(path, "--git-pull") for path in paths):
        try:
            _git(top, seconds, "pull", "--ff-only", "--quiet")
        except (OSError, subprocess.SubprocessError) as error:
            raise ConfigurationError(f"git pull in {top}: {_reason(error)}") from error


@dataclass(frozen=True, slots=True)
class BaseFiles:
    """What paths named at a commit: each file with a name for problems, and the paths that named none."""

    commit: str
    files: tuple[tuple[str, bytes], ...]
    missing: tuple[str, ...]


def files_at(reference: str, paths: Sequence[str]) -> BaseFiles:
    """Give the files that ``paths`` named at a commit, each once.

    Raises ConfigurationError if the commit is not in this clone, or a path lies outside Git.
    """
    if "-" in paths:
        raise ConfigurationError("--base needs files: what standard input was at a commit, Git does not know")
    found: dict[str, bytes] = {}
    missing: list[str] = []
    commit = ""
    for path in paths:
        top = _top(path, "--base")
        commit = _commit(top, reference)
        try:
            there = dict(_blobs(top, commit, _inside(path, top)))
        except (OSError, subprocess.SubprocessError) as error:
            raise ConfigurationError(f"{path} cannot be read at {reference}: {_reason(error)}") from error
        found |= {f"{name}@{reference}": content for name, content in there.items()}
        if not there:
            missing.append(path)
    return BaseFiles(commit, tuple(found.items()), tuple(missing))


def _blobs(top: str, commit: str, inside: str) -> Iterator[tuple[str, bytes]]:
    for entry in _names(top, "ls-tree", "-r", "-z", commit, "--", inside):
        about, _, name = entry.partition("\t")
        if _is_read(name, inside):
            yield name, _content(top, commit, about.split()[0], name)


def _content(top: str, commit: str, mode: str, name: str) -> bytes:
    """Give a file at a commit; of a link, what it led to then."""
    for _ in range(_MOST_LINKS):
        content = _run(top, _QUICK, "cat-file", "blob", f"{commit}:{name}")
        if mode != _LINK:
            return content
        name = os.path.normpath(os.path.join(os.path.dirname(name), os.fsdecode(content)))  # noqa: PTH118, PTH120 - pure
        mode = _git(top, _QUICK, "ls-tree", "--format=%(objectmode)", commit, "--", name)
    raise ConfigurationError(f"{name} is a link that leads nowhere at {commit}")


def _is_read(name: str, argument: str) -> bool:
    """Tell whether a file counts: the one that is named, or below a folder what a folder is read for."""
    if name == argument:
        return True
    below = Path(name).relative_to(argument) if argument != "." else Path(name)
    is_kind = below.parts[:-1][:1] == (KINDS_FOLDER,)
    is_hidden = any(part.startswith(".") for part in below.parts)
    return name.lower().endswith((".yaml", ".yml")) and not is_kind and not is_hidden


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
    environment = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
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
