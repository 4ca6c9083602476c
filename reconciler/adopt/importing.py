"""Declare one live key in the file of its scope."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.adopt.export import Live, declares, export_to
from reconciler.adopt.modeline import schema_reference
from reconciler.errors import ConfigurationError, InputError
from reconciler.load.sources import read_input_file, sources
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import listed
from reconciler.observe.key import observed_key, parsed_address, whole_live_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.adopt.editing import Declarations
    from reconciler.adopt.export import Export, FileExport
    from reconciler.api.client import Sessions
    from reconciler.model.scope import Scope
    from reconciler.model.source import Problem

_PLAIN: Final = expression(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
"""The part of a scope that can be part of the name of a file."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A key, and the file that is to declare it."""

    address: str
    found: FileExport


def imported(
    declared: Declarations, client: Sessions, wanted: str, paths: Sequence[str], into: str | None
) -> Imported:
    """Declare the live key with the address, or the end of one, ``wanted``.

    It is declared ``into`` a file, or in the one of ``paths`` that declares its scope. Raises ReconcilerError
    if the key cannot be read, is declared already, or cannot be declared.
    """
    kinds, declared = declared.kinds, declared.resolved_as_possible(client)
    address = whole_live_address(kinds, wanted, declared.state, lambda kind: client.session(kind.api).reader)
    kind, scope, name = parsed_address(kinds, address)
    _require_new(declared, scope, name)
    file = into or _file(declared, scope, paths)
    observed, _ = observed_key(client.session(kind.api).reader, kind, scope, name)
    if not observed.count:
        raise ConfigurationError(f"{scope.address(name)} is not on the server, so there is nothing to import")
    live, schema = Live(kind, observed, declared.now, declared.rules), schema_reference(file)
    before = read_input_file(file) if Path(file).exists() else None
    found = export_to(live, file, before, schema)
    _require_whole(found.export, scope, name)
    return Imported(scope.address(name), found)


def _require_new(declared: Declarations, scope: Scope, name: str) -> None:
    """Raise ConfigurationError if a key is declared, or if that is unknown."""
    if (error := declared.state.doubt(scope.address(name))) is not None:
        raise error
    for part in declared.state.scopes:
        for key in part.keys if part.scope == scope else ():
            if key.name == name:
                advice = "accept writes its live values there"
                raise ConfigurationError(f"{key.position}: {scope.address(name)} is declared here; {advice}")


def _require_whole(exported: Export, scope: Scope, name: str) -> None:
    """Raise ConfigurationError if the key cannot be declared."""
    adoption = exported.adoption
    if adoption.keys:
        return
    owner = next((owner for owner, names in adoption.managed_elsewhere.items() if name in names), None)
    reason = adoption.unusable.get(name) if owner is None else f"it is managed elsewhere ({owner})"
    raise ConfigurationError(
        f"{scope.address(name)} cannot be declared: {reason or listed(adoption.unnamed)}"
    )


def declaration_files(paths: Sequence[str]) -> list[str]:
    """Return the files of declarations; a folder may have none yet. Raises InputError."""
    problems: list[Problem] = []
    files = [*sources(paths, problems)]
    if problems and not all(Path(path).is_dir() for path in paths):
        raise InputError(problems)
    return files


def _file(declared: Declarations, scope: Scope, paths: Sequence[str]) -> str:
    """Return the file that declares a scope, or a new one. Raises ConfigurationError if it is ambiguous."""
    files = declaration_files(paths)
    named = {key.source for part in declared.state.scopes if part.scope == scope for key in part.keys}
    found = [
        file
        for file in files
        if file in named or declares(read_input_file(file), file, declared.rules, scope)
    ]
    if len(found) > 1:
        raise ConfigurationError(f"{scope} is declared in {listed(found)}; choose one of them with --into")
    if found or (len(files) == 1 and files[0] in paths):
        return (found or files)[0]
    words = [scope.kind, *(str(value) for _, value in scope.parameters)]
    if not all(map(_PLAIN.fullmatch, words)):
        raise ConfigurationError(f"no file declares {scope}; set one for it with --into")
    folder = Path(paths[0]) if Path(paths[0]).is_dir() else Path(paths[0]).parent
    return str(folder / f"{'-'.join(words)}.yaml")
