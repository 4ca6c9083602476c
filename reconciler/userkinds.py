"""The user's own kinds: files that are checked when they are loaded, so that nothing stumbles later."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import InputError, Position, Problem
from reconciler.kindfile import KIND_NAME, faults
from reconciler.kinds import kind_from_schema
from reconciler.load.builder import parse
from reconciler.load.files import KINDS_FOLDER, STANDARD_INPUT
from reconciler.resources import SUFFIX, kind_schema
from reconciler.schemas import violations_of
from reconciler.strict_json import parse_strictly
from reconciler.wording import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.kinds import Kind

    Step = str | int
    Listener = Callable[[bytes, str], None]

_LARGEST: Final = 2**20
"""Size of the file of a kind: those of the vendor's are a hundredth of it."""


def folders_beside(paths: Iterable[str]) -> list[str]:
    """Name the folders ``kinds`` beside desired-state files: in a directory, or in that of a file."""
    places = (_folder(path) for path in paths if path != STANDARD_INPUT)
    folders = [os.path.join(place, KINDS_FOLDER) for place in dict.fromkeys(places)]  # noqa: PTH118 - not ./keys as keys
    return [folder for folder in folders if os.path.isdir(folder)]  # noqa: PTH112 - the same


def _folder(path: str) -> str:
    return path if os.path.isdir(path) else os.path.dirname(path)  # noqa: PTH112, PTH120 - see above


def load_user_kinds(
    given: Sequence[str],
    found: Sequence[str],
    built_in: Mapping[str, Kind],
    on_file: Listener | None = None,
) -> Mapping[str, Kind]:
    """Load every ``NAME.schema.json`` of these folders; ``on_file`` hears of each content and name.

    A folder that is ``given`` must hold one, a ``found`` one need not. Raises InputError with all that is
    wrong.
    """
    problems: list[Problem] = []
    kinds: dict[str, Kind] = {}
    places: dict[str, str] = {}
    for file in _files(given, found, problems):
        name = os.path.basename(file).removesuffix(SUFFIX)  # noqa: PTH119 - see above
        complaint = _complaint(name, built_in, places)
        if complaint:
            problems.append(Problem(complaint, Position(file)))
            continue
        places[name] = file
        try:
            content = _read(file)
            kinds[name] = _kind(name, content, file)
        except InputError as error:
            problems.extend(error.problems)
            continue
        if on_file is not None:
            on_file(content, file)
    if problems:
        raise InputError(problems)
    return kinds


def _files(given: Sequence[str], found: Sequence[str], problems: list[Problem]) -> Iterator[str]:
    """Name every file once, whatever the ways that lead to it."""
    seen: set[str] = set()
    for folder in (*given, *found):
        try:
            names = sorted(name for name in os.listdir(folder) if _is_kind_file(name))  # noqa: PTH208 - see above
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            problems.append(Problem(f"this folder of kinds cannot be read: {reason}", Position(folder)))
            continue
        if not names and folder in given:
            problems.append(Problem(f"this folder holds no file NAME{SUFFIX}", Position(folder)))
        for name in names:
            file = os.path.join(folder, name)  # noqa: PTH118 - see above
            identity = os.path.realpath(file)
            if identity not in seen:
                seen.add(identity)
                yield file


def _is_kind_file(name: str) -> bool:
    return name.endswith(SUFFIX) and not name.startswith(".")


def _complaint(name: str, built_in: Mapping[str, Kind], places: Mapping[str, str]) -> str:
    if not KIND_NAME.fullmatch(name):
        rule = "use lower-case letters, digits and hyphens, beginning with a letter"
        return f'"{name}" is no name of a kind; {rule}'
    if name in built_in:
        return f"{name} is a built-in kind; give the file another name"
    if name in places:
        return f"the kind {name} stands in {places[name]} too; keep one of the two"
    return ""


def _read(file: str) -> bytes:
    try:
        if not Path(file).is_file():  # a pipe might never end
            raise InputError([Problem("is no file", Position(file))])
        with Path(file).open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InputError([Problem(f"cannot be read: {reason}", Position(file))]) from error
    if len(content) > _LARGEST:
        raise InputError([Problem("larger than 1 MiB, which no kind needs", Position(file))])
    return content


def _kind(name: str, content: bytes, file: str) -> Kind:
    try:
        schema = parse_strictly(content)
        found = complaints(name, schema)
    except json.JSONDecodeError as error:
        position = Position(file, error.lineno, error.colno)
        raise InputError([Problem(f"not JSON: {error.msg}; mend it here", position)]) from error
    except ValueError as error:
        raise InputError([Problem(f"not JSON in UTF-8 that can be used: {error}", Position(file))]) from error
    except RecursionError as error:
        raise InputError([Problem("nested too deeply for a kind", Position(file))]) from error
    if found:
        text = content.decode("utf-8", "replace")
        raise InputError([Problem(message, _place(text, file, path)) for path, message in found])
    return kind_from_schema(name, schema)


def complaints(name: str, schema: Any) -> Sequence[tuple[tuple[Step, ...], str]]:
    """Give all that is wrong with a kind, with the paths: the shape first, and the rest if that is right."""
    shape = violations_of(schema, kind_schema())
    if shape:
        return [(violation.path, describe(violation)) for violation in shape]
    return [(fault.path, f"{_name(fault.path)}: {fault.message}") for fault in faults(name, schema)]


def _name(path: Iterable[Step]) -> str:
    return ".".join(map(str, path))


def _place(text: str, file: str, path: tuple[Step, ...]) -> Position:
    """Find a path in a text: nearly all JSON is YAML, whose parser knows places."""
    try:
        (document,) = parse(text, file)
        return document.position(path)
    except (InputError, ValueError):
        return Position(file)
