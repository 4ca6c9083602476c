"""Executing a plan from the command line: the journal, the signals, the report."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.cli.console import Console, stop_signals
from reconciler.errors import ConfigurationError, ExitCode

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

    from reconciler.apply import Recorder
    from reconciler.client import Writer
    from reconciler.clock import Clock
    from reconciler.commands.apply import Freshness
    from reconciler.kinds import Kind
    from reconciler.model import Outcome, Plan

_SHOW_CURSOR: Final = b"\x1b[?25h\n"
journal_option = click.option(
    "--journal",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Record every write in this file, before and after it is sent.",
)


@dataclass(frozen=True, slots=True)
class Execution:
    """What a command needs to execute plans; ``parameters`` are its options."""

    writer: Writer
    kinds: Mapping[str, Kind]
    parameters: Mapping[str, Any]
    console: Console
    clock: Clock
    stop: threading.Event

    def run(self, plan: Plan, freshness: Freshness) -> ExitCode:
        """Send the changes of ``plan``, print what became of each, and judge the whole.

        Once ``stop`` is set, which is for a handler of signals to do, no further write begins.

        Raises ConfigurationError if the journal cannot be opened.
        """
        from reconciler.apply import Executor  # noqa: PLC0415 - --help needs no engine
        from reconciler.commands.apply import apply_plan, exit_code  # noqa: PLC0415 - the same

        with (
            self._journal(plan) as recorder,
            self.console.progress("Applying", len(plan.changes)) as advance,
        ):
            executor = Executor(self.writer, self.kinds, self.parameters["parallelism"], self.stop, recorder)
            outcomes = apply_plan(executor, plan, freshness, lambda _outcome: advance())
        return _report(outcomes, exit_code(outcomes, self.stop), self.console)

    def _journal(self, plan: Plan) -> AbstractContextManager[Recorder]:
        """Open the journal, if one is wanted."""
        from reconciler.apply import NOBODY  # noqa: PLC0415 - --help needs no engine

        file = self.parameters["journal"]
        if file is None:
            return nullcontext(NOBODY)
        import uuid  # noqa: PLC0415 - only a journal asks

        from reconciler.cli.provenance import actor, git_commit  # noqa: PLC0415 - only a journal asks
        from reconciler.journal import Journal, Run  # noqa: PLC0415 - the same

        commit = git_commit(self.parameters["paths"])
        run = Run(uuid.uuid4().hex, plan.fingerprint, self.parameters["base_url"], actor(), commit)
        return Journal(file, run, self.clock)


def _report(outcomes: Sequence[Outcome], code: ExitCode, console: Console) -> ExitCode:
    """Print what became of each key. Writes that nobody could read of were made all the same."""
    from reconciler.render.text import render_outcomes  # noqa: PLC0415 - --help needs no renderer

    try:
        console.result(render_outcomes(outcomes, console.paint))
    except ConfigurationError as error:
        console.error(str(error))
        return code or ExitCode.PARTIAL
    return code


@contextmanager
def finishing(stop: threading.Event, console: Console) -> Iterator[None]:
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
