"""``reconciler accept``: the drift was right."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import click

from reconciler.adopt.accept import Drifted, changed_lines, drifted
from reconciler.adopt.accept import accept as accepted
from reconciler.adopt.write import replace_text
from reconciler.api.reader import Reader
from reconciler.cli.addressed import KeyOptions, declared_key, known_field, live_key, parsed_address
from reconciler.cli.console import Console
from reconciler.cli.credentials import connection
from reconciler.cli.options import clock_of
from reconciler.cli.plan import read_files
from reconciler.cli.values import command
from reconciler.errors import ConfigurationError, ExitCode
from reconciler.load.sources import read
from reconciler.model.escape import escape_control
from reconciler.model.phrases import counted


@command(
    KeyOptions,
    "reconciler accept caas/1/76/storefront --file keys/",
    "reconciler accept caas/1/76/storefront expire --file keys/shop.yaml",
)
@click.argument("address")
@click.argument("field", required=False)
def accept(context: click.Context, options: KeyOptions) -> ExitCode:
    """Write the live values of one key into the file that declares it otherwise. Never writes to the API.

    ADDRESS is the key's, such as caas/1/76/storefront; FIELD narrows it to one field. Only declared fields
    that differ are written, and only the text of their values changes.
    """
    console, clock = options.output.console(), clock_of(context)
    settings = connection(options.connection, clock, console)

    if "-" in options.inputs.paths:
        raise click.BadParameter("standard input cannot be written; name a file", param_hint="--file")
    kinds = options.inputs.known_kinds(console.warning)
    kind, scope, name = parsed_address(kinds, options.address)
    field = known_field(kind, options.field)
    now = clock.now()
    state = read_files(kinds, options.inputs, now)
    if state.names:
        named = state.names[0]
        message = f"accept needs {named.parameter} instead of the name {named.name}"
        raise ConfigurationError(f"{named.position}: {message}")
    key = declared_key(state, scope, name)
    if key.is_absent:
        message = f"{options.address} is declared absent, so it has no value to accept"
        raise ConfigurationError(f"{key.position}: {message}")
    if field is not None and field not in key.fields:
        message = f"{field} is not declared for {options.address}, so it is not managed"
        raise ConfigurationError(f"{key.position}: {message}; declare it to manage it")
    with Reader(settings) as reader:
        live = live_key(reader, kind, scope, name)
    found = drifted(kind, scope, key, live, now).narrowed(field)
    _warn_of_mismatch(found, console)
    if not found.fields:
        what = "No declared field of {0} differs" if field is None else f"{field} of {{0}} does not differ"
        console.result(escape_control(f"{what.format(found.address)}: {key.source} stays as it is.") + "\n")
        return ExitCode.DONE
    _refuse_inherited(found)
    content = read(key.source, io.BytesIO())
    text = accepted(content, found, now, lambda: options.inputs.validator(kinds, now))
    replace_text(key.source, content, text)
    console.result("".join(_diff(found, content.decode("utf-8"), text, console.paint)))
    console.note(_summary(found))
    return ExitCode.DONE


def _summary(found: Drifted) -> str:

    return f"Accepted {counted(len(found.fields), 'field')} of {found.address}: {', '.join(found.fields)}"


def _refuse_inherited(found: Drifted) -> None:
    """Raise ConfigurationError if a field to accept is written in the defaults of its document."""
    for field in found.fields:
        if (place := found.key.inherited_from(field)) is not None:
            message = f"{field} comes from the defaults of its document, which hold for other keys too"
            raise ConfigurationError(f"{place}: {message}; write it into the key first")


def _warn_of_mismatch(found: Drifted, console: Console) -> None:
    """Warn of what cannot be accepted. Raises ConfigurationError if nothing else is left."""
    if found.mismatch is not None:
        if not found.fields:
            raise ConfigurationError(str(found.mismatch))
        console.warn([found.mismatch])


def _diff(found: Drifted, before: str, after: str, paint: Callable[[str, str], str]) -> Iterator[str]:
    """Return the lines that changed, each group under its place."""
    for group in changed_lines(before, after):
        yield escape_control(f"{found.key.source}:{group.number}") + "\n"
        for sign, colour, lines in (("-", "red", group.removed), ("+", "green", group.added)):
            for line in lines:
                yield paint(escape_control(f"{sign} {line}"), colour) + "\n"
