"""``reconciler accept``: adopt drift into the files."""

from __future__ import annotations

from functools import partial

import click

from reconciler.adopt.accept import accepted
from reconciler.adopt.write import replace_text
from reconciler.cli.completing import by
from reconciler.cli.credentials import sessions
from reconciler.cli.explain import KeyOptions
from reconciler.cli.rewriting import check_files, print_lines, read_declarations
from reconciler.cli.system import clock_of
from reconciler.cli.values import command
from reconciler.errors import ExitCode
from reconciler.model.escape import escape_control
from reconciler.model.phrases import counted


@command(
    KeyOptions,
    "reconciler accept storefront",
    "reconciler accept caas/1/76/storefront expire --file keys/shop.yaml",
)
@click.argument("address", shell_complete=by("addresses"))
@click.argument("field", required=False, shell_complete=by("field_names"))
def accept(context: click.Context, options: KeyOptions) -> ExitCode:
    """Write the live values of one key into the file that declares it. Never writes to the API.

    ADDRESS is the key's, such as caas/1/76/storefront, or the end of it where that is unique, such as
    storefront. Without --file and without paths in the configuration, files below this folder are read. FIELD
    restricts the command to one field. Only declared fields that differ are written, and only the text of
    their values changes.
    """
    console, clock = options.output.console(), clock_of(context)
    apis = sessions(options.connection, clock, console)
    check_files(options.inputs.paths)
    declared = read_declarations(options.inputs, clock, console)
    ids = partial(options.known.known_ids, options.connection.base_urls, warn=console.warning)
    with apis as client:
        result = accepted(declared, client, options.address, options.field, ids)
    console.warn(result.warnings)
    found, edit = result.drifted, result.edit
    if edit is None:
        same = f"No declared field of {found.address} differs"
        if options.field is not None:
            same = f"{options.field} of {found.address} does not differ"
        console.text(escape_control(f"{same}: {found.key.source} is unchanged.") + "\n")
        return ExitCode.DONE
    replace_text(edit.file, edit.before, edit.after)
    print_lines([edit], console)
    fields = ", ".join(found.fields)
    console.note(f"Accepted {counted(len(found.fields), 'field')} of {found.address}: {fields}")
    return ExitCode.DONE
