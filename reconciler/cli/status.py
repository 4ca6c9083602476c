"""``reconciler status``: one screen about all keys, and the next steps."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.credentials import sessions
from reconciler.cli.execution import executor
from reconciler.cli.execution_options import ExecutionOptions
from reconciler.cli.lifetimes import LIFETIME
from reconciler.cli.options import OutputOptions, base_option, paths_argument
from reconciler.cli.plan import plan_files
from reconciler.cli.planning_options import PlanningOptions
from reconciler.cli.printing import complain
from reconciler.cli.record_options import KnownOptions
from reconciler.cli.system import clock_of
from reconciler.cli.values import command, option
from reconciler.errors import ExitCode
from reconciler.model.durations import parse_lifetime
from reconciler.model.frozen import dataclass
from reconciler.plan.lifetimes import HORIZON, lifetimes
from reconciler.render.lifetimes import Overview, overview_lines

if TYPE_CHECKING:
    from reconciler.cli.console import Console
    from reconciler.model.status import FlappingField

_HISTORY: Final = "reconciler.service.history"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusOptions:
    """The options of ``status``."""

    within: str = option(
        "List the keys that expire within this time, at most 90d.",
        type=LIFETIME,
        default="30d",
        metavar="DURATION",
    )
    base: str | None = base_option(
        "The commit that configuration and kinds come from with --trust base.", needs=("trust=base",)
    )
    known: KnownOptions
    planning: PlanningOptions
    execution: ExecutionOptions
    output: OutputOptions


@command(StatusOptions, "reconciler status", "reconciler status keys/ --history drift.db --within 60d")
@paths_argument
def status(context: click.Context, options: StatusOptions) -> ExitCode:
    """Show on one screen what is declared, live, differing, contested, expiring and rotating. Never writes.

    The last lines are the next steps. Contested fields are known with --history.

    Exit code 0: done. 1: an error, or a key that cannot be compared.
    """
    within = parse_lifetime(options.within) or HORIZON
    if within > HORIZON:
        raise click.BadParameter(f"{options.within} is longer than 90d.", context, param_hint="--within")
    console, clock = options.output.console(), clock_of(context)
    planning, now = options.planning, clock.now()
    base_urls = planning.connection.base_urls
    apis = sessions(planning.connection, clock, console).opened()
    with apis as client, executor(options.execution, planning.connection, console) as workers:
        kinds, state, plan = plan_files(
            client,
            planning,
            now,
            console,
            workers,
            lambda scopes: options.known.known_ids(base_urls, scopes, console.warning),
        )
    contested = _contested(options.known.history, console)
    found = Overview(plan, lifetimes(kinds, state, plan, now), state.key_count, contested, now, within)
    console.result("".join(f"{line}\n" for line in overview_lines(found, console.screen())))
    complain(plan, console)
    return ExitCode.ERROR if plan.problems else ExitCode.DONE


def _contested(file: str | None, console: Console) -> tuple[FlappingField, ...] | None:
    """Return the contested fields in a history, None without one."""
    if file is None or not Path(file).exists():
        return None
    console.warn_of_readers(file, "history")
    # Most runs read none, and do without SQLite.
    reading, queries = (
        import_module(f"reconciler.service.history.{name}") for name in ("reading", "queries")
    )
    with reading.ReadOnlyDatabase(file) as database:
        found: tuple[FlappingField, ...] = queries.flapping(database)
        return found
