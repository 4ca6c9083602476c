"""``reconciler plan``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler import pipeline
from reconciler.api.client import Sessions
from reconciler.cli.console import Console, standard_input
from reconciler.cli.credentials import sessions
from reconciler.cli.execution import executor
from reconciler.cli.execution_options import ExecutionOptions
from reconciler.cli.options import InputOptions, OutputOptions, base_option, paths_argument
from reconciler.cli.planning_options import PlanningOptions, allow_destroy_option
from reconciler.cli.printing import FormatOptions, show
from reconciler.cli.record_options import KnownOptions
from reconciler.cli.system import HOST, clock_of
from reconciler.cli.values import FILE, command, option
from reconciler.errors import ConfigurationError, ExitCode, os_reason
from reconciler.kinds.kind import Kind
from reconciler.load.files import InputsDigest
from reconciler.load.recognition import is_saved_plan
from reconciler.model.collector import kept_for_good
from reconciler.model.desired import DesiredState
from reconciler.model.frozen import dataclass
from reconciler.model.later import Later
from reconciler.model.plan import Action, Plan
from reconciler.model.scope import Scope
from reconciler.model.source import Problem
from reconciler.pipeline.execution import IN_PROCESS, Executor
from reconciler.pipeline.reading import directory_of
from reconciler.plan.identity import KnownIds
from reconciler.render.text import empty_text
from reconciler.render.values import apply_command

if TYPE_CHECKING:
    from reconciler.load import git
else:
    git = Later("reconciler.load.git")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """The options of ``plan``."""

    form: FormatOptions
    out: str | None = option("Save the plan, for show and apply --plan.", type=FILE)
    base: str | None = base_option()
    detailed_exitcode: bool = option("Exit with 2 when there are changes.")
    allow_destroy: bool = allow_destroy_option()
    known: KnownOptions
    planning: PlanningOptions
    execution: ExecutionOptions
    output: OutputOptions


@command(
    PlanOptions,
    "reconciler plan keys/",
    "reconciler plan keys/ --detailed-exitcode      # 2 when there are changes",
    "reconciler plan keys/ --summary                # one line for each key",
    "reconciler plan keys/ --target 'caas/1/76/web-*'",
    "reconciler plan keys/ --out plan.json          # for apply --plan plan.json",
    "reconciler plan keys/ --base origin/main...    # since this branch left it",
)
@paths_argument
def plan(context: click.Context, options: PlanOptions) -> ExitCode:
    """Show what differs from the live API, field by field. Never writes to it.

    Exit code 0: done. 1: an error, or a key that cannot be planned. 2: there are changes, with
    --detailed-exitcode. 3: apply would refuse the plan, because it exceeds --max-revoked or --max-changes.
    """
    console, clock = options.output.console(), clock_of(context)
    planning, out = options.planning, options.out
    apis = sessions(planning.connection, clock, console).opened()
    if out is not None:
        _clear(out)
    with apis as client, executor(options.execution, planning.connection, console) as workers:
        ids = partial(options.known.known_ids, planning.connection.base_urls, warn=console.warning)
        _, _, found = plan_files(client, planning, clock.now(), console, workers, ids)
    if found.provenance is not None and (out is not None or options.form.format != "text"):
        commit = git.git_commit(planning.inputs.versioned, HOST, console.warning)
        found = replace(found, provenance=replace(found.provenance, git_commit=commit))
    if out is not None:
        pipeline.write_plan(found, out)
    show(found, options.form, console)
    if out is not None:
        console.hint(f"Saved to {out}: {found.fingerprint}")
        if found.changes and not found.objections:
            console.hint(f"Apply it with: {apply_command(found, out)}")
    if found.problems:
        return ExitCode.ERROR
    if found.refusals:
        return ExitCode.REFUSED
    return ExitCode.CHANGES if options.detailed_exitcode and found.changes else ExitCode.DONE


@kept_for_good()
def plan_files(  # noqa: PLR0913, PLR0917 - what a plan depends on
    client: Sessions,
    options: PlanningOptions,
    now: dt.datetime,
    console: Console,
    workers: Executor,
    ids: Callable[[Iterable[Scope]], KnownIds | None],
) -> tuple[Mapping[str, Kind], DesiredState, Plan]:
    """Load the files and plan them; warn on the way. Return the kinds, the desired state and the plan.

    ``ids`` returns, for the scopes of the files, the ids of the objects that names stood for.
    """
    inputs, unused, digest = options.inputs, list[Problem](), InputsDigest()
    if inputs.configured.configuration is not None:
        digest.add(inputs.configured.configuration.content, inputs.configured.configuration.file)
    kinds = inputs.known_kinds(lambda text: unused.append(Problem(text)), digest.add)
    console.warn(unused)
    directory, shown = directory_of(client), list[Problem]()
    state = directory.resolved(read_files(kinds, inputs, now, digest, workers))

    def reading(part: DesiredState) -> AbstractContextManager[Callable[[], object]]:
        shown.extend(part.warnings)
        console.warn(shown)
        return console.progress("Reading scopes", len(part.scopes))

    found = pipeline.plan(
        state,
        client,
        kinds=kinds,
        targets=options.selection.target,
        limits=options.selection.limits,
        now=now,
        base=inputs.read_base(kinds, directory, now),
        known_ids=ids(part.scope for part in state.scopes),
        reading=reading,
        executor=workers,
    )
    console.warn(found.warnings[len(shown) :])
    created = {change.scope for change in found.changes if change.action is Action.CREATE}
    for scope, keys in found.observed:
        if not keys and scope in created:
            console.note(empty_text(scope))
    return kinds, state, replace(found, warnings=(*found.warnings, *unused))


@kept_for_good()
def read_files(
    kinds: Mapping[str, Kind],
    inputs: InputOptions,
    now: dt.datetime,
    digest: InputsDigest | None = None,
    workers: Executor = IN_PROCESS,
) -> DesiredState:
    """Load and validate the files, and add them to ``digest``. Raises InputError with every problem."""
    return pipeline.load(
        *inputs.paths,
        project_id=inputs.project_id,
        region_id=inputs.region_id,
        kinds=kinds,
        now=now,
        expiry_warning=dt.timedelta(days=inputs.expiry_warning),
        standard_input=standard_input(),
        digest=digest,
        executor=workers,
    )


def _clear(file: str) -> None:
    """Remove the plan in a file: if no new one can be made, the old one must not be applied.

    Raises ConfigurationError if the file is not a plan.
    """
    place = Path(file)
    if not place.is_file():
        return
    try:
        head = place.read_bytes()
        if head and not is_saved_plan(head):
            raise ConfigurationError(f"--out {file} would overwrite a file that is not a plan; use another")
        place.unlink()
    except OSError as error:
        raise ConfigurationError(f"the plan file {file} cannot be replaced: {os_reason(error)}") from error
