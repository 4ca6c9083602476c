"""``reconciler apply``."""

from __future__ import annotations

import datetime as dt
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import click

from reconciler.api.workers import Workers
from reconciler.api.writer import Writer
from reconciler.apply.executor import Freshness
from reconciler.cli.console import Console
from reconciler.cli.credentials import connection
from reconciler.cli.events import EventStream
from reconciler.cli.execution import Execution, secret_store
from reconciler.cli.options import (
    OutputOptions,
    PlanningOptions,
    RecordOptions,
    SecretOptions,
    SelectionOptions,
    allow_destroy_option,
    clock_of,
    pass_env_option,
    secret_sink_option,
)
from reconciler.cli.plan import FormatOptions, Made, complain, read_and_plan, show
from reconciler.cli.records import record_settings
from reconciler.cli.show import open_plan
from reconciler.cli.signals import finishing
from reconciler.cli.values import FILE, command, flag, option
from reconciler.errors import ConfigurationError, ExitCode, ReconcilerError, RefusedError
from reconciler.load.git import git_commit
from reconciler.model.clock import Clock
from reconciler.model.plan import Plan
from reconciler.plan.planning import everything
from reconciler.plan.targets import select
from reconciler.service.history.applied import Applied
from reconciler.service.records import Records, open_records

_QUESTION = """
Do you want to perform these actions?
  reconciler will perform the actions described above.
  Only 'yes' will be accepted to approve.

  Enter a value: """


@dataclass(frozen=True, slots=True, kw_only=True)
class _Selection(SelectionOptions):
    allow_destroy: bool = allow_destroy_option()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planning(PlanningOptions):
    selection: _Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """The options of ``apply``."""

    plan_file: str | None = option(
        *("--plan", "plan_file"),
        type=FILE,
        metavar="FILE",
        text="Apply the plan that plan --out saved, as far as it still holds.",
    )
    expect: str | None = option(
        "--expect", metavar="FINGERPRINT", text="Refuse any plan but the one with this fingerprint."
    )
    auto_approve: bool = flag("--auto-approve", text="Do not ask.")
    dry_run: bool = flag("--dry-run", text="Print the plan and stop: no write is sent.")
    secret_sink: str | None = secret_sink_option()
    events: bool = flag("--events", text="Print JSON lines as things happen, with OpenTofu's types.")
    pass_env: tuple[str, ...] = pass_env_option()
    records: RecordOptions
    planning: _Planning
    output: OutputOptions
    secrets: SecretOptions


@command(
    ApplyOptions,
    "reconciler apply keys/                         # asks before it writes",
    "reconciler apply keys/ --auto-approve          # in a pipeline",
    "reconciler apply keys/ --dry-run               # prints the plan and stops",
    "reconciler apply --plan plan.json --auto-approve --expect sha256:1f0c...",
    "reconciler apply keys/ --auto-approve --events # for a program that follows",
)
@click.argument("paths", nargs=-1, metavar="[PATH...]", type=click.Path())
def apply(context: click.Context, options: ApplyOptions) -> ExitCode:
    """Plan, ask, and send only the fields that differ: one PATCH for each changed key.

    A declared key that is not there is created, for which --secret-sink says where its secret goes; one
    declared absent is deleted, and so is each undeclared one of an exclusive scope, with --allow-destroy.

    With --plan, what was saved is sent: a key that somebody changed since, in a field that would be sent,
    is left alone and named; one that is as planned already is no change.

    Exit code 0: everything is applied. 1: an error, nothing was applied. 3: refused, by --max-revoked,
    --max-changes or --expect, because the plan file cannot be used, or because every key had changed since
    the plan. 4: partly applied, a live key could not be compared, or an answer could not be verified. 130:
    interrupted.
    """
    _check(context, options)
    console = options.output.console()
    clock = clock_of(context)
    events = _events(options, clock, console)
    try:
        return _apply(options, clock, console, events)
    except ReconcilerError as error:
        if events is not None:
            events.errors(error.texts)
        raise


def _apply(options: ApplyOptions, clock: Clock, console: Console, events: EventStream | None) -> ExitCode:
    stop = threading.Event()
    planning = options.planning
    saved = None if options.plan_file is None else open_plan(options.plan_file, planning)
    settings = connection(planning.connection, clock, console, stop)

    def commit() -> str | None:
        if saved is not None:
            return None if saved.plan.provenance is None else saved.plan.provenance.git_commit
        return git_commit(planning.inputs.paths, os.environ, console.warning)

    base_url = planning.connection.base_url
    recorded = record_settings("apply", base_url, options.records, commit, console)
    now = clock.now()
    with open_records(recorded, clock) as records, Writer(settings) as writer:
        console.warn_of_readers(options.records.history, "history")
        made = saved or read_and_plan(writer, planning, now, console)
        if events is not None:
            events.planned(made.plan)
            complain(made.plan, console)
        elif not _is_unseen(made.plan, options):
            show(made, FormatOptions(format="text", name=""), console)
        _expect(made.plan, options.expect)
        if made.plan.objections:
            console.note("Nothing was applied.")
            return ExitCode.ERROR if made.plan.problems else ExitCode.REFUSED
        if options.dry_run or not made.plan.changes:
            if not options.dry_run:
                _store(made, planning.selection.target, records, now)
            return ExitCode.ERROR if made.plan.problems else ExitCode.DONE
        secrets = secret_store(
            made.plan.changes, options.secrets, options.records, clock, console, writer.redactor
        )
        freshness = _approve(options, console)
        if secrets is not None and not options.auto_approve:
            secrets.probe()  # again: the answer may have taken a while
        _store(made, planning.selection.target, records, now)
        held = (lambda: ()) if secrets is None else secrets.pending
        last_words = (lambda: None) if secrets is None else secrets.report_stored
        with (
            finishing(stop, console, held, last_words),
            Workers(planning.connection.parallelism) as workers,
        ):
            execution = Execution(writer, made.kinds, workers, console, records, stop, events, secrets)
            code, _ = execution.run(made.plan, freshness)
            # What a live object kept from being compared was not applied.
            return ExitCode.PARTIAL if code is ExitCode.DONE and made.plan.problems else code


def _store(made: Made, targets: Sequence[str], records: Records, now: dt.datetime) -> None:
    """Store in the history what is as desired already: each write adds to it. Raises HistoryError."""
    if records.history is None or made.state is None:
        return

    _, selected = select(made.state, targets) if targets else (made.state, everything)
    applied = Applied(records.history.database, made.kinds)
    if not targets:
        applied.store_unmanaged(made.plan, now)
    applied.store(made.state, made.plan, selected, is_whole=not targets)


def _events(options: ApplyOptions, clock: Clock, console: Console) -> EventStream | None:
    """Begin the stream of events, if one is wanted."""
    if not options.events:
        return None

    return EventStream(clock, console)


def _check(context: click.Context, options: ApplyOptions) -> None:
    if (options.plan_file is None) == (not options.planning.inputs.paths):
        raise click.UsageError(
            "name the files (PATH...) or a saved plan (--plan FILE), one of the two.", context
        )
    if options.plan_file is not None and options.planning.selection.target:
        raise click.UsageError("--target narrows a plan while it is made; it cannot go with --plan.", context)
    if options.events and not (options.auto_approve or options.dry_run):
        raise click.UsageError(
            "--events goes with --auto-approve or --dry-run: a program that follows cannot be asked.", context
        )


def _expect(plan: Plan, fingerprint: str | None) -> None:
    if fingerprint is not None and plan.fingerprint != fingerprint:
        raise RefusedError(f"refused: the plan has the fingerprint {plan.fingerprint}, not {fingerprint}")


def _is_unseen(plan: Plan, options: ApplyOptions) -> bool:
    """Return whether the plan is left out: with -q and approval the outcomes are the result."""
    executed = plan.changes and not plan.errors and not options.dry_run
    return bool(executed and options.auto_approve and options.output.quiet)


def _approve(options: ApplyOptions, console: Console) -> Freshness:
    """Ask on a terminal; give how long ago the plan was made. Raises ConfigurationError without consent."""
    if options.auto_approve:
        return Freshness.JUST_MADE if options.plan_file is None else Freshness.WAITED
    if sys.stdin is None or not sys.stdin.isatty():
        raise ConfigurationError("there is no terminal to ask on; use --auto-approve to apply without asking")
    console.say(_QUESTION)
    if sys.stdin.buffer.readline().strip() != b"yes":
        raise ConfigurationError("not approved; nothing was applied")
    return Freshness.WAITED
