"""Executing a plan from the command line: the journal, the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError, ExitCode

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from reconciler.cli.console import Console
    from reconciler.cli.records import Records
    from reconciler.client import Writer
    from reconciler.commands.apply import Freshness
    from reconciler.kinds import Kind
    from reconciler.model import Outcome, Plan
    from reconciler.waiting import Workers


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
