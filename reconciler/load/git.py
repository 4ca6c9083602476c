"""Git queries of a run: the commit of the files, their content in another commit, and the newest files."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import ConfigurationError
from reconciler.load.committed import CommitTree
from reconciler.load.links import is_inside
from reconciler.load.repository import (
    GitError,
    NoWorkTreeError,
    Repository,
    UntrustedRepositoryError,
    find_repository,
)
from reconciler.load.sources import STANDARD_INPUT, kind_files, places_beside, sources
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.load.process import Host
    from reconciler.model.source import Problem

_COMMITS: Final = ("GITHUB_SHA", "CI_COMMIT_SHA", "BITBUCKET_COMMIT", "GIT_COMMIT")
_PULL_SECONDS: Final = 60.0
_SHA1_DIGITS: Final = 40
_HEXADECIMAL: Final = expression(r"[0-9a-f]{4,39}", re.ASCII)
"""What may be the beginning of a commit's name."""
_HEAD: Final = ("rev-parse", "--verify", "HEAD^{commit}")


def git_commit(paths: Sequence[str], host: Host, warn: Callable[[str], None] | None = None) -> str | None:
    """Return the commit of the files, with ``-dirty`` if one differs from it or is not in it.

    Outside Git it is the commit in the variables of the CI system. None if the files come from several
    checkouts or from standard input; ``warn`` is called where the repository is not to be trusted.
    """
    if STANDARD_INPUT in paths:
        return None
    commits: set[tuple[str, str]] = set()
    is_dirty = False
    try:
        for path in paths:
            repository = find_repository(path, host)
            commit = repository.text(*_HEAD)
            commits.add((repository.top, commit))
            is_dirty |= any(_uncommitted(repository, commit, path))
    except UntrustedRepositoryError as error:
        if warn is not None:
            warn(f"the commit of the files is unknown: {error}")
        return None
    except GitError:
        return next((host.environment[name] for name in _COMMITS if host.environment.get(name)), None)
    if len(commits) != 1:
        return None
    return f"{commit}-dirty" if is_dirty else commit


def not_committed(paths: Sequence[str], host: Host) -> tuple[str, ...]:
    """Return the files that differ from the last commit, or are not in it; empty outside Git."""
    found: dict[str, None] = {}
    for path in (path for path in paths if path != STANDARD_INPUT):
        with suppress(GitError):
            repository = find_repository(path, host)
            found |= dict.fromkeys(_uncommitted(repository, repository.text(*_HEAD), path))
    return tuple(found)


def _uncommitted(repository: Repository, commit: str, path: str) -> Iterator[str]:
    """Yield the files of a path that differ from a commit: changed, only here, or only in the commit.

    The contents are compared here: neither the index nor a filter can make one look unchanged. Kind files
    beside them are included.
    """
    tree, top = CommitTree(repository, commit), repository.top
    (folder,) = places_beside([path])
    then = {**tree.files(_inside(path, top)), **tree.kinds(_inside(folder, top))}
    kinds = [name for name, _ in kind_files([], [folder] if Path(folder).is_dir() else [], [])]
    now = {_inside_real(name, top): name for name in [*sources([path], []), *kinds] if Path(name).is_file()}
    yield from sorted(then.keys() ^ now.keys())
    for name in sorted(then.keys() & now.keys()):
        content = Path(now[name]).read_bytes()
        if then[name] not in {_blob(content, then[name]), _blob(content.replace(b"\r\n", b"\n"), then[name])}:
            yield name


def _blob(content: bytes, like: str) -> str:
    """Return the Git object name of a content, with the hash algorithm of ``like``."""
    algorithm = "sha1" if len(like) == _SHA1_DIGITS else "sha256"
    blob = b"blob %d\0%b" % (len(content), content)
    return hashlib.new(algorithm, blob, usedforsecurity=False).hexdigest()


def _inside_real(path: str, top: str) -> str:
    return os.path.relpath(os.path.realpath(path), top)


def _inside(path: str, top: str) -> str:
    """Return the path relative to the top of the work tree, without resolving links inside it."""
    parts = [part for part in path.split(os.sep) if part not in {"", os.curdir}]  # noqa: PTH206 - `a/..` stays
    folder = os.sep if os.path.isabs(path) else str(Path.cwd())  # noqa: PTH117 - a text
    for number, part in enumerate(parts):
        real = os.path.realpath(folder)
        if is_inside(real, top) and os.pardir not in parts[number:]:
            begin = [] if real == top else [os.path.relpath(real, top)]
            return "/".join([*begin, *parts[number:]])
        folder = os.path.join(real, part)  # noqa: PTH118 - `a/..` stays
    return _inside_real(folder, top)


def pull(
    paths: Sequence[str],
    host: Host,
    seconds: float = _PULL_SECONDS,
    passed: Sequence[str] = (),
) -> None:
    """Fast-forward the checkouts that hold ``paths``, each within ``seconds``.

    ``passed`` are the variables that Git receives besides its own. Raises ConfigurationError with the
    checkout and Git's message.
    """
    found = (_repository(path, "--git-pull", host) for path in paths)
    for repository in {one.top: one for one in found}.values():
        try:
            repository.pull(seconds, passed)
        except GitError as error:
            raise ConfigurationError(f"git pull in {repository.top}: {error}") from error


@dataclass(frozen=True, slots=True)
class BaseFiles:
    """The files that paths refer to in a commit: each with a name for problems, and the paths without files.

    ``origins`` are the names of files, each with the path that led to it. ``problems`` are links and
    submodules that cannot be read in that commit.
    """

    commit: str
    files: tuple[tuple[str, bytes], ...]
    missing: tuple[str, ...]
    origins: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()


def files_at(reference: str, paths: Sequence[str], host: Host) -> BaseFiles:
    """Return the files that ``paths`` refer to in a commit, each once.

    ``A...B`` is the merge base of the two, ``A...`` that of A and HEAD. Raises ConfigurationError if the
    commit is not in this clone, or a path is outside Git.
    """
    if STANDARD_INPUT in paths:
        raise ConfigurationError("--base needs files: Git has no earlier version of standard input")
    trees = ((path, _repository(path, "--base", host)) for path in paths)
    return _gathered(reference, trees, CommitTree.files, "{name}@{reference}")


def reviewed_at(reference: str, file: str, host: Host) -> BaseFiles:
    """Return one reviewed file as in a commit, with the checks of :func:`kinds_at`."""
    trees = ((file, repository) for repository in [_reviewed(file, host)])
    return _gathered(reference, trees, CommitTree.files, "{reference}:./{name}")


def kinds_at(reference: str, folders: Mapping[str, str], host: Host) -> BaseFiles:
    """Return the kind files of folders as in a commit, with the checks of :func:`files_at`.

    Each folder comes with a path whose repository is used: a folder may have become a repository of its own.
    Raises ConfigurationError for a submodule too, since the repository around it determines its content.
    """
    trees = ((folder, _reviewed(path, host)) for folder, path in folders.items())
    return _gathered(reference, trees, CommitTree.kinds, "{reference}:./{name}")


def _reviewed(path: str, host: Host) -> Repository:
    """Return the repository of a path. Raises ConfigurationError if it is a submodule."""
    repository = _repository(path, "--base", host)
    around = repository.around
    if around is not None:
        raise ConfigurationError(
            f"--trust base: {path} is in a submodule, whose commit is determined by {around}; "
            "set --config and --kinds to files outside of it, and remove --base"
        )
    return repository


def _gathered(
    reference: str,
    places: Iterator[tuple[str, Repository]],
    files_of: Callable[[CommitTree, str], dict[str, str]],
    label: str,
) -> BaseFiles:
    found: dict[str, bytes] = {}
    missing: list[str] = []
    origins: list[tuple[str, str]] = []
    problems: list[Problem] = []
    commit = ""
    for place, repository in places:
        commit = _commit(repository, reference)
        tree = CommitTree(repository, commit, reference)
        there = files_of(tree, _inside(place, repository.top))
        try:
            for name, content in tree.contents(there):
                file = label.format(name=name, reference=reference)
                found[file] = content
                origins.append((file, place))
        except GitError as error:
            raise ConfigurationError(f"the files at {reference} cannot be read: {error}") from error
        problems += tree.problems
        if not there and not tree.problems:
            missing.append(place)
    return BaseFiles(commit, tuple(found.items()), tuple(missing), tuple(origins), tuple(problems))


def _commit(repository: Repository, reference: str) -> str:
    """Return the commit of a reference. Raises ConfigurationError."""
    begin, span, end = reference.partition("...")
    if not span:
        return _verified(repository, reference, reference)
    commits = [_verified(repository, name or "HEAD", reference) for name in (begin, end)]
    try:
        return repository.text("merge-base", *commits)
    except GitError as error:
        message = f"--base {reference}: both sides have no common commit in the clone {repository.top}"
        raise ConfigurationError(f"{message}{_shallow(repository)}") from error


def _verified(repository: Repository, name: str, reference: str) -> str:
    _refuse_ambiguous(repository, name)
    try:
        return repository.text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except GitError as error:
        what = f"--base {reference}: {name!r} is not a commit of the clone {repository.top}"
        raise ConfigurationError(f"{what}{_shallow(repository)}; check its spelling") from error


def _refuse_ambiguous(repository: Repository, name: str) -> None:
    """Raise ConfigurationError for a name of several references, such as a tag called origin/main."""
    begins = re.match(r"[^~^:@{*?\[\\]+", name)
    if begins is None:
        return
    wanted = [f"refs/{kind}/{begins[0]}" for kind in ("tags", "heads", "remotes")]
    found = repository.text("for-each-ref", "--format=%(refname)", *wanted).splitlines()
    known = [one for one in wanted if one in found]
    if len(known) > 1 or (known and _HEXADECIMAL.fullmatch(name)):
        several = " and ".join(known) if len(known) > 1 else f"{known[0]} and perhaps a commit"
        raise ConfigurationError(f"--base {name} is ambiguous: it names {several}; write it in full")


def _shallow(repository: Repository) -> str:
    if repository.text("rev-parse", "--is-shallow-repository") != "true":
        return ""
    return ", which is shallow: fetch more of it (git fetch --unshallow, or fetch-depth: 0)"


def _repository(path: str, option: str, host: Host) -> Repository:
    try:
        return find_repository(os.curdir if path == STANDARD_INPUT else path, host)
    except NoWorkTreeError as error:
        raise ConfigurationError(f"{option} needs a Git checkout, but {error}") from error
    except GitError as error:
        raise ConfigurationError(f"{option} needs Git: {error}") from error
