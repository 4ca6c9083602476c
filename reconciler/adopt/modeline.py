"""The first line of a file, by which editors find the schema of it."""

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
    """Return the path of the schema as the first line of a file names it: from the folder of the file.

    That is the nearest one in the folder, or above it up to the top of its repository or the working folder;
    without one, where it belongs: at the top.
    """
    place = Path(os.path.realpath(Path(file).parent))
    every = [*_folders(place)]
    return _from(place, _nearest(every) or every[-1])


def schema_beginning(file: str) -> tuple[str, str]:
    """Return the path of the schema from a file, and from the working folder, where a repository begins.

    That is the nearest one, as for every file; without one it goes into the working folder with all else.
    """
    place, here = (Path(os.path.realpath(folder)) for folder in (Path(file).parent, os.curdir))
    home = _nearest(_folders(place)) or here
    return _from(place, home), _from(here, home)


def _nearest(folders: Iterable[Path]) -> Path | None:
    """Return the first folder that holds a schema."""
    return next((folder for folder in folders if (folder / SCHEMA_FILE).is_file()), None)


def _from(place: Path, home: Path) -> str:
    """Return the path of the schema in ``home``, from another folder."""
    return Path(os.path.relpath(home / SCHEMA_FILE, place)).as_posix()


def _folders(place: Path) -> Iterator[Path]:
    """Yield a folder and those above it, up to the top of its repository or else the working folder."""
    here = os.path.realpath(os.curdir)
    top = work_tree(str(place)) or (here if is_inside(str(place), here) else str(place))
    yield place
    while str(place) != top:
        place = place.parent
        yield place
