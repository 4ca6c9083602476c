"""``reconciler drift``."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.console import CONTEXT, Console, console_of
from reconciler.cli.execution import Execution, journal_option
from reconciler.cli.options import api_options, clock_of, connection
from reconciler.cli.plan import format_option, is_refused, read_and_plan
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from reconciler.drift import DriftedKey
    from reconciler.model import Plan

_CORRECTIONS = ("all", "grants", "revokes")


@click.command(
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  reconciler drift keys/                         # 2 when something changed outside Git
  reconciler drift keys/ --correct all           # and bring it back
  reconciler drift keys/ --correct grants        # undo what widened access, report the rest
""",
)
@click.option(
    "--correct",
    type=click.Choice(_CORRECTIONS),
    help="Send what the files say for fields whose drift did this to access.",
)
@format_option
@journal_option
@api_options
@click.pass_context
def drift(context: click.Context, /, **parameters: Any) -> ExitCode:
    """Show what changed outside Git; with --correct, bring it back.

    Without --correct nothing is written. Exit code 0: no drift, or none is left. 1: an error, or a key that
    cannot be compared. 2: there is drift, or drift is left to a person. 3: the correction was refused, by
    --max-revoked or --max-changes. 4: a correction failed or could not be verified. 130: interrupted.
    """
    if parameters["correct"] is not None and parameters["format"] != "text":
        raise click.UsageError("--format json shows drift; it cannot go with --correct.", context)
    console = console_of(parameters)
    clock = clock_of(context)
    stop = threading.Event()
    link = connection(parameters, clock, console, stop)
    from reconciler.client import Reader, Writer  # noqa: PLC0415 - only commands that talk load httpx
    from reconciler.drift import drift_of  # noqa: PLC0415 - --help needs no engine

    now = clock.now()
    if parameters["correct"] is None:
        with Reader(link) as reader:
            kinds, plan = read_and_plan(reader, parameters, now, console)
        drifted = drift_of(kinds, plan)
        _show(plan, drifted, parameters["format"], now, console)
        return _verdict(plan, left=len(drifted))
    from reconciler.commands.apply import Freshness  # noqa: PLC0415 - the same
    from reconciler.drift import Correction, corrections  # noqa: PLC0415 - the same

    with Writer(link) as writer:
        kinds, plan = read_and_plan(writer, parameters, now, console)
        drifted = drift_of(kinds, plan)
        _show(plan, drifted, parameters["format"], now, console)
        correction = corrections(kinds, plan, drifted, Correction(parameters["correct"]), now)
        if is_refused(correction, parameters, console):
            console.note("Nothing was corrected.")
            return ExitCode.REFUSED
        if correction.changes:
            execution = Execution(writer, kinds, parameters, console, clock, stop)
            code = execution.run(correction, Freshness.JUST_MADE)
            if code is not ExitCode.DONE:
                return code if code is ExitCode.INTERRUPTED else ExitCode.PARTIAL
    sent = {change.address: len(change.fields) for change in correction.changes}
    left = [key for key in drifted if len(key.fields) > sent.get(key.correction.address, 0)]
    for key in left:
        console.note(f"Left to a person: {key.correction.address}")
    return _verdict(plan, left=len(left))


def _show(
    plan: Plan, drifted: Sequence[DriftedKey], output_format: str, now: dt.datetime, console: Console
) -> None:
    from reconciler.render.drift import render_drift  # noqa: PLC0415 - --help needs no renderer
    from reconciler.render.json import render_json  # noqa: PLC0415 - the same

    if output_format == "json":
        console.result(render_json(plan, now, drifted))
    else:
        console.result(render_drift(drifted, is_whole=not plan.problems, paint=console.paint))
    for problem in plan.problems:
        console.error(str(problem))


def _verdict(plan: Plan, left: int) -> ExitCode:
    if plan.problems:
        return ExitCode.ERROR
    return ExitCode.CHANGES if left else ExitCode.DONE
