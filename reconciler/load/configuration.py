"""The configuration file: its location, its content, and the paths that it may refer to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from reconciler.errors import InputError
from reconciler.load.files import parse_single
from reconciler.load.links import has_git, is_inside, link_refusal, path_refusal, work_tree, work_trees
from reconciler.load.sources import CONFIGURATION, STANDARD_INPUT, read_file
from reconciler.model.frozen import dataclass
from reconciler.model.later import Later
from reconciler.model.source import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.load import git
    from reconciler.load.documents import Document
    from reconciler.load.process import Host
else:
    git = Later("reconciler.load.git")

_LARGEST: Final = 2**20

# os.path, unlike Path, keeps a path as it was typed: `a/..` is where the link `a` leads, and its parent.
# ruff: noqa: PTH100, PTH109, PTH112, PTH117, PTH118, PTH120


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """The text of a configuration file; ``file`` is its name in messages, ``folder`` the base of its paths.

    ``reference`` is the commit that it was read from, None for the working tree.
    """

    file: str
    folder: str
    content: bytes
    reference: str | None = None

    @property
    def root(self) -> str:
        """Return the real path that all its paths must be below: the Git work tree, or else its folder."""
        place = self.folder or os.curdir
        return work_tree(place) or os.path.realpath(place)

    def document(self) -> Document:
        """Parse the file. Raises InputError."""
        return parse_single(self.content, self.file, "a configuration")

    def opened(self, path: str) -> str:
        """Return a path in the configuration as a path that can be opened."""
        return os.path.join(self.folder, path)

    def fault(self, path: str) -> str:
        """Return why a path in the configuration must not be used, empty if it may be used."""
        if path == STANDARD_INPUT or os.path.isabs(path) or not path.isprintable() or path.startswith("~"):
            return "is not a path relative to this file; write one such as keys/"
        place = self.opened(path)
        top, inside = self.root, os.path.relpath(os.path.abspath(place), os.path.abspath(self.folder))
        lexical = os.path.normpath(os.path.join(os.path.realpath(self.folder or os.curdir), inside))
        real = os.path.realpath(place)
        if not is_inside(lexical, top):
            return f"leads out of {top}; use a path in it"
        refusal = link_refusal(place)
        if refusal:
            return refusal
        if not is_inside(real, top):
            return f"leads out of {top}, to {real}; use a path in it"
        return "leads into Git's own files; use another" if has_git(os.path.relpath(real, top)) else ""


def named_configuration(file: str) -> ConfigurationFile:
    """Read the configuration file of this name. Raises InputError."""
    refusal = path_refusal(file)
    if refusal:
        raise InputError([Problem(refusal, Position(file))])
    content = read_file(file, _LARGEST, "larger than 1 MiB, the limit for a configuration")
    return ConfigurationFile(file, os.path.dirname(file), content)


def found_configuration() -> ConfigurationFile | None:
    """Read the configuration of the working folder, or of a parent up to the root of its Git repository.

    Outside Git only the working folder is searched: its parents may belong to another user. Raises InputError
    if the file cannot be read.
    """
    for folder in _folders():
        file = os.path.join(folder, CONFIGURATION)
        if os.path.lexists(file):
            return named_configuration(file)
    return None


def _folders() -> Iterator[str]:
    """Yield the working folder and its parents, as relative paths."""
    try:
        top, place = work_tree(os.curdir), os.path.realpath(os.getcwd())
    except OSError:
        return  # that the working folder is gone is reported where files are read
    folder = ""
    yield folder
    while top is not None and is_inside(place, top) and place != top:
        place, folder = os.path.dirname(place), os.path.join(folder, os.pardir)
        yield folder


def committed_configuration(reference: str, file: str | None, host: Host) -> ConfigurationFile | None:
    """Return the configuration of a commit of the repository around the working folder.

    That is ``file``, or the one found from the working folder. Raises ConfigurationError where the commit
    cannot be read, InputError for a link in it that must not be followed.
    """
    places = [os.path.join(folder, CONFIGURATION) for folder in _folders()] if file is None else [file]
    for place in places:
        there = git.reviewed_at(reference, place, host)
        if there.problems:
            raise InputError(there.problems)
        for label, content in there.files:
            return ConfigurationFile(label, os.path.dirname(place), content, reference)
    return None


def shares_repository(file: str, paths: Sequence[str]) -> bool:
    """Return whether a file is in the same repository as one of ``paths``, or is linked from there."""
    return not {work_tree(folder) for folder in _places(file)}.isdisjoint(_repositories(paths))


def is_reviewed(file: str, paths: Sequence[str]) -> bool:
    """Return whether a change to ``paths`` may also change ``file``: they share a repository or submodule."""
    tops = {top for folder in _places(file) for top in work_trees(folder)}
    return not tops.isdisjoint(_repositories(paths))


def _places(file: str) -> Iterator[str]:
    yield from (os.path.dirname(place) or os.curdir for place in (file, os.path.realpath(file)))


def _repositories(paths: Sequence[str]) -> set[str]:
    places = [os.curdir if path == STANDARD_INPUT else path for path in paths] or [os.curdir]
    folders = [path if os.path.isdir(path) else os.path.dirname(path) or os.curdir for path in places]
    return {top for top in map(work_tree, folders) if top is not None}
