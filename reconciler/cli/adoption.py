"""``reconciler import``: one live key into the file that declares its scope."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.adopt.export import Export, Live, declares, export_document, export_into
from reconciler.adopt.modeline import schema_reference
from reconciler.adopt.write import replace_text
from reconciler.cli.credentials import sessions
from reconciler.cli.export import store_new
from reconciler.cli.options import ConnectionOptions, InputOptions, OutputOptions, clock_of
from reconciler.cli.plan import read_files
from reconciler.cli.rewriting import check_files, files_option
from reconciler.cli.values import command, option
from reconciler.errors import ConfigurationError, ExitCode, InputError
from reconciler.load.sources import read, sources
from reconciler.model.desired import DesiredState
from reconciler.model.escape import escape_control
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import listed
from reconciler.observe.key import observed_key, parsed_address, whole_live_address
from reconciler.pipeline.reading import directory_of

if TYPE_CHECKING:
    from reconciler.model.scope import Scope
    from reconciler.model.source import Problem
    from reconciler.validate.validator import Rules

_PLAIN: Final = expression(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
"""What part of a scope can be part of the name of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """The options of ``import``."""

    address: str
    into: str | None = option(
        "Add the key to this file, instead of the one that declares its scope.",
        type=click.Path(),
        metavar="FILE",
    )
    paths: tuple[str, ...] = files_option("of the declarations", "those of the configuration")
    inputs: InputOptions
    connection: ConnectionOptions
    output: OutputOptions


@command(
    ImportOptions,
    "reconciler import storefront",
    "reconciler import caas/1/76/storefront --file keys/",
)
@click.argument("address")
def import_(context: click.Context, options: ImportOptions) -> ExitCode:
    """Declare one live key, in the file that declares its scope. Never writes to the API.

    ADDRESS is the key's, such as caas/1/76/storefront, or the end of it if exactly one live key of the scopes
    in the files matches, such as storefront. If no file declares the scope, a new one is written beside the
    others. A plan of the key is empty; nothing else in the file changes.
    """
    console, clock = options.output.console(), clock_of(context)
    apis = sessions(options.connection, clock, console)
    check_files(options.paths)
    kinds = options.inputs.known_kinds(console.warning)
    now = clock.now()
    rules = options.inputs.rules(kinds, now)
    files = _files(options.paths)
    state = read_files(kinds, options.inputs, now) if files else DesiredState(())
    with apis as client:
        state = directory_of(client).resolved(state)
        address = whole_live_address(
            kinds, options.address, state, lambda kind: client.session(kind.api).reader
        )
        kind, scope, name = parsed_address(kinds, address)
        _require_new(state, scope, name)
        file = options.into or _file(files, state, scope, options.paths, rules)
        observed, _ = observed_key(client.session(kind.api).reader, kind, scope, name)
    if not observed.count:
        raise ConfigurationError(f"{scope.address(name)} is not on the server, so there is nothing to import")
    live, schema = Live(kind, observed, now, rules), schema_reference(file)
    content = read(file, io.BytesIO()) if Path(file).exists() else None
    exported = export_document(live, schema) if content is None else export_into(content, file, live, schema)
    _require_whole(exported, scope, name)
    console.warn(exported.warnings)
    if content is None:
        store_new(file, exported.text)
    else:
        replace_text(file, content, exported.text)
    console.text(escape_control(f"Imported {scope.address(name)} into {file}") + "\n")
    return ExitCode.DONE


def _require_new(state: DesiredState, scope: Scope, name: str) -> None:
    """Raise ConfigurationError if a key is declared, or if that is unknown."""
    if (error := state.doubt(scope.address(name))) is not None:
        raise error
    for part in state.scopes:
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


def _files(paths: tuple[str, ...]) -> list[str]:
    """Return the files of declarations; a folder may have none yet. Raises InputError."""
    problems: list[Problem] = []
    files = [*sources(paths, problems)]
    if problems and not all(Path(path).is_dir() for path in paths):
        raise InputError(problems)
    return files


def _file(files: list[str], state: DesiredState, scope: Scope, paths: tuple[str, ...], rules: Rules) -> str:
    """Return the file that declares a scope, or a new one. Raises ConfigurationError if it is ambiguous."""
    named = {key.source for part in state.scopes if part.scope == scope for key in part.keys}
    found = [
        file for file in files if file in named or declares(read(file, io.BytesIO()), file, rules, scope)
    ]
    if len(found) > 1:
        raise ConfigurationError(f"{scope} is declared in {listed(found)}; name one of them with --into")
    if found or (len(files) == 1 and files[0] in paths):
        return (found or files)[0]
    words = [scope.kind, *(str(value) for _, value in scope.parameters)]
    if not all(map(_PLAIN.fullmatch, words)):
        raise ConfigurationError(f"no file declares {scope}; name one for it with --into")
    folder = Path(paths[0]) if Path(paths[0]).is_dir() else Path(paths[0]).parent
    return str(folder / f"{'-'.join(words)}.yaml")
