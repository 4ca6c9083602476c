"""From paths to texts: files, directories and standard input."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from reconciler.errors import InputError, os_reason
from reconciler.load.builder import parse
from reconciler.load.characters import BYTE_ORDER_MARK
from reconciler.load.links import link_refusal, mode_refusal, special_refusal, tree_of
from reconciler.model.source import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.load.documents import Document

    Parse = Callable[[bytes, str], "Loaded"]
    Digests = tuple[tuple[str, bytes], ...]

MAX_BYTES: Final = 32 * 1024 * 1024
"""Size of one input: room for 150,000 keys, and a bound on what a wrong path can cost."""
_WIDE: Final = 4
"""Bytes of the widest character."""
STANDARD_INPUT: Final = "-"
_SUFFIXES: Final = (".yaml", ".yml")
KINDS_FOLDER: Final = "kinds"
"""The folder beside desired-state files that holds kinds, and so no desired state."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The documents of all inputs, and what was wrong with the inputs that could not be used."""

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]


def parse_content(content: bytes, label: str) -> Loaded:
    """Build the documents of one input, which problems call ``label``."""
    try:
        found = parse(_text(content, label), label)
    except InputError as error:
        return Loaded((), error.problems)
    if not found:
        return Loaded((), (Problem("declares nothing; write at least `keys: []`", Position(label)),))
    return Loaded(found, ())


def parse_all(files: Iterable[tuple[str, bytes]], found: Iterable[Problem] = ()) -> Loaded:
    """Build the documents of ``files``, names and contents; ``found`` are problems that are known already."""
    parts = [parse_content(content, label) for label, content in files]
    documents = tuple(document for part in parts for document in part.documents)
    return Loaded(documents, (*found, *(problem for part in parts for problem in part.problems)))


def load(paths: Sequence[str], standard_input: BinaryIO, parse_one: Parse = parse_content) -> Loaded:
    """Read every input named by ``paths`` and build its documents, in the order of the arguments.

    A path is a file, a directory (every ``*.yaml`` and ``*.yml`` below it, sorted, hidden ones and its
    folder of kinds left out) or ``-`` for ``standard_input``. An input that cannot be used becomes a
    problem and does not hide the problems of the others. ``parse_one`` builds the documents of one input.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    for source in _sources(paths, problems):
        label = _label(source)
        try:
            content = read(source, standard_input)
        except InputError as error:
            problems.extend(error.problems)
            continue
        part = parse_one(content, label)
        documents.extend(part.documents)
        problems.extend(part.problems)
    return Loaded(tuple(documents), tuple(problems))


class InputsDigest:
    """The digest of all that was read: equal files under equal names have equal digests."""

    def __init__(self) -> None:
        """Begin without any input."""
        self._digest = hashlib.sha256()

    def add(self, content: bytes, label: str) -> None:
        """Take one input into the digest."""
        for part in (label.encode("utf-8", "surrogateescape"), content):
            self._digest.update(len(part).to_bytes(8))
            self._digest.update(part)

    def parse(self, content: bytes, label: str) -> Loaded:
        """Build the documents of one input, and take it into the digest."""
        self.add(content, label)
        return parse_content(content, label)

    def __str__(self) -> str:
        """Return ``sha256:`` and 64 hexadecimal digits."""
        return f"sha256:{self._digest.hexdigest()}"


class DocumentCache:
    """Loads files again and again, and parses only those whose content was not in the load before."""

    def __init__(self) -> None:
        """Begin without any file."""
        self._parsed: dict[tuple[str, bytes], Loaded] = {}

    def load(self, paths: Sequence[str]) -> tuple[Loaded, Digests]:
        """Load like :func:`load`, without a standard input; give the files' digests too.

        Equal digests, which are names with SHA-256, mean equal documents.
        """
        fresh: dict[tuple[str, bytes], Loaded] = {}

        def known(content: bytes, label: str) -> Loaded:
            key = (label, hashlib.sha256(content).digest())
            fresh[key] = self._parsed.get(key) or parse_content(content, label)
            return fresh[key]

        loaded = load(paths, io.BytesIO(), known)
        self._parsed = fresh
        return loaded, tuple(fresh)


def _sources(paths: Sequence[str], problems: list[Problem]) -> Iterator[str]:
    seen: set[str] = set()
    try:
        Path.cwd()
    except OSError as error:
        problems.append(
            Problem(f"the current folder cannot be used: {os_reason(error)}; change to one that exists")
        )
        return
    for path in paths:
        found = _expand(path, problems)
        for source in found:
            identity = source if source == STANDARD_INPUT else os.path.realpath(source)
            if identity not in seen:
                seen.add(identity)
                yield source


def _expand(path: str, problems: list[Problem]) -> Iterable[str]:
    if not path:
        problems.append(Problem("an empty path; name a file or a directory"))
        return []
    if path == STANDARD_INPUT:
        return [path]
    special = special_refusal(path)
    refusal = f"{special}, or use - for standard input" if special else link_refusal(path)
    if refusal:
        problems.append(Problem(refusal, Position(path)))
        return []
    # os.path, unlike Path, takes a path that cannot be looked up for no directory: reading it tells why.
    if not os.path.isdir(path):  # noqa: PTH112 - see above
        return [path]
    known = len(problems)
    found = sorted(Walk(path, problems).files())
    if not found and len(problems) == known:
        message = "this directory holds no *.yaml or *.yml file (hidden ones are left out)"
        problems.append(Problem(message, Position(path)))
    return found


def is_input(name: str) -> bool:
    """Return whether a file below a folder is read, by its name."""
    return name.lower().endswith(_SUFFIXES)


def input_files(path: str) -> list[str]:
    """Return the files that a path stands for, without those that cannot be read."""
    return list(_sources([path], []))


class Walk:
    """Finds the files of a directory. Each folder is looked through once, whatever the links to it."""

    def __init__(self, directory: str, problems: list[Problem]) -> None:
        """Store the directory, and where problems are added."""
        self._directory = directory
        self._problems = problems
        self._tree = tree_of(directory)
        self._seen: set[str] = set()
        self._linked: list[str] = []

    def files(self) -> Iterator[str]:
        """Yield every ``*.yaml`` and ``*.yml`` below it, through links too; hidden ones are left out."""
        pending = [self._directory]
        while pending or self._linked:
            # What a folder is called without a link comes first, and is what problems call its files.
            folder = pending.pop() if pending else self._linked.pop(0)
            real = os.path.realpath(folder)
            if real in self._seen:
                continue
            self._seen.add(real)
            try:
                names = sorted(os.listdir(folder))  # noqa: PTH208 - as above
            except OSError as error:
                self._problems.append(_read_problem(error, folder))
                continue
            for name in names:
                path = os.path.join(folder, name)  # noqa: PTH118 - Path would rewrite ./keys to keys
                is_kinds = name == KINDS_FOLDER and folder == self._directory and Path(path).is_dir()
                if not name.startswith(".") and not is_kinds:
                    yield from self._entry(path, pending)

    def _entry(self, path: str, pending: list[str]) -> Iterator[str]:
        is_yaml = is_input(path)
        is_link = os.path.islink(path)  # noqa: PTH114 - as above
        try:
            mode = Path(path).stat().st_mode
        except OSError as error:
            if is_yaml:
                yield path  # reading it tells why
            elif is_link:
                # It may have been a folder of keys: to pass it over could mean that none is declared.
                self._problems.append(
                    Problem(f"is a link that cannot be followed: {os_reason(error)}", Position(path))
                )
            return
        if not is_yaml and not stat.S_ISDIR(mode):
            return
        refusal = (self._tree.refusal(path) if is_link else "") or mode_refusal(mode)
        if refusal:
            self._problems.append(Problem(refusal, Position(path)))
        elif stat.S_ISDIR(mode):
            (self._linked if is_link else pending).append(path)
        else:
            yield path


def read(source: str, standard_input: BinaryIO) -> bytes:
    """Read one input, a file or ``-``. Raises InputError."""
    label = _label(source)
    try:
        if source == STANDARD_INPUT:
            content = standard_input.read(MAX_BYTES + 1)
        else:
            content = read_file(source, MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError([_read_problem(error, label)]) from error
    if len(content) > MAX_BYTES:
        limit = MAX_BYTES // (1024 * 1024)
        raise InputError([Problem(f"larger than {limit} MiB; split it into several files", Position(label))])
    return content


def read_file(path: str, most: int) -> bytes:
    """Read at most so many bytes of a file. Raises InputError for a special file, OSError, ValueError."""
    refusal = special_refusal(path)
    if not refusal:
        # It may have become a pipe meanwhile, which would be waited for without end.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123 - a descriptor
            refusal = mode_refusal(os.fstat(file.fileno()).st_mode)
            if not refusal:
                return file.read(most)
    raise InputError([Problem(refusal, Position(path))])


def _label(source: str) -> str:
    return "<stdin>" if source == STANDARD_INPUT else source


def _read_problem(error: OSError | ValueError, source: str) -> Problem:
    if isinstance(error, FileNotFoundError):
        return Problem("no such file or directory", Position(source))
    reason = os_reason(error)
    return Problem(f"cannot be read: {reason}", Position(source))


def _text(content: bytes, source: str) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")
        position = Position(source, before.count(b"\n") + 1, len(line.lstrip(BYTE_ORDER_MARK)) + 1)
        byte = f"0x{content[error.start]:02x}"
        raise InputError([Problem(f"not UTF-8: byte {byte}; save the file as UTF-8", position)]) from error
    at = text.find("\0", 0, _WIDE)
    if at >= 0:  # ASCII in two or four bytes, without a mark, is UTF-8 too
        reason = (
            "the character U+0000 is not allowed in YAML: this is UTF-16 or UTF-32; save the file as UTF-8"
        )
        raise InputError([Problem(reason, Position(source, 1, at + 1))])
    return text.lstrip(BYTE_ORDER_MARK)
