"""The files of a commit, found by the rules that apply in the work tree: the same links, the same names."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.errors import ConfigurationError
from reconciler.load.links import is_inside
from reconciler.load.sources import KINDS_FOLDER, is_input, is_kind_file
from reconciler.model.source import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.load.repository import Repository

_LINK: Final = "120000"
_FOLDER: Final = "040000"
_SUBMODULE: Final = "160000"
_IN_ANOTHER: Final = "is a submodule, whose files are in another repository"
_NOWHERE: Final = "is a link that leads nowhere"
_MOST_LINKS: Final = 40


class Entry(NamedTuple):
    """An entry of a commit's tree: the mode, as Git writes it, and the object name of the content."""

    mode: str
    content: str


_TOP: Final = Entry(_FOLDER, "")


class _LinkError(Exception):
    """A link of a commit that must not, or cannot, be followed."""


class CommitTree:
    """The tree of one commit; ``problems`` are its links and submodules that cannot be read."""

    def __init__(self, repository: Repository, commit: str, name: str = "") -> None:
        """Store the repository, the commit, and its name in problems; nothing is read yet."""
        self.problems: list[Problem] = []
        self._commit = commit
        self._name = name or commit
        self._repository = repository
        self._top = repository.top
        self._folders: dict[str, Mapping[str, Entry]] = {}

    def files(self, path: str) -> dict[str, str]:
        """Return the files that a path from the top refers to, with the object name of each content."""
        place, entry = self._followed(path)
        if entry is None:
            return {}
        return dict(self._below(place) if entry.mode == _FOLDER else [(place, entry.content)])

    def kinds(self, folder: str) -> dict[str, str]:
        """Return the kind files of a folder, by their paths in that commit."""
        place, entry = self._followed(folder, if_submodule="")
        if entry is None or entry.mode != _FOLDER:
            return {}
        paths = [posixpath.join(place, name) for name in sorted(filter(is_kind_file, self._listed(place)))]
        files = [(path, self._followed(path)[1]) for path in paths]
        return {path: file.content for path, file in files if file is not None and file.mode != _FOLDER}

    def contents(self, names: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
        """Yield the content of each file. Raises GitError."""
        if not names:
            return
        asked = "".join(f"{content}\n" for content in names.values()).encode()
        output = self._repository.read("cat-file", "--batch", content=asked)
        begin = 0
        for path in names:
            end = output.index(b"\n", begin)
            about = output[begin:end].split()
            if about[-1] == b"missing":
                hint = "fetch it first, or clone without --filter"
                raise ConfigurationError(f"{path} is not in this partial clone; {hint}")
            size = int(about[-1])
            yield path, output[end + 1 : end + 1 + size]
            begin = end + 2 + size

    def _below(self, top: str) -> Iterator[tuple[str, str]]:
        self._list(top, "-r", "-t")
        pending, linked, seen = [top], list[str](), set[str]()
        while pending or linked:
            folder = pending.pop() if pending else linked.pop()
            if folder in seen:
                continue
            seen.add(folder)
            for name, entry in self._listed(folder).items():
                is_kinds = name == KINDS_FOLDER and folder == top and entry.mode in {_FOLDER, _LINK}
                if name.startswith(".") or is_kinds:
                    continue
                path = posixpath.join(folder, name)
                place, found = self._followed(path, if_missing=_NOWHERE)
                if found is not None and found.mode == _FOLDER:
                    (linked if entry.mode == _LINK else pending).append(place)
                elif found is not None and is_input(name):
                    yield place, found.content

    def _followed(
        self, path: str, *, if_missing: str = "", if_submodule: str = _IN_ANOTHER
    ) -> tuple[str, Entry | None]:
        """Return the target of a path and its entry; None if there is nothing that can be read."""
        try:
            place, entry = self._resolved(path)
            complaint = if_missing if entry is None else if_submodule if entry.mode == _SUBMODULE else None
        except _LinkError as error:
            place, complaint = path, str(error)
        if complaint is None:
            return place, entry
        if complaint:
            self.problems.append(Problem(complaint, Position(f"{path}@{self._name}")))
        return path, None

    def _resolved(self, path: str) -> tuple[str, Entry | None]:
        """Follow links; return the target of a path, and its entry if it exists."""
        pending = path.split("/")[::-1]
        place: list[str] = []
        entry: Entry | None = _TOP
        links = 0
        while pending:
            part = pending.pop()
            if part in {"", "."}:
                continue
            if part == ".." and not place:
                pending = self._inside(posixpath.normpath(posixpath.join(self._top, "..", *pending[::-1])))
            elif part == "..":
                place.pop()
                entry = _TOP
            elif entry is None or entry.mode != _FOLDER:
                return path, None
            else:
                entry = self._listed("/".join(place)).get(part)
                if entry is None or entry.mode != _LINK:
                    place.append(part)
                    continue
                links += 1
                if links > _MOST_LINKS:
                    raise _LinkError("is a link that leads back to itself")
                target = os.fsdecode(self._repository.read("cat-file", "blob", entry.content))
                if target.startswith("/"):
                    place = []
                pending += self._inside(target) if target.startswith("/") else target.split("/")[::-1]
                entry = _TOP
        return "/".join(place), entry

    def _inside(self, path: str) -> list[str]:
        """Return the segments of an absolute path below the top, in reverse order. Raises _LinkError."""
        if not is_inside(path, self._top):
            raise _LinkError("is a link that leads out of the Git work tree")
        return path.removeprefix(self._top).split("/")[::-1]

    def _listed(self, folder: str) -> Mapping[str, Entry]:
        """List one folder, once."""
        if folder not in self._folders:
            self._list(folder)
        return self._folders[folder]

    def _list(self, folder: str, *options: str) -> None:
        found: dict[str, dict[str, Entry]] = {folder: {}}
        for line in self._repository.lines("ls-tree", *options, "-z", f"{self._commit}:{folder}"):
            about, _, path = line.partition("\t")
            mode, _, content = about.split()
            inside, name = posixpath.split(posixpath.join(folder, path))
            found.setdefault(inside, {})[name] = Entry(mode, content)
            if options and mode == _FOLDER:
                found.setdefault(posixpath.join(inside, name), {})
        self._folders.update(found)
