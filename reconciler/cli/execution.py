"""Executing a plan from the command line: the journal, the report."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reconciler.api.redaction import Redactor
from reconciler.api.workers import Workers
from reconciler.api.writer import Writer
from reconciler.apply.executor import Executor, Freshness, exit_code
from reconciler.apply.observer import Observer
from reconciler.apply.sinks.fallback import Rescuer
from reconciler.apply.sinks.sink import SecretSink
from reconciler.apply.sinks.spec import open_sink
from reconciler.apply.sinks.store import SinkSecretStore, open_secret_store
from reconciler.cli.console import Console
from reconciler.cli.events import EventStream
from reconciler.cli.options import USER_AGENT, RecordOptions, SecretOptions
from reconciler.errors import ConfigurationError, ExitCode
from reconciler.kinds.kind import Kind
from reconciler.model.clock import Clock
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Change, Plan
from reconciler.render.text import render_outcomes
from reconciler.service.records import Records


@dataclass(frozen=True, slots=True)
class Progress:
    """Advances a progress bar."""

    advance: Callable[[], None]

    def started(self, change: Change) -> None:
        """Ignore what is still to be done."""

    def finished(self, _outcome: Outcome) -> None:
        """Advance by one change."""
        self.advance()


@dataclass(frozen=True, slots=True)
class Execution:
    """What a command needs to execute plans."""

    writer: Writer
    kinds: Mapping[str, Kind]
    workers: Workers
    console: Console
    records: Records
    stop: threading.Event
    events: EventStream | None = None
    secrets: SinkSecretStore | None = None

    def run(self, plan: Plan, freshness: Freshness) -> tuple[ExitCode, Sequence[Outcome]]:
        """Send the changes of ``plan``, print what became of each, and judge the whole.

        Once ``stop`` is set, which is for a handler of signals to do, no further write begins.

        Raises ConfigurationError if the journal cannot be opened.
        """
        with (
            self.records.observers(plan.fingerprint, self._secret_place) as records,
            self.console.progress("Applying", len(plan.changes)) as advance,
        ):
            # The journal comes first: what it cannot store is not sent, and so has not begun.
            shown: tuple[Observer, ...] = () if self.events is None else (self.events,)
            observers = (*records, *shown, Progress(advance))
            executor = Executor(self.writer, self.kinds, self.workers, self.stop, observers, self.secrets)
            try:
                outcomes = executor.apply(plan, freshness)
            except BaseException:
                self._tell_secrets()
                raise
        return self._report(outcomes, exit_code(outcomes, self.stop)), outcomes

    def _secret_place(self, change: Change) -> str:
        return "" if self.secrets is None else self.secrets.where(change)

    def _tell_secrets(self) -> None:
        """Print on standard error where secrets are, of which no outcome has told: they exist once."""
        if self.secrets is not None:
            self.secrets.report_stored()

    def _report(self, outcomes: Sequence[Outcome], code: ExitCode) -> ExitCode:
        """Print what became of each key. Writes that nobody could read of were made all the same."""
        if self.events is not None:
            self.events.applied(outcomes)
            if not self.events.is_heard:
                self._tell_secrets()
            return code or (ExitCode.PARTIAL if self.events.is_broken else ExitCode.DONE)

        try:
            if not self.console.result(render_outcomes(outcomes, self.console.paint)):
                self._tell_secrets()
        except ConfigurationError as error:
            self.console.error(str(error))
            self._tell_secrets()
            return code or ExitCode.PARTIAL
        return code


def secret_store(  # noqa: PLR0913, PLR0917 - all that the place of a secret depends on
    changes: Iterable[Change],
    secrets: SecretOptions,
    records: RecordOptions,
    clock: Clock,
    console: Console,
    redactor: Redactor | None = None,
) -> SinkSecretStore | None:
    """Open what stores the secrets of the keys that ``changes`` create, if one has a secret.

    ``redactor`` knows the secrets of the run. Raises ConfigurationError where no sink is named, SinkError
    where it surely cannot store.
    """
    spec = secrets.secret_sink

    def sink(spec: str) -> SecretSink:
        return open_sink(spec, clock, USER_AGENT, os.environ, passed=secrets.pass_env, redactor=redactor)

    fallback = Rescuer(_rescue_folders())
    store = open_secret_store(changes, None if spec is None else partial(sink, spec), fallback, console.error)
    if store is not None and records.journal is None and records.history is None:
        console.note("Without --journal nothing will tell, if this run is killed, whose secret was lost.")
    return store


def _rescue_folders() -> tuple[Path, ...]:
    """Return the working directory, which may be gone, and the home directory."""
    folders: list[Path] = []
    for find in (Path.cwd, Path.home):
        with contextlib.suppress(OSError, RuntimeError):
            folders.append(find())
    return tuple(folders)
