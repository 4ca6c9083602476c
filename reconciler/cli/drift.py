"""``reconciler drift``."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.console import CONTEXT, Console, console_of
from reconciler.cli.execution import Execution, finishing, journal_option
from reconciler.cli.options import DURATION, api_options, clock_of, connection
from reconciler.cli.plan import format_option, is_refused, plan_state, read_files
from reconciler.errors import ExitCode, InputError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from reconciler.client import Writer
    from reconciler.clock import Clock
    from reconciler.drift import DriftedKey
    from reconciler.model import DesiredState, Plan

_CORRECTIONS = ("all", "grants", "revokes")


@click.command(
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  reconciler drift keys/                         # 2 when something changed outside Git
  reconciler drift keys/ --correct all           # and bring it back
  reconciler drift keys/ --correct grants        # undo what widened access, report the rest
  reconciler drift keys/ --every 15m --jitter 1m # a service: a round each quarter of an hour
""",
)
@click.option(
    "--correct",
    type=click.Choice(_CORRECTIONS),
    help="Send what the files say for fields whose drift did this to access.",
)
@click.option("--every", type=DURATION, help="Run as a service: a round at this distance, such as 15m.")
@click.option(
    "--jitter", type=DURATION, default="0s", show_default=True, help="Begin each round up to so much later."
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

    With --every the command is a service: files and token are read anew in each round, files that are
    invalid leave the last valid ones in force, and failed rounds come at growing distances. SIGHUP begins
    a round at once; SIGTERM and SIGINT let the round finish, and the exit code is 0.
    """
    if parameters["correct"] is not None and parameters["format"] != "text":
        raise click.UsageError("--format json shows drift; it cannot go with --correct.", context)
    if parameters["every"] is not None and "-" in parameters["paths"]:
        raise click.UsageError("standard input can be read once; --every needs files.", context)
    if parameters["every"] == 0:
        raise click.UsageError("--every must be longer than 0s.", context)
    console = console_of(parameters)
    clock = clock_of(context)
    stop = threading.Event()
    rounds = _Rounds(parameters, clock, console, stop)
    if parameters["every"] is None:
        return rounds.once()
    from reconciler.cli.service import Service  # noqa: PLC0415 - only a service needs it
    from reconciler.schedule import Schedule  # noqa: PLC0415 - the same

    schedule = Schedule(parameters["every"], parameters["jitter"])
    Service(schedule, clock, console, stop).run(rounds.again)
    return ExitCode.DONE


class _Rounds:
    """Detects and corrects drift, any number of times."""

    def __init__(
        self, parameters: Mapping[str, Any], clock: Clock, console: Console, stop: threading.Event
    ) -> None:
        from reconciler.resources import load_kinds  # noqa: PLC0415 - --help needs no engine

        self._parameters = parameters
        self._clock = clock
        self._console = console
        self._stop = stop
        self._kinds = load_kinds()
        self._valid: DesiredState | None = None
        self._valid_since = clock.now()
        self._told = ""

    def once(self) -> ExitCode:
        """Do the one round of a command: a signal ends its reads, and lets its writes in flight finish."""
        now = self._clock.now()
        state = read_files(self._kinds, self._parameters, now)
        return self._round(state, now, finishing(self._stop, self._console))

    def again(self) -> None:
        """Do one round of a service, whose signals are its own. Raises ReconcilerError if it fails."""
        now = self._clock.now()
        try:
            self._valid = read_files(self._kinds, self._parameters, now)
            self._valid_since = now
        except InputError as error:
            if self._valid is None:
                raise
            from reconciler.normalize import format_instant  # noqa: PLC0415 - --help needs no engine

            self._console.complain(error)
            since = format_instant(self._valid_since)
            self._console.error(f"the files are invalid; what they said at {since} is still in force")
        self._round(self._valid, now, nullcontext())

    def _round(
        self, state: DesiredState, now: dt.datetime, writing: AbstractContextManager[None]
    ) -> ExitCode:
        """Detect and correct once; ``writing`` is entered for as long as changes are sent."""
        link = connection(self._parameters, self._clock, self._console, self._stop)
        from reconciler.client import Reader, Writer  # noqa: PLC0415 - only commands that talk load httpx
        from reconciler.drift import drift_of  # noqa: PLC0415 - --help needs no engine

        if self._parameters["correct"] is None:
            with Reader(link) as reader:
                plan = plan_state(reader, self._kinds, state, self._parameters, now, self._console)
            drifted = drift_of(self._kinds, plan)
            self._show(plan, drifted, now)
            return _verdict(plan, left=len(drifted))
        with Writer(link) as writer:
            plan = plan_state(writer, self._kinds, state, self._parameters, now, self._console)
            drifted = drift_of(self._kinds, plan)
            self._show(plan, drifted, now)
            with writing:
                return self._correct(writer, plan, drifted, now)

    def _correct(
        self, writer: Writer, plan: Plan, drifted: Sequence[DriftedKey], now: dt.datetime
    ) -> ExitCode:
        from reconciler.commands.apply import Freshness  # noqa: PLC0415 - --help needs no engine
        from reconciler.drift import Correction, corrections  # noqa: PLC0415 - the same

        parameters, console = self._parameters, self._console
        correction = corrections(self._kinds, plan, drifted, Correction(parameters["correct"]), now)
        if is_refused(correction, parameters, console):
            console.note("Nothing was corrected.")
            return ExitCode.REFUSED
        if correction.changes:
            execution = Execution(writer, self._kinds, parameters, console, self._clock, self._stop)
            code = execution.run(correction, Freshness.JUST_MADE)
            if code is not ExitCode.DONE:
                return code if code is ExitCode.INTERRUPTED else ExitCode.PARTIAL
        sent = {change.address: len(change.fields) for change in correction.changes}
        left = [key for key in drifted if len(key.fields) > sent.get(key.correction.address, 0)]
        for key in left:
            console.note(f"Left to a person: {key.correction.address}")
        return _verdict(plan, left=len(left))

    def _show(self, plan: Plan, drifted: Sequence[DriftedKey], now: dt.datetime) -> None:
        """Print the drift; a service prints it again only when it is another."""
        from reconciler.render.drift import render_drift  # noqa: PLC0415 - --help needs no renderer
        from reconciler.render.json import render_json  # noqa: PLC0415 - the same

        if self._parameters["format"] == "json":
            shown = render_json(plan, now, drifted)
        else:
            shown = render_drift(drifted, is_whole=not plan.problems, paint=self._console.paint)
        problems = [str(problem) for problem in plan.problems]
        told = "\n".join([plan.fingerprint, *problems])
        if told == self._told:
            self._console.detail("No news since the last round")
            return
        self._told = told
        self._console.result(shown)
        for problem in problems:
            self._console.error(problem)


def _verdict(plan: Plan, left: int) -> ExitCode:
    if plan.problems:
        return ExitCode.ERROR
    return ExitCode.CHANGES if left else ExitCode.DONE
