"""Read files, directories, standard input, and folders of kinds."""

from __future__ import annotations

import os
import stat
from collections import deque
from typing import TYPE_CHECKING, BinaryIO, Final

from reconciler.errors import InputError, os_reason
from reconciler.kinds.packaged import SUFFIX
from reconciler.load.links import link_refusal, mode_refusal, path_refusal, special_refusal, target_refusal
from reconciler.model.source import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    KindFile = tuple[str, bytes]

MAX_BYTES: Final = 32 * 1024 * 1024
"""Size of one input: room for 150,000 keys, and a bound on what a wrong path can cost."""
_TOO_LARGE: Final = f"larger than {MAX_BYTES >> 20} MiB; split it into several files"
STANDARD_INPUT: Final = "-"
CONFIGURATION: Final = "reconciler.yaml"
"""The name of the configuration, which is no desired state either."""
KINDS_FOLDER: Final = "kinds"
"""The folder beside desired-state files that holds kinds, and so no desired state."""
_LARGEST_KIND: Final = 2**20
"""Size of the file of a kind: those of the vendor's are a hundredth of it."""

# os.path, unlike Path, keeps a path as it was typed: ./keys stays ./keys. And it takes a path that cannot be
# looked up for something else than a directory: reading it gives the reason.
# ruff: noqa: PTH110, PTH112, PTH114, PTH116, PTH118, PTH120, PTH208


def sources(paths: Iterable[str], problems: list[Problem]) -> Iterator[str]:
    """Yield the files in ``paths``, and ``-``, each once; unusable paths are added to ``problems``."""
    seen: set[str] = set()
    try:
        os.getcwd()  # noqa: PTH109 - for its error alone
    except OSError as error:
        reason = f"the current folder cannot be used: {os_reason(error)}; change to one that exists"
        problems.append(Problem(reason))
        return
    for path in paths:
        for source in _expanded(path, problems):
            identity = source if source == STANDARD_INPUT else os.path.realpath(source)
            if identity not in seen:
                seen.add(identity)
                yield source


def is_input(name: str) -> bool:
    """Return whether a file below a folder is an input, by its name."""
    return name.lower().endswith((".yaml", ".yml"))


def _expanded(path: str, problems: list[Problem]) -> Iterable[str]:
    if not path or "\0" in path:
        fault = "a NUL character in a path" if path else "an empty path"
        problems.append(Problem(f"{fault}; use a file or a directory"))
        return []
    if path == STANDARD_INPUT:
        return [path]
    special = special_refusal(path)
    refusal = f"{special}, or use - for standard input" if special else link_refusal(path)
    if refusal:
        problems.append(Problem(refusal, Position(path)))
        return []
    if not os.path.isdir(path):
        return [path]
    known = len(problems)
    found = sorted(_below(path, problems))
    if not found and len(problems) == known:
        message = "this directory holds no *.yaml or *.yml file (hidden ones are left out)"
        problems.append(Problem(message, Position(path)))
    return found


def _below(directory: str, problems: list[Problem]) -> Iterator[str]:
    """Yield every input below a directory, through links too, without hidden ones and its kinds.

    Each folder is visited once, even if several links lead to it. A name without a link is preferred, and
    used in problems.
    """
    seen: set[str] = set()
    pending, linked = [directory], deque[str]()
    while pending or linked:
        folder = pending.pop() if pending else linked.popleft()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        try:
            names = sorted(os.listdir(folder))
        except OSError as error:
            problems.append(_read_problem(error, folder))
            continue
        for name in names:
            path = os.path.join(folder, name)
            is_kinds = name == KINDS_FOLDER and folder == directory and os.path.isdir(path)
            if name.startswith(".") or is_kinds:
                continue
            is_link = os.path.islink(path)
            mode = _mode(path, problems)
            if mode is None:
                continue
            refusal = target_refusal(path, directory) if is_link and os.path.exists(path) else ""
            refusal = refusal or mode_refusal(mode)
            if refusal:
                problems.append(Problem(refusal, Position(path)))
            elif stat.S_ISDIR(mode):
                (linked if is_link else pending).append(path)
            else:
                yield path


def _mode(path: str, problems: list[Problem]) -> int | None:
    """Return the mode of the target of a path, if it is a folder or may be an input."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        if is_input(path):
            return stat.S_IFREG  # reading it gives the reason
        if os.path.islink(path):
            # It may have been a folder of keys: to pass it over could mean that none is declared.
            reason = f"is a link that cannot be followed: {os_reason(error)}"
            problems.append(Problem(reason, Position(path)))
        return None
    return mode if is_input(path) or stat.S_ISDIR(mode) else None


def read(source: str, standard_input: BinaryIO) -> bytes:
    """Read one input, a file or ``-``. Raises InputError."""
    if source != STANDARD_INPUT:
        return read_input_file(source)
    try:
        content = standard_input.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError([_read_problem(error, label_of(source))]) from error
    if len(content) > MAX_BYTES:
        raise InputError([Problem(_TOO_LARGE, Position(label_of(source)))])
    return content


def read_input_file(path: str) -> bytes:
    """Read one file of declarations. Raises InputError."""
    return read_file(path, MAX_BYTES, _TOO_LARGE)


def label_of(source: str) -> str:
    """Return the name of an input in problems."""
    return "<stdin>" if source == STANDARD_INPUT else source


def read_file(path: str, most: int, too_large: str) -> bytes:
    """Read a file of at most ``most`` bytes. Raises InputError, also for a special file."""
    refusal = special_refusal(path)
    try:
        if not refusal:
            # It may have become a pipe meanwhile, which would be waited for without end.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                refusal = mode_refusal(os.fstat(file.fileno()).st_mode)
                content = b"" if refusal else file.read(most + 1)
    except (OSError, ValueError) as error:
        raise InputError([_read_problem(error, path)]) from error
    if refusal or len(content) > most:
        raise InputError([Problem(refusal or too_large, Position(path))])
    return content


def _read_problem(error: OSError | ValueError, source: str) -> Problem:
    is_missing = isinstance(error, FileNotFoundError)
    reason = "no such file or directory" if is_missing else f"cannot be read: {os_reason(error)}"
    return Problem(reason, Position(source))


def folders_beside(paths: Iterable[str]) -> list[str]:
    """Return the existing folders ``kinds`` beside desired-state files: in a directory, or in a file's."""
    return [folder for folder in places_beside(paths) if os.path.isdir(folder)]


def places_beside(paths: Iterable[str]) -> list[str]:
    """Return the possible folders ``kinds`` beside desired-state files, whether they exist or not."""
    places = (
        path if os.path.isdir(path) else os.path.dirname(path) for path in paths if path != STANDARD_INPUT
    )
    return [os.path.join(place, KINDS_FOLDER) for place in dict.fromkeys(places)]


def is_kind_file(name: str) -> bool:
    """Return whether a file in a folder of kinds is a kind file, by its name."""
    return name.endswith(SUFFIX) and not name.startswith(".")


def kind_files(given: Sequence[str], found: Sequence[str], problems: list[Problem]) -> Iterator[KindFile]:
    """Yield the name and content of every ``NAME.schema.json``, once, even if several paths lead to it.

    A folder that is ``given`` must hold one, a ``found`` one need not. Files that cannot be used are added to
    ``problems``.
    """
    seen: set[str] = set()
    for folder in (*given, *found):
        names, reason = list[str](), path_refusal(folder)
        try:
            names = [] if reason else sorted(filter(is_kind_file, os.listdir(folder)))
            if not names and not reason and folder in given:
                reason = f"this folder holds no file NAME{SUFFIX}"
        except (OSError, ValueError) as error:
            reason = f"this folder of kinds cannot be read: {os_reason(error)}"
        if reason:
            problems.append(Problem(reason, Position(folder)))
        for name in names:
            file = os.path.join(folder, name)
            refusal = target_refusal(file, folder) if os.path.islink(file) else ""
            if refusal:
                problems.append(Problem(refusal, Position(file)))
                continue
            identity = os.path.realpath(file)
            if identity in seen:
                continue
            seen.add(identity)
            try:
                yield file, read_file(file, _LARGEST_KIND, "larger than 1 MiB, the limit for a kind")
            except InputError as error:
                problems.extend(error.problems)
