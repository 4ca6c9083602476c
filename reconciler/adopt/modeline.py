"""The first line of a file, in which editors find its schema."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.load.links import is_inside, work_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MODELINE: Final = "# yaml-language-server: $schema="
"""What the first line of a file begins with, for editors."""
SCHEMA_FILE: Final = "keys.schema.json"
"""The name of the schema that ``reconciler schema`` prints, where it is stored."""


def schema_reference(file: str) -> str:
    """Return the path of the schema for the first line of a file, relative to the folder of the file.

    That is the nearest one in the folder, or above it up to the top of its repository or the working folder;
    without one, the path at the top, where it should be.
    """
    place = Path(os.path.realpath(Path(file).parent))
    every = [*_folders(place)]
    return _from(place, _nearest(every) or every[-1])


def schema_beginning(file: str) -> tuple[str, str]:
    """Return the path of the schema relative to the file, and to the working folder, for a new repository.

    That is the nearest one, as for every file; without one it belongs into the working folder.
    """
    place, here = (Path(os.path.realpath(folder)) for folder in (Path(file).parent, os.curdir))
    home = _nearest(_folders(place)) or here
    return _from(place, home), _from(here, home)


def _nearest(folders: Iterable[Path]) -> Path | None:
    """Return the first folder that holds a schema."""
    return next((folder for folder in folders if (folder / SCHEMA_FILE).is_file()), None)


def _from(place: Path, home: Path) -> str:
    """Return the path of the schema in ``home``, relative to another folder."""
    return Path(os.path.relpath(home / SCHEMA_FILE, place)).as_posix()


def _folders(place: Path) -> Iterator[Path]:
    """Yield a folder and those above it, up to the top of its repository or else the working folder."""
    here = os.path.realpath(os.curdir)
    top = work_tree(str(place)) or (here if is_inside(str(place), here) else str(place))
    yield place
    while str(place) != top:
        place = place.parent
        yield place
