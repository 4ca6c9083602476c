"""``reconciler apply``."""

from __future__ import annotations

import os
import signal
import sys
import threading
import uuid
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.console import CONTEXT, Console, console_of, stop_signals
from reconciler.cli.options import api_options, clock_of, connection
from reconciler.cli.plan import is_refused, read_and_plan, show
from reconciler.errors import ConfigurationError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

    from reconciler.apply import Recorder
    from reconciler.clock import Clock
    from reconciler.commands.apply import Freshness
    from reconciler.model import Outcome, Plan

_SHOW_CURSOR = b"\x1b[?25h\n"
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
@click.option(
    "--journal",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Record every write in this file, before and after it is sent.",
)
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
    from reconciler.apply import Executor  # noqa: PLC0415 - --help needs no engine
    from reconciler.client import Writer  # noqa: PLC0415 - only commands that talk load httpx
    from reconciler.commands.apply import apply_plan, exit_code  # noqa: PLC0415 - see above

    now = clock.now()
    with Writer(link) as writer:
        kinds, plan = read_and_plan(writer, parameters, now, console)
        if not _is_unseen(plan, parameters, console):
            show(plan, "text", now, console)
        if plan.problems or is_refused(plan, parameters, console):
            console.note("Nothing was applied.")
            return ExitCode.ERROR if plan.problems else ExitCode.REFUSED
        if parameters["dry_run"] or not plan.changes:
            return ExitCode.DONE
        freshness = _approve(parameters, console)
        with (
            _journal(parameters, plan, clock) as recorder,
            _finishing(stop, console),
            console.progress("Applying", len(plan.changes)) as advance,
        ):
            executor = Executor(writer, kinds, parameters["parallelism"], stop, recorder)
            outcomes = apply_plan(executor, plan, freshness, lambda _outcome: advance())
        with _finishing(stop, console):
            return _report(outcomes, exit_code(outcomes, stop), console)


def _report(outcomes: Sequence[Outcome], code: ExitCode, console: Console) -> ExitCode:
    """Print what became of each key. Writes that nobody could read of were made all the same."""
    from reconciler.render.text import render_outcomes  # noqa: PLC0415 - --help needs no renderer

    try:
        console.result(render_outcomes(outcomes, console.paint))
    except ConfigurationError as error:
        console.error(str(error))
        return code or ExitCode.PARTIAL
    return code


def _journal(parameters: Mapping[str, Any], plan: Plan, clock: Clock) -> AbstractContextManager[Recorder]:
    """Open the journal, if one is wanted."""
    from reconciler.apply import NOBODY  # noqa: PLC0415 - --help needs no engine

    if parameters["journal"] is None:
        return nullcontext(NOBODY)
    from reconciler.cli.provenance import actor, git_commit  # noqa: PLC0415 - only a journal asks
    from reconciler.journal import Journal, Run  # noqa: PLC0415 - the same

    commit = git_commit(parameters["paths"])
    run = Run(uuid.uuid4().hex, plan.fingerprint, parameters["base_url"], actor(), commit)
    return Journal(parameters["journal"], run, clock)


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


@contextmanager
def _finishing(stop: threading.Event, console: Console) -> Iterator[None]:
    """Turn the first stop signal into a request to finish; the second ends the process at once."""

    def handle(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            if sys.stderr is not None and sys.stderr.isatty():
                os.write(sys.stderr.fileno(), _SHOW_CURSOR)  # the progress bar had hidden it
            os._exit(ExitCode.INTERRUPTED)
        stop.set()
        console.note("Interrupted: no new writes; finishing the ones in flight. Again to stop at once.")

    before = {number: signal.signal(number, handle) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
