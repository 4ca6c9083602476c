"""The only module that runs Git: about a named path only, and without settings from the tree.

A repository's own settings can run programs, and so can those of a folder that only looks like a repository.
So the work tree is found here, by its ``.git`` alone; the Git directory must belong to that work tree;
settings must not come from files of the tree; and every feature that could run a program is disabled in each
call.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import ConfigurationError, os_reason
from reconciler.load.links import has_git, is_inside, work_tree
from reconciler.load.process import MACHINE, NETWORK, Host, child_environment
from reconciler.load.program import run
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SECONDS: Final = 30.0
_LONGEST_REASON: Final = 400
_GIT: Final = ".git"
_OPTIONS: Final = (
    *("--no-pager", "--no-replace-objects", "--no-optional-locks", "--literal-pathspecs"),
    *("-c", "safe.bareRepository=explicit"),
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.alternateRefsCommand=true"),
    *("-c", "submodule.recurse=false", "-c", "fetch.recurseSubmodules=false"),
)
_SETTINGS: Final = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM")
"""Where the operator's settings of Git are, such as safe.directory."""
_TALKING: Final = (
    *("GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
    *("KRB5CCNAME", "SSH_AUTH_SOCK"),
)
_QUIET: Final = {"GIT_EDITOR": ":", "GIT_PAGER": "cat", "GIT_TERMINAL_PROMPT": "0", "GIT_PROXY_COMMAND": ""}
_OFFLINE: Final = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}
_ONLINE: Final = {"GIT_ASKPASS": "", "GIT_SSH_COMMAND": "ssh -oBatchMode=yes"}
"""What holds unless the operator's environment says otherwise."""
_PROTOCOLS: Final = {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh"}
_PULL: Final = ("pull", "--ff-only", "--no-rebase", "--no-autostash", "--no-recurse-submodules", "--quiet")


class GitError(ConfigurationError):
    """Git cannot be run, or fails."""


class NoWorkTreeError(GitError):
    """A path is not in a Git work tree."""


class UntrustedRepositoryError(GitError):
    """The Git directory does not belong to the work tree, or takes its settings from the tree."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A work tree whose Git directory belongs to it; ``top`` is its real path.

    No program of it is run: the PATH of ``host`` has none of its folders.
    """

    top: str
    host: Host

    def read(self, *arguments: str, content: bytes = b"") -> bytes:
        """Return the output of a read-only command without network access. Raises GitError."""
        environment = child_environment(self.host.environment, MACHINE, _SETTINGS) | _QUIET | _OFFLINE
        return self._run(arguments, environment, _SECONDS, content)

    def text(self, *arguments: str) -> str:
        """Return the one line of output of a command. Raises GitError."""
        return os.fsdecode(self.read(*arguments)).removesuffix("\n")

    def lines(self, *arguments: str) -> list[str]:
        """Return the entries of output of a command with -z. Raises GitError."""
        return [entry for entry in os.fsdecode(self.read(*arguments)).split("\0") if entry]

    def pull(self, seconds: float, passed: Sequence[str]) -> None:
        """Fast-forward to the upstream branch: no merge, no hook, no filter. Raises GitError."""
        lists = (MACHINE, NETWORK, _SETTINGS, _TALKING)
        environment = _ONLINE | child_environment(self.host.environment, *lists, passed=passed)
        self._run((*self._without_filters(), *_PULL), environment | _QUIET | _PROTOCOLS, seconds)

    @property
    def around(self) -> str | None:
        """Return the work tree around a submodule; None for other repositories."""
        if (Path(self.top) / _GIT).is_dir():
            return None
        # Where the directory lies says nothing: that of a submodule in a submodule, or in a linked work tree,
        # is far from the work tree around. But only a linked work tree shares the directory of another.
        folder = self.text("rev-parse", "--absolute-git-dir")
        is_linked = (Path(folder) / "commondir").exists()
        return None if is_linked else work_tree(str(Path(self.top).parent))

    def checked(self) -> Repository:
        """Return this repository if its Git directory belongs to it.

        Raises UntrustedRepositoryError, GitError.
        """
        found = os.fsdecode(self.read("rev-parse", "--show-toplevel", "--absolute-git-dir"))
        begins = f"{self.top}\n"
        if not found.startswith(begins):
            raise UntrustedRepositoryError(f"the repository of {self.top} belongs to another folder")
        folder = os.path.realpath(found.removeprefix(begins).removesuffix("\n"))
        if not self._is_own(folder):
            raise UntrustedRepositoryError(
                f"{self.top}/{_GIT} leads to {folder}, which is not known to belong to {self.top}; "
                "if it is yours and is in no work tree, set core.worktree there"
            )
        for origin in sorted({origin for origin, _ in self._settings()}):
            file = os.path.realpath(Path(self.top) / origin)
            if _is_of_tree(file, self.top):
                raise UntrustedRepositoryError(
                    f"Git reads settings from {file}, a file of the work tree {self.top}, which could start "
                    "programs; move it out of the work tree (include.path or HOME refers to it)"
                )
        return self

    def _is_own(self, folder: str) -> bool:
        """Return whether a Git directory belongs to this work tree."""
        git = Path(self.top) / _GIT
        if git.is_dir() and not git.is_symlink():
            return folder == str(git)
        # A linked work tree or a submodule: what its file names must name it in turn, and be of no tree.
        above: str | None = self.top
        while above is not None:
            if _is_of_tree(folder, above):
                return False
            above = None if above == os.sep else work_tree(str(Path(above).parent))
        return str(git) in self._named_by(Path(folder))

    def _named_by(self, folder: Path) -> Iterator[str]:
        """Yield the ``.git`` files of the work trees that a Git directory refers to."""
        with suppress(OSError):  # where there is none, it is not that of a linked work tree
            link = (folder / "gitdir").read_text(encoding="utf-8", errors="surrogateescape")
            yield os.path.realpath(folder / link.removesuffix("\n"))
        with suppress(GitError):
            tree = self.text("config", "--file", str(folder / "config"), "--get", "core.worktree")
            yield str(Path(os.path.realpath(folder / tree)) / _GIT)

    def _settings(self) -> Iterator[tuple[str, str]]:
        """Yield the file and the key of every setting that comes from a file."""
        listed = iter(self.lines("config", "--list", "--show-origin", "--includes", "--name-only", "-z"))
        for origin, key in zip(listed, listed, strict=True):
            if origin.startswith("file:"):
                yield origin.removeprefix("file:"), key

    def _without_filters(self) -> Iterator[str]:
        """Yield options that disable the filters of the settings.

        Raises GitError if one cannot be disabled.
        """
        keys = [key for _, key in self._settings() if key.startswith("filter.")]
        for driver in dict.fromkeys(key.rpartition(".")[0] for key in keys):
            if "=" in driver:
                raise GitError(f"the setting {driver} of Git cannot be switched off for a pull; remove it")
            for name, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")):
                yield from ("-c", f"{driver}.{name}={value}")

    def _run(
        self, arguments: Sequence[str], environment: Mapping[str, str], seconds: float, content: bytes = b""
    ) -> bytes:
        """Run Git on the repository at ``top``, never on a parent."""
        ceiling = {"GIT_CEILING_DIRECTORIES": str(Path(self.top).parent)}
        command = ["git", *_OPTIONS, "-C", self.top, *arguments]
        try:
            ended = run(command, {**environment, **ceiling}, seconds, content, clock=self.host.clock)
        except (OSError, ValueError) as error:
            raise GitError(f"git cannot be run: {os_reason(error)}") from error
        if ended.code is None:
            raise GitError(f"it took longer than {seconds:.0f} s")
        if ended.code:
            raise GitError(_reason(ended.err) or f"it ended with {ended.code}")
        return ended.out


def find_repository(path: str, host: Host) -> Repository:
    """Return the repository that contains a path; Git receives only the variables that it needs.

    Raises NoWorkTreeError, UntrustedRepositoryError, or GitError if Git cannot be run or fails.
    """
    is_folder = os.path.isdir(path)  # noqa: PTH112 - as it was typed
    top = work_tree(path if is_folder else os.path.dirname(path.rstrip(os.sep)))  # noqa: PTH120 - the same
    if top is None:
        raise NoWorkTreeError(f"{path} is not in a Git work tree")
    folders = (folder for folder in host.environment.get("PATH", "").split(os.pathsep) if folder)
    outside = [folder for folder in folders if not is_inside(os.path.realpath(folder), top)]
    environment = {**host.environment, "PATH": os.pathsep.join(outside)}
    return Repository(top, replace(host, environment=environment)).checked()


def _is_of_tree(path: str, top: str) -> bool:
    """Return whether a real path is in a work tree, outside of Git's own files."""
    return is_inside(path, top) and not has_git(os.path.relpath(path, top))


def _reason(err: bytes) -> str:
    # Which line holds the reason differs: the first, the last, or one in the middle.
    lines = (line for line in err.decode("utf-8", "replace").splitlines() if not line.startswith("hint:"))
    return shortened(" ".join(" ".join(lines).split()), _LONGEST_REASON)
