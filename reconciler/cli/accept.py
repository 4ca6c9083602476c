"""``reconciler accept``: adopt drift into the files."""

from __future__ import annotations

import io

import click

from reconciler.adopt.accept import accept as accepted
from reconciler.adopt.accept import acceptable, checked_identity, drifted
from reconciler.adopt.located import Rewritten
from reconciler.adopt.write import replace_text
from reconciler.cli.completing import by
from reconciler.cli.credentials import sessions
from reconciler.cli.explain import KeyOptions
from reconciler.cli.options import clock_of
from reconciler.cli.plan import read_files
from reconciler.cli.rewriting import check_files, print_lines
from reconciler.cli.values import command
from reconciler.errors import ConfigurationError, ExitCode
from reconciler.load.sources import read
from reconciler.model.escape import escape_control
from reconciler.model.phrases import counted
from reconciler.observe.key import known_field, live_key, observed_key, parsed_address, whole_address


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
    kinds = options.inputs.known_kinds(console.warning)
    now = clock.now()
    state = read_files(kinds, options.inputs, now)
    kind, scope, name = parsed_address(kinds, whole_address(kinds, options.address, state), state)
    field = known_field(kind, options.field)
    key = acceptable(state, scope, name, field)
    with apis as client:
        reader = client.session(kind.api).reader
        known_ids = options.known.known_ids(options.connection.base_urls, [scope], console.warning)
        observed, names = observed_key(reader, kind, scope, name)
    if known_ids is not None:
        part = next(part for part in state.scopes if part.scope == scope)
        console.warn(checked_identity(part, key, names, known_ids))
    live = live_key(
        kind, observed, name, known_ids.get(scope.address(name)) if known_ids is not None else None
    )
    found = drifted(kind, scope, key, live, now).narrowed(field)
    if found.mismatch is not None:
        if not found.fields:
            raise ConfigurationError(str(found.mismatch))
        console.warn([found.mismatch])
    if not found.fields:
        what = "No declared field of {0} differs" if field is None else f"{field} of {{0}} does not differ"
        console.text(escape_control(f"{what.format(found.address)}: {key.source} stays as it is.") + "\n")
        return ExitCode.DONE
    content = read(key.source, io.BytesIO())
    text = accepted(content, found, now, options.inputs.rules(kinds, now))
    replace_text(key.source, content, text)
    print_lines([Rewritten(key.source, content, text)], console)
    fields = ", ".join(found.fields)
    console.note(f"Accepted {counted(len(found.fields), 'field')} of {found.address}: {fields}")
    return ExitCode.DONE
