"""``reconciler import``: one live key into the file that declares its scope."""

from __future__ import annotations

import click

from reconciler.adopt.editing import Declarations
from reconciler.adopt.importing import declaration_files, imported
from reconciler.cli.credentials import sessions
from reconciler.cli.options import ConnectionOptions, InputOptions, OutputOptions
from reconciler.cli.plan import read_files
from reconciler.cli.rewriting import check_files, files_option
from reconciler.cli.system import clock_of
from reconciler.cli.values import command, option
from reconciler.errors import ExitCode
from reconciler.model.desired import DesiredState
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass


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
    state = read_files(kinds, options.inputs, now) if declaration_files(options.paths) else DesiredState(())
    declared = Declarations(state, options.inputs.rules(kinds, now))
    with apis as client:
        key = imported(declared, client, options.address, options.paths, options.into)
    console.warn(key.found.export.warnings)
    key.found.write()
    console.text(escape_control(f"Imported {key.address} into {key.found.file}") + "\n")
    return ExitCode.DONE
