"""``reconciler plan``."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.api.reader import Reader
from reconciler.api.workers import Workers
from reconciler.cli.console import Console, standard_input
from reconciler.cli.credentials import connection
from reconciler.cli.options import (
    InputOptions,
    OutputOptions,
    PlanningOptions,
    allow_destroy_option,
    base_option,
    clock_of,
    missing_extra,
    paths_argument,
)
from reconciler.cli.values import FILE, command, flag, option
from reconciler.errors import ConfigurationError, ExitCode, os_reason
from reconciler.kinds.kind import Kind
from reconciler.load.files import InputsDigest, parse_content
from reconciler.load.git import git_commit
from reconciler.load.write import write_whole
from reconciler.model.collector import kept_for_good
from reconciler.model.desired import DesiredState
from reconciler.model.phrases import first_texts
from reconciler.model.plan import Plan, Provenance
from reconciler.model.source import Problem
from reconciler.observe.names import Directory
from reconciler.pipeline import Planner
from reconciler.plan.limits import Limits, with_limit_violations
from reconciler.plan.origins import with_origins_since
from reconciler.plan.planning import everything
from reconciler.plan.saved import render_saved
from reconciler.plan.targets import select
from reconciler.render.formats import RENDERERS, Style
from reconciler.render.text import Detail
from reconciler.validate.files import desired_state

if TYPE_CHECKING:
    from reconciler.plan.planning import Selection

_HEAD: Final = 200
_MEMBERS: Final = (b'"format_version"', b'"reconciler_version"')
"""What the head of a plan file holds; plans of other tools have the first alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatOptions:
    """How a plan is printed."""

    format: str = option(
        "--format", type=click.Choice(tuple(RENDERERS)), default="text", text="How the plan is printed."
    )
    name: str = option(
        "--name",
        default="",
        show_default=False,
        metavar="TEXT",
        text="Tell several plans of one pull request apart, in Markdown.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """The options of ``plan``."""

    form: FormatOptions
    out: str | None = option(
        "--out", type=FILE, metavar="FILE", text="Save the plan, for show and apply --plan."
    )
    base: str | None = base_option()
    detailed_exitcode: bool = flag("--detailed-exitcode", text="Exit with 2 when there are changes.")
    allow_destroy: bool = allow_destroy_option()
    planning: PlanningOptions
    output: OutputOptions


@command(
    PlanOptions,
    "reconciler plan keys/",
    "reconciler plan keys/ --detailed-exitcode      # 2 when there are changes",
    "reconciler plan keys/ --target 'caas/1/76/web-*'",
    "reconciler plan keys/ --out plan.json          # for apply --plan plan.json",
    "reconciler plan keys/ --base origin/main...    # since this branch left it",
)
@paths_argument
def plan(context: click.Context, options: PlanOptions) -> ExitCode:
    """Show what differs from the live API, field by field. Never writes to it.

    Exit code 0: done. 1: an error, or a key that cannot be planned. 2: there are changes, with
    --detailed-exitcode. 3: apply would refuse the plan, because it goes beyond --max-revoked or
    --max-changes.
    """
    console = options.output.console()
    clock = clock_of(context)
    settings = connection(options.planning.connection, clock, console)
    now, out = clock.now(), options.out
    if out is not None:
        _clear(out)
    is_recorded = out is not None or options.form.format != "text"
    with Reader(settings) as reader:
        made = read_and_plan(reader, options.planning, now, console, InputsDigest() if is_recorded else None)
    if out is not None:
        _save(made, out)
        console.note(f"Saved to {out}: {made.plan.fingerprint}")
    show(made, options.form, console)
    if made.plan.problems:
        return ExitCode.ERROR
    if made.plan.refusals:
        return ExitCode.REFUSED
    return ExitCode.CHANGES if options.detailed_exitcode and made.plan.changes else ExitCode.DONE


@dataclass(frozen=True, slots=True)
class Made:
    """A plan with the kinds of its keys, and the desired state; that is None for a saved plan."""

    kinds: Mapping[str, Kind]
    plan: Plan
    state: DesiredState | None = None


@kept_for_good()
def read_and_plan(
    reader: Reader,
    options: PlanningOptions,
    now: dt.datetime,
    console: Console,
    digest: InputsDigest | None = None,
) -> Made:
    """Load the files, read the live keys and compare the two; warn on the way.

    ``digest`` takes what is read, for a plan that is to be saved.
    """
    inputs = options.inputs
    told: list[Problem] = []
    on_file = None if digest is None else digest.add
    kinds = inputs.known_kinds(lambda text: told.append(Problem(text)), on_file)
    console.warn(told)
    directory = Directory(reader)
    whole = directory.resolved(read_files(kinds, inputs, now, digest))
    base = inputs.read_base(kinds, directory, now)
    state, selected = targeted(whole, options.selection.target)
    console.warn(state.warnings)
    with (
        console.progress("Reading scopes", len(state.scopes)) as advance,
        Workers(options.connection.parallelism) as workers,
    ):
        made = Planner(reader, kinds, workers, now).plan(state, selected, advance)
    if base is not None:
        made = replace(made, warnings=(*made.warnings, *base.warnings))
        if base.state is not None:
            made = with_origins_since(kinds, made, base.state, whole, selected)
    console.warn(made.warnings[len(state.warnings) :])
    made = replace(made, warnings=(*made.warnings, *told))
    commit = git_commit(inputs.paths, os.environ, console.warning) if digest is not None else None
    base_commit = None if base is None else base.commit
    made_from = Provenance(now, options.connection.base_url, str(digest), commit, base_commit)
    return Made(kinds, judged(replace(made, provenance=made_from), options.selection.limits), state)


@kept_for_good()
def read_files(
    kinds: Mapping[str, Kind],
    inputs: InputOptions,
    now: dt.datetime,
    digest: InputsDigest | None = None,
) -> DesiredState:
    """Load and validate the files, and take them into ``digest``. Raises InputError with every problem."""
    parse_one = parse_content if digest is None else digest.parse
    checks = inputs.validator(kinds, now)
    return desired_state(inputs.paths, standard_input(), checks, parse_one)


def targeted(state: DesiredState, targets: Sequence[str]) -> tuple[DesiredState, Selection]:
    """Narrow a state to the targets, if there are any."""
    return select(state, targets) if targets else (state, everything)


def judged(made: Plan, limits: Limits) -> Plan:
    """Return a plan with the reasons why it goes beyond what one run may do."""
    return with_limit_violations(made, limits)


def show(made: Made, form: FormatOptions, console: Console) -> None:
    """Print a plan, then all that is wrong with it."""
    console.result(rendered(form, made.plan, console))
    complain(made.plan, console)


def rendered(options: FormatOptions, plan: Plan, console: Console) -> str:
    """Return ``plan`` as the options ask. Raises ConfigurationError if it needs a missing extra."""
    detail = Detail.FULL if console.verbosity > 0 else Detail.SUMMARY
    style = Style(detail, console.paint, options.name)
    try:
        return RENDERERS[options.format](plan, style)
    except ImportError as error:
        raise missing_extra("report", error) from error


def complain(made: Plan, console: Console) -> None:
    """Print all that is wrong with a plan."""
    for text in first_texts(made.errors):
        console.error(text)


def _clear(file: str) -> None:
    """Remove the plan that stood in a file: if no new one can be made, the old one must not be applied.

    Raises ConfigurationError if what stands there is no plan.
    """
    place = Path(file)
    if not place.is_file():
        return
    try:
        head = place.read_bytes()[:_HEAD]
        if head and not all(member in head for member in _MEMBERS):
            raise ConfigurationError(f"--out {file} would overwrite what is no plan; name another file")
        place.unlink()
    except OSError as error:
        raise ConfigurationError(f"the plan file {file} cannot be replaced: {os_reason(error)}") from error


def _save(made: Made, file: str) -> None:
    """Write the plan in one step. Raises ConfigurationError if that cannot be done."""
    try:
        write_whole(Path(file), render_saved(made.plan))
    except OSError as error:
        raise ConfigurationError(f"the plan file {file} cannot be written: {os_reason(error)}") from error
