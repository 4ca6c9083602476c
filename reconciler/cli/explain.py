"""``reconciler explain``."""

from __future__ import annotations

from functools import partial

import click

from reconciler.cli.completing import by
from reconciler.cli.credentials import sessions
from reconciler.cli.options import ConnectionOptions, InputOptions, OutputOptions
from reconciler.cli.plan import read_files
from reconciler.cli.record_options import KnownOptions
from reconciler.cli.rewriting import files_option
from reconciler.cli.system import clock_of
from reconciler.cli.values import command
from reconciler.errors import ExitCode
from reconciler.model.frozen import dataclass
from reconciler.pipeline.explaining import explained
from reconciler.render.explanation import render_explanations, request_lines
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
    state = read_files(kinds, options.inputs, now)
    ids = partial(options.known.known_ids, options.connection.base_urls, warn=console.warning)
    with apis as client:
        found = explained(state, client, kinds, options.address, options.field, now, ids)
    console.warn(found.plan.warnings)
    screen = console.screen()
    title = f"{found.address}{api_note(found.scope.shown_api)}"
    requests = request_lines(found.plan, screen)
    console.result(render_explanations(title, found.position, found.explanations, requests, screen))
    return ExitCode.DONE
