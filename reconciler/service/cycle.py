"""One round of ``drift``: read, detect, show, correct, and write down what came of it."""

from __future__ import annotations

import datetime as dt
import os
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.api.workers import Workers
from reconciler.cli.connection import connection
from reconciler.cli.drift_printer import DriftPrinter
from reconciler.cli.kinds import known_kinds
from reconciler.cli.plan import read_files, targeted
from reconciler.cli.settings import ConnectionOptions, InputOptions, build
from reconciler.cli.signals import finishing
from reconciler.cli.system import SystemFailureError, system_failures
from reconciler.errors import (
    ConfigurationError,
    ExitCode,
    HistoryError,
    InputError,
    ReconcilerError,
)
from reconciler.model.canonical import format_instant
from reconciler.model.cycle import CycleReport, CycleResult
from reconciler.model.phrases import first_texts
from reconciler.render.notification import ServiceCondition
from reconciler.service.correcting import Corrector
from reconciler.service.detecting import Detector
from reconciler.service.detection import cycle_result, scopes_after, unreachable_scopes

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from reconciler.api.reader import Connection
    from reconciler.api.redaction import Redactor
    from reconciler.cli.console import Console
    from reconciler.model.clock import Clock
    from reconciler.model.cycle import DriftedField
    from reconciler.model.desired import DesiredState
    from reconciler.service.detection import Detection
    from reconciler.service.history.cycles import History
    from reconciler.service.history.database import Database
    from reconciler.service.observers import Watch
    from reconciler.service.records import Records

    FieldKey = tuple[str, str]
    Read = Callable[[dt.datetime], DesiredState]


_KEPT_IN_MEMORY: Final = 86_400.0

_EXIT_CODES: Final = {
    CycleResult.DRIFTED: ExitCode.CHANGES,
    CycleResult.REFUSED: ExitCode.REFUSED,
    CycleResult.INCOMPLETE: ExitCode.PARTIAL,
    CycleResult.FAILED: ExitCode.ERROR,
    CycleResult.INTERRUPTED: ExitCode.INTERRUPTED,
}
"""What a command whose cycle ended so reports to the shell; all others are done."""


class Cycles:
    """Detects and corrects drift, any number of times."""

    def __init__(  # noqa: PLR0913, PLR0917 - everything that a round depends on
        self,
        parameters: Mapping[str, Any],
        clock: Clock,
        console: Console,
        stop: threading.Event,
        records: Records,
        database: Database,
        history: History,
        watch: Watch,
    ) -> None:
        """Store the options, where to write things down, and who is told of a round."""
        from reconciler.service.history.applied import Applied  # noqa: PLC0415 - the same
        from reconciler.service.watched_files import WatchedFiles  # noqa: PLC0415 - --help needs no engine

        self._parameters = parameters
        self._clock = clock
        self._console = console
        self._stop = stop
        self._history = history
        self._watch = watch
        inputs = build(InputOptions, parameters)
        self._inputs = inputs
        self._kinds = known_kinds(inputs, console.warning)
        self._files = WatchedFiles(parameters["paths"], lambda now: inputs.validator(self._kinds, now))
        self._valid: DesiredState | None = None
        self._valid_since = clock.now()
        # In memory the history of a service would grow without end, and it serves to notice flapping only.
        longest = max(_KEPT_IN_MEMORY, parameters["contested_window"])
        keep = parameters["keep"] if parameters["history"] else min(parameters["keep"], longest)
        self._keep = dt.timedelta(seconds=keep)
        self._has_reached = False
        self._redactor: Redactor | None = None
        workers = Workers(parameters["parallelism"])  # they live as long as the process
        applied = Applied(database, self._kinds)
        self._detector = Detector(parameters, self._kinds, workers, console, applied)
        self._corrector = Corrector(parameters, self._kinds, workers, clock, console, stop, records)
        self._printer = DriftPrinter(parameters, console)
        self._complained: tuple[str, ...] = ()
        self._troubles: set[ServiceCondition] = set()

    def once(self) -> ExitCode:
        """Do the one round of a command: a signal ends its reads, and lets its writes in flight finish.

        Raises ReconcilerError if nothing could be compared.
        """
        report, error = self._recorded(
            self._read, finishing(self._stop, self._console, self.held, self.tell_stored)
        )
        if error is not None:
            raise error
        return _EXIT_CODES.get(report.result, ExitCode.DONE)

    def held(self) -> Sequence[str]:
        """Name the keys that are being created, whose secrets would be lost with the process."""
        return self._corrector.held()

    def tell_stored(self) -> None:
        """Print where the secrets are that were stored so far, before the process ends at once."""
        self._corrector.tell_stored()

    def again(self) -> CycleReport:
        """Do one round of a service, whose signals are its own.

        Raises ReconcilerError until a round has reached the API, if waiting cannot help.
        """
        began = self._clock.now()
        try:
            with system_failures():
                report, error = self._recorded(self._read_again, nullcontext())
        except (HistoryError, SystemFailureError) as failure:
            error = failure
            report = CycleReport(began, self._clock.now(), CycleResult.FAILED, errors=failure.texts)
            self._watch.unrecorded(report)
        if error is not None and not self._has_reached and not error.is_transient and not self._stop.is_set():
            raise error
        self._has_reached = self._has_reached or error is None
        if error is not None and report.result is not CycleResult.INTERRUPTED:
            self._console.complain(error)
        return report

    def _recorded(
        self, read: Read, writing: AbstractContextManager[None]
    ) -> tuple[CycleReport, ReconcilerError | None]:
        """Do a round, write it down and tell of it; give the error that ended it early, if one did."""
        began = self._clock.now()
        self._troubles = set()
        self._history.begin_cycle()
        failure: ReconcilerError | None = None
        whole: DesiredState | None = None
        try:
            with system_failures():
                whole = self._numbered(read(began))
                report = self._round(whole, began, writing)
        except ReconcilerError as error:
            failure = error
            result = CycleResult.INTERRUPTED if self._stop.is_set() else CycleResult.FAILED
            scopes = () if whole is None else unreachable_scopes(whole, error)
            errors = (*self._complained, *error.texts)
            report = CycleReport(began, self._clock.now(), result, scopes, errors=errors)
        self._history.end_cycle(report, () if whole is None else [part.scope for part in whole.scopes])
        self._watch.ended(report, self._troubles)
        self._history.purge(self._keep)
        return report, failure

    def _link(self) -> Connection:
        """Return the connection of one round, which knows the secrets that came up in all rounds before."""
        link = connection(
            build(ConnectionOptions, self._parameters),
            self._clock,
            self._console,
            self._stop,
            self._watch.exchange,
        )
        self._redactor = self._redactor or link.redactor
        return replace(link, redactor=self._redactor)

    def _numbered(self, state: DesiredState) -> DesiredState:
        """Return ``state`` with numbers for the names of its projects and regions, if it has any."""
        if not state.names:
            return state
        link = self._link()
        from reconciler.api.reader import Reader  # noqa: PLC0415 - only commands that talk load httpx
        from reconciler.observe.names import Directory  # noqa: PLC0415 - the same

        with Reader(link) as reader:
            return Directory(reader).resolved(state)

    def _read(self, now: dt.datetime) -> DesiredState:
        if self._parameters["git_pull"]:
            from reconciler.load.git import pull  # noqa: PLC0415 - only --git-pull needs it

            pull(self._parameters["paths"], os.environ, passed=self._parameters["pass_env"])  # noqa: TID251 - until it is handed in
        return read_files(self._kinds, self._inputs, now)

    def _read_again(self, now: dt.datetime) -> DesiredState:
        """Read what the files say; the last valid files stand in for invalid ones. Raises InputError."""
        complaints: list[str] = []
        if self._parameters["git_pull"]:
            from reconciler.load.git import pull  # noqa: PLC0415 - only --git-pull needs it

            try:
                pull(self._parameters["paths"], os.environ, passed=self._parameters["pass_env"])  # noqa: TID251 - until it is handed in
            except ConfigurationError as error:
                self._troubles.add(ServiceCondition.CHECKOUT)
                complaints += [*error.texts, "the checkout is not up to date; the files at hand are in force"]
        try:
            self._valid = self._files.read(now)
            self._valid_since = now
        except InputError as error:
            self._troubles.add(ServiceCondition.FILES)
            if self._valid is None:
                raise
            since = format_instant(self._valid_since)
            complaints += [
                *error.texts,
                f"the files are invalid; what they said at {since} is still in force",
            ]
        self._complained = tuple(complaints)
        self._printer.complain(self._complained)
        return self._valid

    def _round(
        self,
        whole: DesiredState,
        now: dt.datetime,
        writing: AbstractContextManager[None],
    ) -> CycleReport:
        """Detect and correct once; ``writing`` is entered for as long as changes are sent."""
        state, selected = targeted(whole, self._parameters["target"])
        link = self._link()
        from reconciler.api.reader import Reader  # noqa: PLC0415 - only commands that talk load httpx
        from reconciler.api.writer import Writer  # noqa: PLC0415 - only commands that talk load httpx

        code = ExitCode.DONE
        with (Reader if self._parameters["correct"] is None else Writer)(link) as client:
            detection = self._detector.detect(client, state, selected, now)
            self._printer.warn(detection.plan.warnings)
            new_keys = self._detector.new_keys(detection, now)
            self._printer.show(detection, new_keys, now)
            fields = detection.fields()
            contested = self._contested(whole, fields)
            self._history.record_drift(fields, detection.compared(state, selected), self._declared(whole))
            self._detector.store(detection, whole, state, selected, now)
            if isinstance(client, Writer):
                with writing:
                    code, fields = self._corrector.correct(client, detection, fields, contested, now)
                self._printer.tell_left(detection, fields)
        report = self._report(detection, fields, code, now)
        return replace(report, new_keys=tuple(key.address for key in new_keys))

    def _report(
        self, detection: Detection, fields: tuple[DriftedField, ...], code: ExitCode, now: dt.datetime
    ) -> CycleReport:
        pending = detection.pending_fields()
        errors = (*self._complained, *first_texts(detection.problems))
        scopes = scopes_after(detection.scopes(), fields, pending)
        result = cycle_result(detection, fields, code)
        return CycleReport(now, self._clock.now(), result, scopes, fields, errors, pending)

    def _contested(self, state: DesiredState, fields: Collection[DriftedField]) -> frozenset[FieldKey]:
        """Name the fields that would be corrected, were they not contested."""
        from reconciler.plan.drift import Correction, FlappingRule  # noqa: PLC0415 - as above

        parameters = self._parameters
        correct = parameters["correct"]
        wanted = [] if correct is None else [f for f in fields if Correction(correct).covers(f.change)]
        window = dt.timedelta(seconds=parameters["contested_window"])
        rule = FlappingRule(parameters["contested_after"], window)
        return self._history.contested(wanted, self._declared(state), rule)

    def _declared(self, state: DesiredState) -> Callable[[Collection[FieldKey]], Mapping[FieldKey, str]]:
        from reconciler.plan.drift import declared_values  # noqa: PLC0415 - --help needs no engine

        return lambda fields: declared_values(self._kinds, state, fields) if fields else {}
