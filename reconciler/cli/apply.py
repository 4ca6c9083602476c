"""``reconciler apply``."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.console import CONTEXT, Console, console_of
from reconciler.cli.execution import Execution, finishing
from reconciler.cli.options import api_options, clock_of, connection
from reconciler.cli.plan import is_refused, read_and_plan, show
from reconciler.cli.records import open_records, record_options
from reconciler.errors import ConfigurationError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.commands.apply import Freshness
    from reconciler.model import Plan

_QUESTION = """
Do you want to perform these actions?
  reconciler will perform the actions described above.
  Only 'yes' will be accepted to approve.

  Enter a value: """


@click.command(
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  reconciler apply keys/                         # asks before it writes
  reconciler apply keys/ --auto-approve          # in a pipeline
  reconciler apply keys/ --dry-run               # prints the plan and stops
""",
)
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop: no write is sent.")
@record_options
@api_options
@click.pass_context
def apply(context: click.Context, /, **parameters: Any) -> ExitCode:
    """Plan, ask, and send only the fields that differ: one PATCH for each changed key.

    Exit code 0: everything is applied. 1: an error, nothing was applied. 3: refused, by --max-revoked
    or --max-changes, or because every key had changed since the plan. 4: partly applied, or an answer
    could not be verified. 130: interrupted.
    """
    console = console_of(parameters)
    clock = clock_of(context)
    stop = threading.Event()
    link = connection(parameters, clock, console, stop)
    from reconciler.client import Writer  # noqa: PLC0415 - only commands that talk load httpx
    from reconciler.waiting import Workers  # noqa: PLC0415 - --help needs no threads

    now = clock.now()
    with open_records(parameters, clock, "apply") as records, Writer(link) as writer:
        kinds, plan = read_and_plan(writer, parameters, now, console)
        if not _is_unseen(plan, parameters, console):
            show(plan, "text", now, console)
        if plan.problems or is_refused(plan, parameters, console):
            console.note("Nothing was applied.")
            return ExitCode.ERROR if plan.problems else ExitCode.REFUSED
        if parameters["dry_run"] or not plan.changes:
            return ExitCode.DONE
        freshness = _approve(parameters, console)
        with finishing(stop, console), Workers(parameters["parallelism"]) as workers:
            code, _ = Execution(writer, kinds, workers, console, records, stop).run(plan, freshness)
            return code


def _is_unseen(plan: Plan, parameters: Mapping[str, Any], console: Console) -> bool:
    """Tell whether the plan is left out: with -q the outcomes are the result, once nobody has to approve."""
    executed = plan.changes and not plan.problems and not parameters["dry_run"]
    return bool(executed and parameters["auto_approve"] and console.verbosity < 0)


def _approve(parameters: Mapping[str, Any], console: Console) -> Freshness:
    """Ask on a terminal; give how long ago the plan was made. Raises ConfigurationError without consent."""
    from reconciler.commands.apply import Freshness  # noqa: PLC0415 - --help needs no engine

    if parameters["auto_approve"]:
        return Freshness.JUST_MADE
    if sys.stdin is None or not sys.stdin.isatty():
        raise ConfigurationError("there is no terminal to ask on; use --auto-approve to apply without asking")
    console.say(_QUESTION)
    if sys.stdin.buffer.readline().strip() != b"yes":
        raise ConfigurationError("not approved; nothing was applied")
    return Freshness.WAITED
