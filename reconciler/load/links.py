"""Links and special files: the allowed targets of a path, so that no tree leads to files outside it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_GIT: Final = ".git"
_ADVICE: Final = "pass its target as a path of its own, or copy it into the tree"
_SPECIAL: Final = (
    (stat.S_ISFIFO, "is a pipe"),
    (stat.S_ISSOCK, "is a socket"),
    (stat.S_ISCHR, "is a device"),
    (stat.S_ISBLK, "is a device"),
)

# os.path, unlike Path, keeps a path as it was typed: `a/..` is where the link `a` leads, and its parent.
# ruff: noqa: PTH109, PTH112, PTH114, PTH116, PTH117, PTH118, PTH120, PTH206


def work_tree(path: str) -> str | None:
    """Return the top of the Git work tree that contains a path, or None.

    Only ``.git`` makes a work tree: a folder that looks like a bare repository is a folder. Like Git, it does
    not search beyond the file system of the path.
    """
    place = os.path.realpath(path)
    device: int | None = None
    while True:
        if os.path.lexists(os.path.join(place, _GIT)):
            return place
        parent = os.path.dirname(place)
        try:
            device = os.stat(place).st_dev if device is None else device
            if parent == place or os.stat(parent).st_dev != device:
                return None
        except OSError:
            if parent == place:
                return None
        place = parent


def work_trees(folder: str) -> Iterator[str]:
    """Yield the work tree of a folder and, for a submodule, each work tree around it."""
    top = work_tree(folder)
    while top is not None:
        yield top
        top = None if os.path.isdir(os.path.join(top, _GIT)) else work_tree(os.path.dirname(top))


def target_refusal(link: str, folder: str) -> str:
    """Return why a link below a folder must not be followed, empty if it may be.

    Its target may be anywhere in the folder's Git work tree except in Git's own files; outside Git, anywhere
    below the folder.
    """
    top, target = work_tree(folder), os.path.realpath(link)
    root, name = (os.path.realpath(folder), "the folder") if top is None else (top, "the Git work tree")
    if not is_inside(target, root):
        return f"is a link that leads out of {name} {root}, to {target}; {_ADVICE}"
    if has_git(os.path.relpath(target, root)):
        return f"is a link that leads into Git's own files, to {target}; {_ADVICE}"
    return ""


def is_inside(path: str, root: str) -> bool:
    """Return whether a real path is ``root`` or below it."""
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def has_git(path: str) -> bool:
    """Return whether a path contains ``.git``, compared without case as some file systems do."""
    return any(part.lower() == _GIT for part in path.split(os.sep))


def path_refusal(path: str) -> str:
    """Return why a named path must not be read, empty if it may be.

    A special file might never end. In a Git work tree no link in the path may lead out of it; outside Git
    only the last segment counts, whose target must be in the same folder.
    """
    return special_refusal(path) or link_refusal(path)


def link_refusal(path: str) -> str:
    """Return why the links in a path must not be followed, empty if they may be."""
    parts = [part for part in path.split(os.sep) if part not in {"", os.curdir}]
    folder = os.sep if os.path.isabs(path) else os.getcwd()
    for number, part in enumerate(parts, 1):
        place = os.path.join(folder, part)
        if part == os.pardir:
            folder = os.path.dirname(folder)
            continue
        if os.path.islink(place):
            is_bounded = number == len(parts) or work_tree(folder) is not None
            refusal = target_refusal(place, folder) if is_bounded else ""
            if refusal:
                return refusal if number == len(parts) else f"goes through {place}, which {refusal}"
            place = os.path.realpath(place)
        folder = place
    return ""


def special_refusal(path: str) -> str:
    """Return why the target of a path cannot be read, empty if it is a file, a folder or missing."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return ""  # reading it gives the reason
    return mode_refusal(mode)


def mode_refusal(mode: int) -> str:
    """Return why a file of this mode cannot be read, empty if it may be readable."""
    what = next((what for is_such, what in _SPECIAL if is_such(mode)), "")
    return f"{what}, which is not read; use a file" if what else ""
