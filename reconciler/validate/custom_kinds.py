"""Custom kinds: files that are checked when they are loaded, so that errors are found first."""

from __future__ import annotations

import functools
import json
import posixpath
from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import InputError
from reconciler.kinds.kind import EXTENSION, Kind, kind_from_schema
from reconciler.kinds.packaged import SUFFIX, kind_schema
from reconciler.kinds.paths import path_fault
from reconciler.kinds.patterns import Budget
from reconciler.kinds.rules import KIND_NAME, faults
from reconciler.model.canonical import is_deeper
from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.later import Later
from reconciler.model.source import Position, Problem, Rule, of_rule
from reconciler.model.strict_json import json_fault, parse_strictly
from reconciler.validate.messages import Path, Violation, describe
from reconciler.validate.schema import check_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reconciler.load import builder
    from reconciler.load.sources import KindFile

    Listener = Callable[[bytes, str], None]
else:
    builder = Later("reconciler.load.builder")

_check: Final = functools.cache(lambda: check_of(kind_schema()))  # to build it takes longer than all the rest
_LARGEST: Final = 4 * 2**20
"""Size of all files of kinds together: room for hundreds."""
NO_APIS: Final[Mapping[str, str]] = MappingProxyType({})
_MAX_DEPTH: Final = 24
"""Levels of objects and lists in the file of a kind: a member of an item of a field is at the eighth."""


def custom_kinds(
    files: Iterable[KindFile],
    problems: list[Problem],
    built_in: Mapping[str, Kind],
    on_file: Listener | None = None,
    apis: Mapping[str, str] = NO_APIS,
) -> Mapping[str, Kind]:
    """Build the kinds of these files, each with its name; ``on_file`` is called with content and name.

    ``apis`` maps folders to the APIs of their kinds; other folders belong to the built-in API. A name that
    several APIs use is prefixed with the name of the API: ``github.label``. Raises InputError with
    ``problems``, including those of unreadable files, and all faults of kinds.
    """
    kinds: dict[tuple[str, str], Kind] = {}
    files_of: dict[tuple[str, str], str] = {}
    budget, size = Budget(), 0
    for file, content in files:
        size += len(content)
        if size > _LARGEST:
            reason = f"with this file, the kinds exceed {_LARGEST >> 20} MiB; use fewer or smaller files"
            problems.append(Problem(reason, Position(file)))
            break
        name = posixpath.basename(file).removesuffix(SUFFIX)
        api = api_of_folder(posixpath.dirname(file), apis)
        complaint = _name_fault(name, api, built_in, files_of)
        if complaint:
            problems.append(Problem(complaint, Position(file)))
            continue
        files_of[api, name] = file
        try:
            kinds[api, name] = replace(_kind(name, content, file, budget), api=api, is_custom=True)
        except InputError as error:
            problems.extend(error.problems)
            continue
        if on_file is not None:
            on_file(content, file)
    if problems:
        raise InputError(of_rule(problems, Rule.KIND))
    counts = Counter([*built_in, *(name for _, name in kinds)])
    named = (
        replace(kind, name=f"{api}.{name}") if counts[name] > 1 else kind
        for (api, name), kind in kinds.items()
    )
    return {kind.name: kind for kind in named}


def api_of_folder(folder: str, apis: Mapping[str, str]) -> str:
    """Return the API of the kinds in a folder, by ``apis``."""
    folders = {posixpath.normpath(known): api for known, api in apis.items()}
    return folders.get(posixpath.normpath(folder), BUILT_IN_API)


def _name_fault(
    name: str, api: str, built_in: Mapping[str, Kind], files_of: Mapping[tuple[str, str], str]
) -> str:
    if not KIND_NAME.fullmatch(name):
        rule = "use lower-case letters, digits and hyphens, beginning with a letter"
        return f'"{name}" is not a name of a kind; {rule}'
    if name in built_in and api == BUILT_IN_API:
        return f"{name} is a built-in kind; give the file another name"
    if (api, name) in files_of:
        return f"the kind {name} is in {files_of[api, name]} too; keep one of the two"
    return ""


def _kind(name: str, content: bytes, file: str, budget: Budget) -> Kind:
    try:
        schema = parse_strictly(content)
        found = complaints(name, schema, budget)
    except json.JSONDecodeError as error:
        position = Position(file, error.lineno, error.colno)
        raise InputError([Problem(f"not JSON: {json_fault(error)}", position)]) from error
    except ValueError as error:
        raise InputError(
            [Problem(f"not JSON in UTF-8 that can be used: {json_fault(error)}", Position(file))]
        ) from error
    except RecursionError as error:
        raise InputError([Problem("nested too deeply for a kind", Position(file))]) from error
    if found:
        text = content.decode("utf-8", "replace")
        raise InputError([Problem(message, _position(text, file, path)) for path, message in found])
    return kind_from_schema(name, schema)


def complaints(name: str, schema: Any, budget: Budget | None = None) -> Sequence[tuple[Path, str]]:
    """Return all errors in a kind, with paths: those of its schema or, without any, those of the rules."""
    if is_deeper(schema, _MAX_DEPTH):
        return [((), f"nested deeper than {_MAX_DEPTH} levels, the limit for a kind")]
    shape = _check()(schema)
    if shape:
        return [(violation.path, _shape_fault(violation)) for violation in shape]
    return [(fault.path, f"{_name(fault.path)}: {fault.message}") for fault in faults(name, schema, budget)]


def _shape_fault(violation: Violation) -> str:
    unclear = ""
    if violation.path == (EXTENSION, "collection") and isinstance(violation.value, str):
        unclear = path_fault(violation.value)
    return f"{_name(violation.path)}: {unclear}" if unclear else describe(violation)


def _name(path: Path) -> str:
    return ".".join(map(str, path))


def _position(text: str, file: str, path: Path) -> Position:
    """Return the position of a path in a text: nearly all JSON is YAML, whose parser records positions."""
    try:
        (document,) = builder.parse(text, file)
        return document.position(path)
    except (InputError, ValueError):
        return Position(file)
