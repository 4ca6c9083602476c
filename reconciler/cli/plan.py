"""``reconciler plan``."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click

from reconciler.api.client import Session
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
from reconciler.model.collector import kept_for_good
from reconciler.model.desired import DesiredState
from reconciler.model.phrases import first_texts
from reconciler.model.plan import Plan, Provenance
from reconciler.model.source import Problem
from reconciler.observe.names import Directory
from reconciler.pipeline import Planner, write_plan
from reconciler.plan.limits import with_limit_violations
from reconciler.plan.origins import with_origins_since
from reconciler.plan.planning import select
from reconciler.render.formats import RENDERERS, Style
from reconciler.render.text import Detail
from reconciler.validate.files import desired_state

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
    console, clock = options.output.console(), clock_of(context)
    planning, out = options.planning, options.out
    settings = connection(planning.connection, clock, console)
    if out is not None:
        _clear(out)
    digest = InputsDigest() if out is not None or options.form.format != "text" else None
    with Session(settings, planning.connection.parallelism) as client:
        prepared = read_and_plan(client, planning, clock.now(), console, digest)
    if out is not None:
        write_plan(prepared.plan, out)
        console.note(f"Saved to {out}: {prepared.plan.fingerprint}")
    show(prepared.plan, options.form, console)
    if prepared.plan.problems:
        return ExitCode.ERROR
    if prepared.plan.refusals:
        return ExitCode.REFUSED
    return ExitCode.CHANGES if options.detailed_exitcode and prepared.plan.changes else ExitCode.DONE


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with the kinds of its keys, and the desired state; that is None for a saved plan."""

    kinds: Mapping[str, Kind]
    plan: Plan
    state: DesiredState | None = None


@kept_for_good()
def read_and_plan(
    client: Session,
    options: PlanningOptions,
    now: dt.datetime,
    console: Console,
    digest: InputsDigest | None = None,
) -> Prepared:
    """Load the files, read the live keys and compare the two; warn on the way.

    ``digest`` takes what is read, for a plan that is to be saved.
    """
    inputs, unused = options.inputs, list[Problem]()
    on_file = None if digest is None else digest.add
    kinds = inputs.known_kinds(lambda text: unused.append(Problem(text)), on_file)
    console.warn(unused)
    directory = Directory(client.reader)
    whole = directory.resolved(read_files(kinds, inputs, now, digest))
    base = inputs.read_base(kinds, directory, now)
    state, selected = select(whole, options.selection.target)
    console.warn(state.warnings)
    with console.progress("Reading scopes", len(state.scopes)) as advance:
        plan = Planner(client.reader, kinds, client.workers, now).plan(state, selected, advance)
    if base is not None:
        plan = replace(plan, warnings=(*plan.warnings, *base.warnings))
        if base.state is not None:
            plan = with_origins_since(kinds, plan, base.state, whole, selected)
    console.warn(plan.warnings[len(state.warnings) :])
    commit = git_commit(inputs.paths, os.environ, console.warning) if digest is not None else None
    base_commit = None if base is None else base.commit
    made_from = Provenance(now, client.base_url, str(digest), commit, base_commit)
    plan = replace(plan, warnings=(*plan.warnings, *unused), provenance=made_from)
    return Prepared(kinds, with_limit_violations(plan, options.selection.limits), state)


@kept_for_good()
def read_files(
    kinds: Mapping[str, Kind], inputs: InputOptions, now: dt.datetime, digest: InputsDigest | None = None
) -> DesiredState:
    """Load and validate the files, and take them into ``digest``. Raises InputError with every problem."""
    parse_one = parse_content if digest is None else digest.parse
    return desired_state(inputs.paths, standard_input(), inputs.validator(kinds, now), parse_one)


def show(plan: Plan, form: FormatOptions, console: Console) -> None:
    """Print a plan, then all that is wrong with it."""
    console.result(_rendered(form, plan, console))
    complain(plan, console)


def _rendered(options: FormatOptions, plan: Plan, console: Console) -> str:
    """Return ``plan`` as the options ask. Raises ConfigurationError if it needs a missing extra."""
    detail = Detail.FULL if console.verbosity > 0 else Detail.SUMMARY
    style = Style(detail, console.paint, options.name)
    try:
        return RENDERERS[options.format](plan, style)
    except ImportError as error:
        raise missing_extra("report", error) from error


def complain(plan: Plan, console: Console) -> None:
    """Print all that is wrong with a plan."""
    for text in first_texts(plan.errors):
        console.error(text)


def _clear(file: str) -> None:
    """Remove the plan in a file: if no new one can be made, the old one must not be applied.

    Raises ConfigurationError if the file is not a plan.
    """
    place = Path(file)
    if not place.is_file():
        return
    try:
        head = place.read_bytes()[:_HEAD]
        if head and not all(member in head for member in _MEMBERS):
            raise ConfigurationError(f"--out {file} would overwrite a file that is not a plan; name another")
        place.unlink()
    except OSError as error:
        raise ConfigurationError(f"the plan file {file} cannot be replaced: {os_reason(error)}") from error
