"""``reconciler plan``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.console import CONTEXT, Console, console_of, standard_input
from reconciler.cli.files import write_whole
from reconciler.cli.formats import format_option, rendered
from reconciler.cli.options import api_options, clock_of, connection, limits, validator
from reconciler.errors import ConfigurationError, ExitCode

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from reconciler.client import Reader
    from reconciler.kinds import Kind
    from reconciler.load.files import InputsDigest
    from reconciler.model import DesiredState, Plan
    from reconciler.plan import Selection
    from reconciler.saved import Provenance


@click.command(
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  reconciler plan keys/
  reconciler plan keys/ --detailed-exitcode      # 2 when there are changes
  reconciler plan keys/ --target 'caas/1/76/web-*'
  reconciler plan keys/ --out plan.json          # for apply --plan plan.json
  reconciler plan keys/ --base $(git merge-base origin/main HEAD)
""",
)
@format_option
@click.option(
    "--out", type=click.Path(dir_okay=False), metavar="FILE", help="Save the plan, for show and apply --plan."
)
@click.option(
    "--base",
    metavar="REF",
    help="Say of each field whether Git changed it since this commit, or the live API.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@api_options
@click.pass_context
def plan(context: click.Context, /, **parameters: Any) -> ExitCode:
    """Show what differs from the live API, field by field. Never writes to it.

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
        made = read_and_plan(reader, parameters, now, console)
    if parameters["out"] is not None:
        _save(made, parameters["out"], now)
    show(made, parameters["format"], now, console)
    if made.plan.problems:
        return ExitCode.ERROR
    if refused(made.plan, parameters, console):
        return ExitCode.REFUSED
    changed = parameters["detailed_exitcode"] and made.plan.changes
    return ExitCode.CHANGES if changed else ExitCode.DONE


@dataclass(frozen=True, slots=True)
class Made:
    """A plan, with the kinds of its keys and what it was made from."""

    kinds: Mapping[str, Kind]
    plan: Plan
    provenance: Provenance


def read_and_plan(reader: Reader, parameters: Mapping[str, Any], now: dt.datetime, console: Console) -> Made:
    """Load the files, read the live keys and compare the two; warn on the way."""
    from reconciler.cli.git import git_commit  # noqa: PLC0415 - --help needs no engine
    from reconciler.commands.plan import Planner  # noqa: PLC0415 - the same
    from reconciler.load.files import InputsDigest  # noqa: PLC0415 - the same
    from reconciler.resources import load_kinds  # noqa: PLC0415 - the same
    from reconciler.saved import Provenance  # noqa: PLC0415 - the same
    from reconciler.waiting import Workers  # noqa: PLC0415 - the same

    kinds = load_kinds()
    is_told = parameters.get("out") is not None or parameters.get("format", "text") != "text"
    digest = InputsDigest() if is_told else None
    whole = read_files(kinds, parameters, now, digest)
    base = _base(kinds, parameters, now)
    state, selected = targeted(whole, parameters)
    console.warn(state.warnings)
    with (
        console.progress("Reading scopes", len(state.scopes)) as advance,
        Workers(parameters["parallelism"]) as workers,
    ):
        made = Planner(reader, kinds, workers, now).plan(state, selected, advance)
    if base is not None:
        from reconciler.origins import labelled  # noqa: PLC0415 - only --base needs it

        made = labelled(kinds, made, base)
    commit = git_commit(parameters["paths"]) if is_told else None
    return Made(kinds, made, Provenance(parameters["base_url"], str(digest), commit))


def read_files(
    kinds: Mapping[str, Kind],
    parameters: Mapping[str, Any],
    now: dt.datetime,
    digest: InputsDigest | None = None,
) -> DesiredState:
    """Load and validate the files, and take them into ``digest``. Raises InputError with every problem."""
    from reconciler.commands.validate import desired_state  # noqa: PLC0415 - --help needs no engine
    from reconciler.load.files import parse_content  # noqa: PLC0415 - the same

    parse_one = parse_content if digest is None else digest.parse
    checks = validator(parameters, kinds, now)
    return desired_state(parameters["paths"], standard_input(), checks, parse_one)


def _base(kinds: Mapping[str, Kind], parameters: Mapping[str, Any], now: dt.datetime) -> DesiredState | None:
    """Read what the files said at the base commit, if one is given."""
    reference = parameters.get("base")
    if reference is None:
        return None
    from reconciler.cli.git import files_at  # noqa: PLC0415 - only --base needs it
    from reconciler.commands.validate import desired_state_of  # noqa: PLC0415 - the same

    return desired_state_of(files_at(reference, parameters["paths"]), validator(parameters, kinds, now))


def targeted(state: DesiredState, parameters: Mapping[str, Any]) -> tuple[DesiredState, Selection]:
    """Narrow a state to the targets, if there are any."""
    from reconciler.commands.validate import select  # noqa: PLC0415 - --help needs no engine
    from reconciler.plan import everything  # noqa: PLC0415 - the same

    return select(state, parameters["target"]) if parameters["target"] else (state, everything)


def refused(made: Plan, parameters: Mapping[str, Any], console: Console) -> Sequence[str]:
    """Print and give the reasons why a plan goes beyond what one run may do; none if it does not."""
    from reconciler.safety import refusals  # noqa: PLC0415 - --help needs no engine

    reasons = refusals(made, limits(parameters))
    for reason in reasons:
        console.error(reason)
    return reasons


def show(made: Made, output_format: str, now: dt.datetime, console: Console) -> None:
    """Print a plan, then the reasons why it cannot be applied as it stands."""
    console.result(rendered(output_format, made.plan, now, made.provenance, console))
    complain(made.plan, console)


def complain(made: Plan, console: Console) -> None:
    """Print the reasons why a plan cannot be applied as it stands."""
    for problem in made.problems:
        console.error(str(problem))


def _save(made: Made, file: str, now: dt.datetime) -> None:
    """Write the plan in one step. Raises ConfigurationError if that cannot be done."""
    from reconciler.saved import render_saved  # noqa: PLC0415 - --help needs no renderer

    try:
        write_whole(Path(file), render_saved(made.plan, now, made.provenance))
    except OSError as error:
        raise ConfigurationError(f"the plan file {file} cannot be written: {error.strerror}") from error
