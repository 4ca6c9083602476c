"""``reconciler history``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.color import ColorOptions
from reconciler.cli.console import CONTEXT, plain_console
from reconciler.cli.drift_options import DURATION
from reconciler.cli.effects import check_handed_on
from reconciler.cli.record_options import ROUNDS_AND_WRITES, history_option
from reconciler.cli.sections import Group
from reconciler.cli.system import clock_of
from reconciler.cli.values import Integers, command, epilog, option, takes
from reconciler.errors import ConfigurationError, ExitCode
from reconciler.model.collector import paused_collector
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.render.history import render_history_json, render_history_text
from reconciler.render.values import field_name
from reconciler.service.history.cycles import clear_flapping
from reconciler.service.history.database import Database
from reconciler.service.history.object_ids import forget_id
from reconciler.service.history.queries import Selection, episodes, status, window_since
from reconciler.service.history.reading import ReadOnlyDatabase

if TYPE_CHECKING:
    from reconciler.render.text_layout import Screen

_SHOWN_KEYS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryOptions:
    """The options of ``history``."""

    history: str | None = history_option(ROUNDS_AND_WRITES)
    since: float = option("Show drift seen within this time.", type=DURATION, default="30d")
    address: str = option(
        "Only keys whose whole address matches, such as 'caas/1/76/web-*' or '*/web'.",
        default="*",
        show_default=False,
        metavar="GLOB",
    )
    limit: int = option(
        "Show at most the latest N drifted fields.",
        type=Integers(1, 1_000_000),
        default=1000,
        metavar="N",
    )
    format: str = option(
        "How the history is printed; html is the status page.",
        type=click.Choice(("text", "json", "html")),
        default="text",
    )
    colors: ColorOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearOptions:
    """The options of ``history clear``."""

    address: str
    field: str
    history: str | None = history_option(ROUNDS_AND_WRITES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetOptions:
    """The options of ``history forget``."""

    address: str
    history: str | None = history_option(ROUNDS_AND_WRITES)


@click.group(
    cls=Group,
    context_settings=CONTEXT,
    invoke_without_command=True,
    epilog=epilog(
        "reconciler history --history drift.db",
        "reconciler history --history drift.db --since 7d --address 'caas/1/76/*'",
        "reconciler history --history drift.db --format html > status.html",
        "reconciler history clear caas/1/76/web is_disabled --history drift.db",
        "reconciler history forget caas/1/76/web --history drift.db",
    ),
)
@takes(HistoryOptions)
def history(context: click.Context, options: HistoryOptions) -> ExitCode | None:
    """Show what rounds of drift found and did: each drifted field, since when, and its outcome.

    The file is the one that drift and apply write with --history.
    """
    if context.invoked_subcommand is not None:
        check_handed_on(context, "history", "color", "no_color", "strict_env")
        return None
    console = options.colors.console(0)
    with ReadOnlyDatabase(_named(options.history, context)) as database:
        console.warn_of_readers(options.history, "history")
        text = _rendered(database, options, clock_of(context).now(), console.screen())
    console.result(text)
    return ExitCode.DONE


@command(ClearOptions, group=history)
@click.argument("address")
@click.argument("field", default="")
def clear(context: click.Context, options: ClearOptions) -> ExitCode:
    """Allow corrections of a contested field again.

    It is FIELD of the key at ADDRESS, from the next round on. Without FIELD the key itself is contested: it
    was created or deleted again and again.
    """
    address, field = options.address, options.field
    above = context.parent.params["history"] if context.parent else None
    with Database(_named(options.history or above, context)) as database:
        was_contested = clear_flapping(database, address, field)
    if not was_contested:
        what = f"{field} of {address}" if field else address
        raise ConfigurationError(f"{what} is not contested; reconciler history lists contested fields")
    plain_console().text(f"{address}: {field_name(field)} is no longer contested.\n")
    return ExitCode.DONE


@command(ForgetOptions, group=history)
@click.argument("address")
def forget(context: click.Context, options: ForgetOptions) -> ExitCode:
    """Delete the record of which object a name stood for.

    The name is that at ADDRESS, of a key whose service makes ids. Then an object that was renamed at the
    service no longer belongs to the name: apply creates another object of the declared name, or uses the one
    that has it.
    """
    address = options.address
    above = context.parent.params["history"] if context.parent else None
    with Database(_named(options.history or above, context)) as database:
        was_known = forget_id(database, address)
    if not was_known:
        raise ConfigurationError(f"the history has no record of {address}; check the address")
    plain_console().text(f"{escape_control(address)}: the record of its object is deleted.\n")
    return ExitCode.DONE


def _named(file: str | None, context: click.Context) -> str:
    """Return the name of the history file. Raises ConfigurationError if there is no such file."""
    if file is None:
        raise click.UsageError("set the history: --history FILE, or set RECONCILER_HISTORY.", context)
    if not Path(file).is_file():
        raise ConfigurationError(f"the history {file} does not exist; drift --history {file} creates it")
    return file


@paused_collector()
def _rendered(database: Database, options: HistoryOptions, now: dt.datetime, screen: Screen) -> str:
    since = dt.datetime.fromtimestamp(max(0, now.timestamp() - options.since), dt.UTC)
    if options.format == "html":
        from reconciler.render.page import render_page  # noqa: PLC0415 - an extra

        shown = Selection(
            window_since(database, now, since), options.address, min(options.limit, _SHOWN_KEYS)
        )
        return render_page(status(database, shown, now))
    found, total = episodes(database, Selection(since, options.address, options.limit))
    overview = status(database, Selection(since, options.address, limit=0), now)
    if options.format == "json":
        return render_history_json(overview, found, total)
    return render_history_text(overview, found, total, screen)
