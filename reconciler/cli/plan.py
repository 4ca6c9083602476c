"""``reconciler plan``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.console import CONTEXT, Console, console_of, standard_input
from reconciler.cli.options import api_options, clock_of, connection, limits, validator
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from reconciler.client import Reader
    from reconciler.kinds import Kind
    from reconciler.model import DesiredState, Plan
    from reconciler.plan import Selection

FORMATS = ("text", "json")
format_option = click.option(
    "--format",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How the plan is printed.",
)


@click.command(
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  reconciler plan keys/
  reconciler plan keys/ --detailed-exitcode      # 2 when there are changes
  reconciler plan keys/ --target 'caas/1/76/web-*'
  reconciler plan keys/ --format json > plan.json
""",
)
@format_option
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@api_options
@click.pass_context
def plan(context: click.Context, /, **parameters: Any) -> ExitCode:
    """Show what differs from the live API, field by field. Never writes.

    Exit code 0: done. 1: an error, or a key that cannot be planned. 2: there are changes, with
    --detailed-exitcode. 3: apply would refuse the plan, because it goes beyond --max-revoked or
    --max-changes.
    """
    console = console_of(parameters)
    clock = clock_of(context)
    link = connection(parameters, clock, console)
    from reconciler.client import Reader  # noqa: PLC0415 - only commands that talk load httpx

    now = clock.now()
    with Reader(link) as reader:
        _, made = read_and_plan(reader, parameters, now, console)
    show(made, parameters["format"], now, console)
    if made.problems:
        return ExitCode.ERROR
    if is_refused(made, parameters, console):
        return ExitCode.REFUSED
    changed = parameters["detailed_exitcode"] and made.changes
    return ExitCode.CHANGES if changed else ExitCode.DONE


def read_and_plan(
    reader: Reader, parameters: Mapping[str, Any], now: dt.datetime, console: Console
) -> tuple[Mapping[str, Kind], Plan]:
    """Load the files, read the live keys and compare the two; warn on the way."""
    from reconciler.resources import load_kinds  # noqa: PLC0415 - --help needs no engine

    kinds = load_kinds()
    state = read_files(kinds, parameters, now)
    return kinds, plan_state(reader, kinds, state, parameters, now, console)


def read_files(kinds: Mapping[str, Kind], parameters: Mapping[str, Any], now: dt.datetime) -> DesiredState:
    """Load and validate the files. Raises InputError with every problem found."""
    from reconciler.commands.validate import desired_state  # noqa: PLC0415 - --help needs no engine

    return desired_state(parameters["paths"], standard_input(), validator(parameters, kinds, now))


def plan_state(  # noqa: PLR0913, PLR0917 - everything that a plan depends on
    reader: Reader,
    kinds: Mapping[str, Kind],
    state: DesiredState,
    parameters: Mapping[str, Any],
    now: dt.datetime,
    console: Console,
) -> Plan:
    """Read the live keys and compare them with ``state``, as far as it is targeted; warn on the way."""
    from reconciler.commands.plan import Planner  # noqa: PLC0415 - --help needs no engine
    from reconciler.waiting import Workers  # noqa: PLC0415 - the same

    state, selected = targeted(state, parameters)
    console.warn(state.warnings)
    with (
        console.progress("Reading scopes", len(state.scopes)) as advance,
        Workers(parameters["parallelism"]) as workers,
    ):
        planner = Planner(reader, kinds, workers, now)
        return planner.plan(state, selected, advance)


def targeted(state: DesiredState, parameters: Mapping[str, Any]) -> tuple[DesiredState, Selection]:
    """Narrow a state to the targets, if there are any."""
    from reconciler.commands.validate import select  # noqa: PLC0415 - --help needs no engine
    from reconciler.plan import everything  # noqa: PLC0415 - the same

    return select(state, parameters["target"]) if parameters["target"] else (state, everything)


def is_refused(made: Plan, parameters: Mapping[str, Any], console: Console) -> bool:
    """Tell whether a plan goes beyond what one run may do, and print why."""
    from reconciler.safety import refusals  # noqa: PLC0415 - --help needs no engine

    reasons = refusals(made, limits(parameters))
    for reason in reasons:
        console.error(reason)
    return bool(reasons)


def show(made: Plan, output_format: str, now: dt.datetime, console: Console) -> None:
    """Print a plan, then the reasons why it cannot be applied as it stands."""
    from reconciler.render.json import render_json  # noqa: PLC0415 - --help needs no renderer
    from reconciler.render.text import Detail, render_text  # noqa: PLC0415 - the same

    if output_format == "json":
        console.result(render_json(made, now))
    else:
        detail = Detail.FULL if console.verbosity > 0 else Detail.SUMMARY
        console.result(render_text(made, detail, console.paint))
    for problem in made.problems:
        console.error(str(problem))
