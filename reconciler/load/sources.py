"""Folders of kinds: where they are, and the files in them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from reconciler.errors import InputError, os_reason
from reconciler.kinds.packaged import SUFFIX
from reconciler.load.files import KINDS_FOLDER, STANDARD_INPUT, read_file
from reconciler.load.links import path_refusal, tree_of
from reconciler.model.source import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    KindFile = tuple[str, bytes]

_LARGEST: Final = 2**20
"""Size of the file of a kind: those of the vendor's are a hundredth of it."""

# os.path, unlike Path, keeps a path as it was typed: ./keys stays ./keys.
# ruff: noqa: PTH112, PTH114, PTH118, PTH120, PTH208


def folders_beside(paths: Iterable[str]) -> list[str]:
    """Return the folders ``kinds`` beside desired-state files: in a directory, or in that of a file."""
    return [folder for folder in places_beside(paths) if os.path.isdir(folder)]


def places_beside(paths: Iterable[str]) -> list[str]:
    """Return where folders ``kinds`` beside desired-state files would be, whether they are there or not."""
    places = (_folder(path) for path in paths if path != STANDARD_INPUT)
    return [os.path.join(place, KINDS_FOLDER) for place in dict.fromkeys(places)]


def _folder(path: str) -> str:
    return path if os.path.isdir(path) else os.path.dirname(path)


def kind_files(given: Sequence[str], found: Sequence[str], problems: list[Problem]) -> Iterator[KindFile]:
    """Yield the name and content of every ``NAME.schema.json``, once, whatever the ways that lead to it.

    A folder that is ``given`` must hold one, a ``found`` one need not. What cannot be used is added to
    ``problems``.
    """
    seen: set[str] = set()
    for folder in (*given, *found):
        for file in _listed(folder, problems, must_hold_one=folder in given):
            identity = os.path.realpath(file)
            if identity in seen:
                continue
            seen.add(identity)
            try:
                yield file, _read(file)
            except InputError as error:
                problems.extend(error.problems)


def _listed(folder: str, problems: list[Problem], *, must_hold_one: bool) -> Iterator[str]:
    refusal = path_refusal(folder)
    if refusal:
        problems.append(Problem(refusal, Position(folder)))
        return
    try:
        names = sorted(name for name in os.listdir(folder) if is_kind_file(name))
    except (OSError, ValueError) as error:
        reason = os_reason(error)
        problems.append(Problem(f"this folder of kinds cannot be read: {reason}", Position(folder)))
        return
    if not names and must_hold_one:
        problems.append(Problem(f"this folder holds no file NAME{SUFFIX}", Position(folder)))
    tree = tree_of(folder)
    for name in names:
        file = os.path.join(folder, name)
        refusal = tree.refusal(file) if os.path.islink(file) else ""
        if refusal:
            problems.append(Problem(refusal, Position(file)))
        else:
            yield file


def is_kind_file(name: str) -> bool:
    """Return whether a file of a folder of kinds describes one, by its name."""
    return name.endswith(SUFFIX) and not name.startswith(".")


def _read(file: str) -> bytes:
    try:
        content = read_file(file, _LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = os_reason(error)
        raise InputError([Problem(f"cannot be read: {reason}", Position(file))]) from error
    if len(content) > _LARGEST:
        raise InputError([Problem("larger than 1 MiB, which no kind needs", Position(file))])
    return content
