"""Executing a plan from the command line: the journal, the signals, the report."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.cli.console import Console, stop_signals
from reconciler.errors import ConfigurationError, ExitCode

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

    from reconciler.cli.records import Records
    from reconciler.client import Writer
    from reconciler.commands.apply import Freshness
    from reconciler.kinds import Kind
    from reconciler.model import Outcome, Plan
    from reconciler.waiting import Workers

_SHOW_CURSOR: Final = b"\x1b[?25h\n"


@dataclass(frozen=True, slots=True)
class Execution:
    """What a command needs to execute plans."""

    writer: Writer
    kinds: Mapping[str, Kind]
    workers: Workers
    console: Console
    records: Records
    stop: threading.Event

    def run(self, plan: Plan, freshness: Freshness) -> tuple[ExitCode, Sequence[Outcome]]:
        """Send the changes of ``plan``, print what became of each, and judge the whole.

        Once ``stop`` is set, which is for a handler of signals to do, no further write begins.

        Raises ConfigurationError if the journal cannot be opened.
        """
        from reconciler.apply import Executor  # noqa: PLC0415 - --help needs no engine
        from reconciler.commands.apply import apply_plan, exit_code  # noqa: PLC0415 - the same

        with (
            self.records.recorder(plan.fingerprint) as recorder,
            self.console.progress("Applying", len(plan.changes)) as advance,
        ):
            executor = Executor(self.writer, self.kinds, self.workers, self.stop, recorder)
            outcomes = apply_plan(executor, plan, freshness, lambda _outcome: advance())
        return _report(outcomes, exit_code(outcomes, self.stop), self.console), outcomes


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
