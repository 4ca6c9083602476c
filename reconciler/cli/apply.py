"""``reconciler apply``."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from reconciler.cli.completing import InputPath
from reconciler.cli.console import Console
from reconciler.cli.credentials import sessions
from reconciler.cli.effects import check_effects
from reconciler.cli.events import EventStream
from reconciler.cli.execution import executor
from reconciler.cli.execution_options import ExecutionOptions
from reconciler.cli.options import OutputOptions, base_option
from reconciler.cli.plan import plan_files
from reconciler.cli.planning_options import PlanningOptions
from reconciler.cli.printing import FormatOptions, complain, show
from reconciler.cli.record_options import RecordOptions, SecretOptions, pass_env_option, secret_sink_option
from reconciler.cli.signals import stopping
from reconciler.cli.system import HOST, clock_of
from reconciler.cli.values import FILE, command, option
from reconciler.cli.writing import WritePrinter, record_settings, secret_store
from reconciler.errors import ConfigurationError, ExitCode, ReconcilerError, RefusedError
from reconciler.kinds.kind import Kind
from reconciler.load.git import git_commit
from reconciler.load.links import special_refusal
from reconciler.load.recognition import HEAD, is_saved_plan
from reconciler.model.clock import Clock
from reconciler.model.frozen import dataclass
from reconciler.model.plan import Freshness, Plan
from reconciler.pipeline.applying import opened_plan
from reconciler.plan.needs import Asked
from reconciler.service.applying import PlannedApply, Writing, write_planned
from reconciler.service.records import open_records

_QUESTION = """
Do you want to perform these actions?
  reconciler will perform the actions described above.
  Only 'yes' will be accepted to approve.

"""
_PROMPT = "  Enter a value: "


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """The options of ``apply``."""

    plan_file: str | None = option(
        "Apply the plan that plan --out saved, as far as it is still valid.", "--plan", "plan_file", type=FILE
    )
    base: str | None = base_option(needs=("!plan_file|trust=base",))
    expect: str | None = option("Refuse any plan but the one with this fingerprint.", metavar="FINGERPRINT")
    auto_approve: bool = option("Do not ask.")
    dry_run: bool = option("Print the plan and stop: no write is sent.")
    secret_sink: str | None = secret_sink_option()
    events: bool = option("Print JSON lines during the run, with OpenTofu's types.")
    pass_env: tuple[str, ...] = pass_env_option(needs=("secret_sink",))
    records: RecordOptions
    planning: PlanningOptions
    execution: ExecutionOptions
    output: OutputOptions
    secrets: SecretOptions


@command(
    ApplyOptions,
    "reconciler apply keys/                         # asks before it writes",
    "reconciler apply keys/ --auto-approve          # in a pipeline",
    "reconciler apply keys/ --dry-run               # prints the plan and stops",
    "reconciler apply plan.json --auto-approve --expect sha256:1f0c...",
    "reconciler apply keys/ --auto-approve --events # for a program",
)
@click.argument("paths", nargs=-1, metavar="[PATH...]", type=InputPath())
def apply(context: click.Context, options: ApplyOptions) -> ExitCode:
    """Plan, ask, and send only the fields that differ: one PATCH for each changed key.

    A declared key that does not exist is created, and --secret-sink sets where its secret is stored; a key
    declared absent is deleted, and so is each undeclared key of an exclusive scope, with --allow-destroy.

    With --plan, or if PATH is a saved plan, that plan is sent: a key that changed since, in a field that
    would be sent, is reported and not changed; a key that already is as planned is not a change.

    Exit code 0: everything is applied. 1: an error, nothing was applied. 3: refused, by --max-revoked,
    --max-changes or --expect, because the plan file cannot be used, or because every key has changed since
    the plan. 4: partly applied, a live key could not be compared, or a response could not be verified. 130:
    interrupted.
    """
    options = _with_saved_plan(options)
    context.params["plan_file"] = options.plan_file
    check_effects(context)  # again: a saved plan is known by its content
    _check(context, options)
    console = options.output.console()
    clock = clock_of(context)
    events = EventStream(clock, console) if options.events else None
    try:
        return _apply(options, clock, console, events)
    except ReconcilerError as error:
        if events is not None:
            events.errors(error.texts)
        raise


def _apply(options: ApplyOptions, clock: Clock, console: Console, events: EventStream | None) -> ExitCode:
    planning, stop = options.planning, threading.Event()
    saved = None if options.plan_file is None else _open_plan(options.plan_file, planning, console)
    apis = sessions(planning.connection, clock, console, stop).opened()
    commit = partial(_commit, None if saved is None else saved[-1], planning.inputs.versioned, console)
    recorded = record_settings("apply", planning.connection.base_urls, options.records, commit, console)
    now = clock.now()
    with (
        open_records(recorded, clock) as records,
        apis as client,
        executor(options.execution, planning.connection, console) as workers,
    ):
        console.warn_of_readers(options.records.history, "history")
        kinds, state, plan = saved or plan_files(client, planning, now, console, workers, records.known_ids)
        code = _shown(plan, options, console, events)
        if code is not None:
            return code
        if options.dry_run:
            return ExitCode.ERROR if plan.problems else ExitCode.DONE
        secrets, freshness = None, Freshness.JUST_MADE
        if plan.changes or plan.aliases:
            secrets = secret_store(
                plan.changes, plan.aliases, options.secrets, options.records, clock, console, apis.redactor
            )
        if plan.changes:
            freshness = _approve(options, console)
            if secrets is not None and not options.auto_approve:
                secrets.probe()  # again: the approval may have taken a while
        planned = PlannedApply(kinds, state, plan, planning.selection.target, now)
        printer = WritePrinter(console, events)
        printer.store = secrets
        signals = partial(stopping, stop, console, lambda: secrets)
        code = write_planned(records, client, planned, Writing(printer, secrets, freshness, signals))
        for text in secrets.published if secrets is not None else ():
            console.note(f"{text}.")
        return code


def _shown(
    plan: Plan, options: ApplyOptions, console: Console, events: EventStream | None
) -> ExitCode | None:
    """Show a plan; return the exit code of one that must not be applied. Raises RefusedError."""
    _show(plan, options, console, events)
    if options.expect not in {None, plan.fingerprint}:
        message = f"refused: the plan has the fingerprint {plan.fingerprint}, not {options.expect}"
        raise RefusedError(message)
    if not plan.objections:
        return None
    console.note("Nothing was applied.")
    return ExitCode.ERROR if plan.problems else ExitCode.REFUSED


def _with_saved_plan(options: ApplyOptions) -> ApplyOptions:
    """Return the options with --plan set, if the only path is a saved plan by its content."""
    planning = options.planning
    if options.plan_file is not None or len(planning.inputs.paths) != 1:
        return options
    (path,) = planning.inputs.paths
    try:
        if special_refusal(path):
            return options
        with Path(path).open("rb") as opened:
            is_plan = is_saved_plan(opened.read(HEAD))
    except (OSError, ValueError):  # where it is read as desired state the reason is told
        return options
    if not is_plan:
        return options
    inputs = replace(planning.inputs, paths=())
    return replace(options, plan_file=path, planning=replace(planning, inputs=inputs))


def _open_plan(
    file: str, options: PlanningOptions, console: Console
) -> tuple[Mapping[str, Kind], None, Plan]:
    """Read the saved plan to apply; return the kinds, no desired state, and the plan.

    Raises RefusedError if it cannot be used, or was made for another API.
    """
    kinds = options.inputs.known_kinds(console.warning)
    return kinds, None, opened_plan(file, kinds, options.connection.base_urls, options.selection.limits)


def _commit(saved: Plan | None, paths: Sequence[str], console: Console) -> str | None:
    """Return the commit of what is applied: of a saved plan, or of the files."""
    if saved is None:
        return git_commit(paths, HOST, console.warning)
    return None if saved.provenance is None else saved.provenance.git_commit


def _check(context: click.Context, options: ApplyOptions) -> None:
    if (options.plan_file is None) == (not options.planning.inputs.paths):
        raise click.UsageError("specify either files (PATH...) or a saved plan (--plan FILE).", context)
    if options.plan_file is not None and options.planning.selection.target:
        raise click.UsageError(
            "--target restricts a plan while it is made; it cannot go with --plan.", context
        )
    if options.events and not (options.auto_approve or options.dry_run):
        raise click.UsageError(
            "--events requires --auto-approve or --dry-run, because a program cannot be asked.", context
        )


def _show(plan: Plan, options: ApplyOptions, console: Console, events: EventStream | None) -> None:
    if events is not None:
        events.planned(plan)
        complain(plan, console)
    elif not _is_unseen(plan, options):
        asked = Asked.APPLY if options.secret_sink is None else Asked.APPLY_WITH_SINK
        show(plan, FormatOptions(summary=False, format="text", name=""), console, asked)


def _is_unseen(plan: Plan, options: ApplyOptions) -> bool:
    """Return whether the plan is not printed: with -q and approval only the outcomes are."""
    executed = plan.changes and not plan.errors and not options.dry_run
    return bool(executed and options.auto_approve and options.output.quiet)


def _approve(options: ApplyOptions, console: Console) -> Freshness:
    """Ask on a terminal; return whether time passed since the plan.

    Raises ConfigurationError without approval.
    """
    if options.auto_approve:
        return Freshness.JUST_MADE if options.plan_file is None else Freshness.WAITED
    if sys.stdin is None or not sys.stdin.isatty():
        raise ConfigurationError("there is no terminal to ask on; use --auto-approve to apply without asking")
    console.ask(_QUESTION)
    console.say(_PROMPT)
    answer = sys.stdin.buffer.readline()
    if not answer.endswith(b"\n"):  # the end of the input, by Ctrl-D
        console.say("\n")
    if answer.strip() != b"yes":
        raise ConfigurationError("not approved; nothing was applied")
    return Freshness.WAITED
