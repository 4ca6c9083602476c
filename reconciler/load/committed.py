"""The files of a commit, found by the rules that hold for the work tree: the same links, the same names."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
_MOST_LINKS: Final = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at a path of a commit: how Git writes its mode, and the name of its content."""

    mode: str
    content: str


class _LinkError(Exception):
    """A link of a commit that must not be followed, or cannot be."""


class CommitTree:
    """The tree of one commit; ``problems`` are the links and submodules that cannot be read in it."""

    def __init__(self, repository: Repository, commit: str, name: str = "") -> None:
        """Store where to read, and what problems call the commit; nothing is read yet."""
        self.commit = commit
        self.name = name or commit
        self.problems: list[Problem] = []
        self._repository = repository
        self._folders: dict[str, Mapping[str, Entry]] = {}

    @property
    def top(self) -> str:
        """The work tree that the commit belongs to."""
        return self._repository.top

    def files(self, path: str) -> dict[str, str]:
        """Return the files that a path from the top stood for, each with the name of its content."""
        try:
            place, entry = self._resolved(path)
        except _LinkError as error:
            self._complain(path, str(error))
            return {}
        if entry is None:
            return {}
        if entry.mode == _SUBMODULE:
            self._complain(path, _IN_ANOTHER)
            return {}
        return dict(self._below(place) if entry.mode == _FOLDER else [(place, entry.content)])

    def kinds(self, folder: str) -> dict[str, str]:
        """Return the files of a folder of kinds, by the paths that they are called there."""
        try:
            place, entry = self._resolved(folder)
        except _LinkError as error:
            self._complain(folder, str(error))
            return {}
        if entry is None or entry.mode != _FOLDER:
            return {}
        found = {}
        for name in sorted(filter(is_kind_file, self._listed(place))):
            path = posixpath.join(place, name)
            try:
                _, file = self._resolved(path)
            except _LinkError as error:
                self._complain(path, str(error))
                continue
            if file is not None and file.mode != _FOLDER:
                found[path] = file.content
        return found

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
                try:
                    place, found = self._found(path, entry)
                except _LinkError as error:
                    self._complain(path, str(error))
                    continue
                if found.mode == _FOLDER:
                    (linked if entry.mode == _LINK else pending).append(place)
                elif is_input(name) and found.mode != _SUBMODULE:
                    yield place, found.content

    def _found(self, path: str, entry: Entry) -> tuple[str, Entry]:
        if entry.mode == _SUBMODULE:
            raise _LinkError(_IN_ANOTHER)
        if entry.mode != _LINK:
            return path, entry
        place, found = self._resolved(path)
        if found is None:
            raise _LinkError("is a link that leads nowhere")
        return place, found

    def _resolved(self, path: str) -> tuple[str, Entry | None]:
        """Follow links; return where a path leads, and what stands there, if anything does."""
        pending = path.split("/")[::-1]
        place: list[str] = []
        entry: Entry | None = Entry(_FOLDER, "")
        links = 0
        while pending:
            part = pending.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                if not place:
                    pending = self._back_in(pending)
                place = place[:-1]
                entry = Entry(_FOLDER, "")
                continue
            if entry is None or entry.mode != _FOLDER:
                return path, None
            entry = self._listed("/".join(place)).get(part)
            if entry is None or entry.mode != _LINK:
                place.append(part)
                continue
            links += 1
            if links > _MOST_LINKS:
                raise _LinkError("is a link that leads nowhere, but in a circle")
            target = self._target(entry)
            if target.startswith("/"):
                place = []
            pending.extend(target.split("/")[::-1])
            entry = Entry(_FOLDER, "")
        return "/".join(place), entry

    def _back_in(self, pending: list[str]) -> list[str]:
        """Return what is left of a path that leaves the top, if it comes back by the name of that."""
        way = posixpath.normpath(posixpath.join(self.top, "..", *pending[::-1]))
        if not is_inside(way, self.top):
            raise _LinkError("is a link that leads out of the Git work tree")
        return posixpath.relpath(way, self.top).split("/")[::-1]

    def _target(self, entry: Entry) -> str:
        target = os.fsdecode(self._repository.read("cat-file", "blob", entry.content))
        if not target.startswith("/"):
            return target
        if not is_inside(target, self.top):
            raise _LinkError("is a link that leads out of the Git work tree")
        return "/" + target.removeprefix(self.top)

    def _listed(self, folder: str) -> Mapping[str, Entry]:
        """List one folder, once."""
        if folder not in self._folders:
            self._list(folder)
        return self._folders[folder]

    def _list(self, folder: str, *options: str) -> None:
        found: dict[str, dict[str, Entry]] = {folder: {}}
        for line in self._repository.lines("ls-tree", *options, "-z", f"{self.commit}:{folder}"):
            about, _, path = line.partition("\t")
            mode, _, content = about.split()
            inside, name = posixpath.split(posixpath.join(folder, path))
            found.setdefault(inside, {})[name] = Entry(mode, content)
            if options and mode == _FOLDER:
                found.setdefault(posixpath.join(inside, name), {})
        self._folders.update(found)

    def _complain(self, path: str, reason: str) -> None:
        self.problems.append(Problem(reason, Position(f"{path}@{self.name}")))
