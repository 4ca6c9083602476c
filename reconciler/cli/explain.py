"""``reconciler explain``."""

from __future__ import annotations

from dataclasses import replace

import click

from reconciler.cli.completing import by
from reconciler.cli.credentials import sessions
from reconciler.cli.options import ConnectionOptions, InputOptions, OutputOptions, clock_of
from reconciler.cli.plan import read_files
from reconciler.cli.record_options import KnownOptions
from reconciler.cli.rewriting import files_option
from reconciler.cli.values import command
from reconciler.errors import ConfigurationError, ExitCode
from reconciler.kinds.ids import clear_key
from reconciler.model.addresses import advice_near
from reconciler.model.frozen import dataclass
from reconciler.observe.key import (
    addresses_of,
    declaration_of,
    known_field,
    observed_key,
    parsed_address,
    whole_address,
)
from reconciler.pipeline.reading import directory_of
from reconciler.plan.explain import explanations
from reconciler.plan.identity import with_identities
from reconciler.plan.planning import plan_scope
from reconciler.render.explanation import blocking_problems, render_explanations, request_lines
from reconciler.render.values import api_note


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOptions:
    """The options of a command about one key, which names its files by an option."""

    address: str
    field: str | None
    paths: tuple[str, ...] = files_option("that declares the key")
    inputs: InputOptions
    known: KnownOptions
    connection: ConnectionOptions
    output: OutputOptions


@command(
    KeyOptions,
    "reconciler explain storefront",
    "reconciler explain caas/1/76/storefront expire --file keys/",
)
@click.argument("address", shell_complete=by("addresses"))
@click.argument("field", required=False, shell_complete=by("field_names"))
def explain(context: click.Context, options: KeyOptions) -> ExitCode:
    """Explain why fields of one key are equal or different, and print what apply would send. Never writes.

    ADDRESS is the key's, such as caas/1/76/storefront, or the end of it where that is unique, such as
    storefront. Without --file and without paths in the configuration, files below this folder are read. FIELD
    restricts the command to one field. The requests are exactly those of apply: method, path and body, also
    of a key that would be created, replaced or deleted.
    """
    console, clock = options.output.console(), clock_of(context)
    apis = sessions(options.connection, clock, console)
    kinds = options.inputs.known_kinds(console.warning)
    now = clock.now()
    written = read_files(kinds, options.inputs, now)
    with apis as client:
        state = directory_of(client).resolved(written)
        address = whole_address(kinds, options.address, state)
        kind, scope, name = parsed_address(kinds, address, state)
        field = known_field(kind, options.field)
        part, position = declaration_of(state, scope, name)
        known_ids = options.known.known_ids(options.connection.base_urls, [scope], console.warning)
        observed, names = observed_key(client.session(kind.api).reader, kind, scope, name)
    if not observed.count and not part.keys:
        known = scope.address(name)
        near = advice_near(known, addresses_of(state))
        raise ConfigurationError(f"{known} is neither declared in these files nor on the server{near}")
    known_id = known_ids.get(scope.address(name)) if known_ids is not None else None
    planned, live = plan_scope(kind, part, observed, now), clear_key(kind, observed, name, known_id)
    if known_ids is not None:
        found = replace(planned, names={scope: names} if kind.has_ids else {}, warnings=())
        planned = with_identities(kinds, found, state, lambda known: known == scope.address(name), known_ids)
        console.warn(planned.warnings)
    key = part.keys[0] if part.keys else None
    change = None if blocking_problems(planned) or not planned.changes else planned.changes[0]
    shown = [one for one in explanations(kind, key, live, change) if field in {None, one.field}]
    screen = console.screen()
    requests = request_lines(planned, screen)
    title = f"{address}{api_note(scope.shown_api)}"
    text = render_explanations(title, position, shown, requests, screen)
    console.result(text)
    return ExitCode.DONE
