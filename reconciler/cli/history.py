"""``reconciler history``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.cli.console import CONTEXT, Console, OutputOptions, color_choice
from reconciler.cli.credentials import warn_of_readers
from reconciler.cli.options import clock_of, history_option, missing_extra
from reconciler.cli.settings import takes
from reconciler.cli.values import DURATION
from reconciler.errors import ConfigurationError, ExitCode
from reconciler.render.history import render_history_json, render_history_text
from reconciler.render.values import field_name
from reconciler.service.history.database import Database
from reconciler.service.history.flapping import clear_flapping
from reconciler.service.history.queries import Selection, episodes, status
from reconciler.service.history.reading import ReadOnlyDatabase

_FORMATS = ("text", "json", "html")
_SHOWN_KEYS = 100


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """The options of ``history``."""

    history: str | None
    since: float
    address: str
    limit: int
    format: str
    output: OutputOptions


@click.group(
    context_settings=CONTEXT,
    invoke_without_command=True,
    epilog="""\b
Examples:
  reconciler history --history drift.db
  reconciler history --history drift.db --since 7d --address 'caas/1/76/*'
  reconciler history --history drift.db --format html > status.html
  reconciler history clear caas/1/76/web is_disabled --history drift.db
""",
)
@history_option
@click.option(
    "--since", type=DURATION, default="30d", show_default=True, help="Show drift seen within this time."
)
@click.option(
    "--address",
    default="*",
    metavar="GLOB",
    help="Only keys whose whole address matches, such as 'caas/1/76/web-*' or '*/web'.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=1000,
    show_default=True,
    metavar="N",
    help="Show at most the latest N drifted fields.",
)
@click.option(
    "--format",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    help="How the history is printed; html is the status page.",
)
@click.option("--no-color", is_flag=True, help="No colour.  [env: NO_COLOR]")
@takes(HistoryOptions)
def history(context: click.Context, options: HistoryOptions) -> ExitCode | None:
    """Show what rounds of drift found and did: each drifted field, since when, and what became of it.

    The file is the one that drift and apply keep with --history.
    """
    if context.invoked_subcommand is not None:
        return None
    console = options.output.console()

    warn_of_readers(options.history, "history", console)
    with ReadOnlyDatabase(_named(options.history, context)) as database:
        text = _rendered(database, options, clock_of(context).now())
    console.result(text)
    return ExitCode.DONE


@history.command(context_settings=CONTEXT)
@click.argument("address")
@click.argument("field", default="")
@history_option
@click.pass_context
def clear(context: click.Context, /, address: str, field: str, history: str | None) -> ExitCode:
    """End the contest over FIELD of the key at ADDRESS: from the next round on it is corrected again.

    Without FIELD it is the contest over the key itself, which is created or deleted again and again.
    """
    above = context.parent.params["history"] if context.parent else None
    with Database(_named(history or above, context)) as database:
        was_contested = clear_flapping(database, address, field)
    if not was_contested:
        what = f"{field} of {address}" if field else address
        raise ConfigurationError(f"{what} is not contested")
    Console(0, color_choice()).result(f"{address}: {field_name(field)} is no longer contested.\n")
    return ExitCode.DONE


def _named(file: str | None, context: click.Context) -> str:
    """Return the history that is asked for, which must be there."""
    if file is None:
        raise click.UsageError("name the history: --history FILE, or set RECONCILER_HISTORY.", context)
    if not Path(file).is_file():
        raise ConfigurationError(f"the history {file} does not exist; drift --history {file} creates it")
    return file


def _rendered(database: Database, options: HistoryOptions, now: dt.datetime) -> str:

    try:
        since = now - dt.timedelta(seconds=options.since)
    except OverflowError:
        since = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    selection = Selection(since, options.address, options.limit)
    if options.format == "html":
        try:
            from reconciler.render.page import render_page  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise missing_extra("report", error) from error
        shown = Selection(since, options.address, min(options.limit, _SHOWN_KEYS))
        return render_page(status(database, shown, now))
    found, total = episodes(database, selection)
    overview = status(database, Selection(since, options.address, limit=0), now)
    render = render_history_json if options.format == "json" else render_history_text
    return render(overview, found, total)
