"""One reconcile cycle of ``drift``: read, detect, correct, and record the results."""

from __future__ import annotations

from contextlib import closing, contextmanager, nullcontext
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from reconciler import errors
from reconciler.api.redaction import Redactor
from reconciler.api.workers import Workers
from reconciler.model.canonical import format_instant
from reconciler.model.collector import keep_instead
from reconciler.model.cycle import CycleReport, CycleResult
from reconciler.model.phrases import first_texts
from reconciler.model.status import ServiceCondition
from reconciler.pipeline.reading import directory_of
from reconciler.plan.drift import declared_values
from reconciler.plan.lifetimes import lifetimes
from reconciler.plan.planning import select
from reconciler.service.correction import Corrector
from reconciler.service.detection import cycle_result, detect, scopes_after, unreachable_scopes
from reconciler.service.history.applied import Applied
from reconciler.service.history.compared import Compared
from reconciler.service.history.lifetimes import store_lifetimes
from reconciler.service.history.object_ids import ObjectIds
from reconciler.service.watched_files import WatchedFiles
from reconciler.validate.state import desired_state

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from reconciler.api.client import Sessions
    from reconciler.model.desired import DesiredState
    from reconciler.observe.names import Lists
    from reconciler.pipeline.execution import Executor
    from reconciler.plan.planning import Selection
    from reconciler.plan.report import DriftReport
    from reconciler.service.history.cycles import History
    from reconciler.service.monitor import Monitor
    from reconciler.service.records import Records
    from reconciler.service.settings import DriftSettings, Ports

    Read = Callable[[dt.datetime], DesiredState]


class DriftCycle:
    """Detects and corrects drift, any number of times."""

    def __init__(  # noqa: PLR0913, PLR0917 - what does the work, and what records and follows it
        self,
        settings: DriftSettings,
        ports: Ports,
        records: Records,
        history: History,
        monitor: Monitor,
        executor: Executor,
    ) -> None:
        """Store the settings, the ports, and the recorders and followers of cycles."""
        self._settings, self._ports = settings, ports
        self._history, self._monitor, self._executor = history, monitor, executor
        self._has_file = settings.records.history is not None
        self._files = WatchedFiles(settings.paths, ports.rules_at, executor.check)
        self._valid: DesiredState | None = None
        self._valid_since = ports.clock.now()
        self._has_reached = False
        self._redactor = Redactor()
        self._lists: Lists = {}
        # They live as long as the process.
        self._workers = {name: Workers(count) for name, count in settings.parallelism.items()}
        self._applied = Applied(history.database, ports.kinds)
        self._ids = ObjectIds(history.database, ports.kinds, settings.notify_after)
        self._corrector = Corrector(settings, ports, records)
        self._invalid: tuple[str, ...] = ()
        self._conditions: set[ServiceCondition] = set()

    def once(self) -> CycleReport:
        """Run the one cycle of a command: a signal ends its reads, and lets its writes in flight finish.

        Raises ReconcilerError if nothing could be compared.
        """
        report, error = self._recorded(self._read, self._ports.signals())
        if error is not None:
            raise error
        return report

    def again(self) -> CycleReport:
        """Run one cycle of a service, which handles signals itself.

        Raises ReconcilerError until a cycle has reached the API, if waiting cannot help.
        """
        began = self._ports.clock.now()
        error: errors.ReconcilerError | None
        try:
            with system_failures():
                report, error = self._recorded(self._read_again, nullcontext())
        except (errors.HistoryError, errors.SystemFailureError) as failure:
            error = failure
            now = self._ports.clock.now()
            report = CycleReport(began, now, CycleResult.FAILED, errors=failure.texts)
            self._monitor.unrecorded(report)
        is_stopped = self._ports.stop.is_set()
        if error is not None and not self._has_reached and not error.is_transient and not is_stopped:
            raise error
        self._has_reached = self._has_reached or error is None
        if error is not None and report.result is not CycleResult.INTERRUPTED:
            for text in error.texts:
                self._ports.observer.error(text, "round.failed")
        return report

    def _recorded(
        self, read: Read, writing: AbstractContextManager[None]
    ) -> tuple[CycleReport, errors.ReconcilerError | None]:
        """Run and record a cycle; return the error that ended it early, if one did."""
        began = self._ports.clock.now()
        self._conditions = set()
        self._history.begin_cycle()
        failure: errors.ReconcilerError | None = None
        state: DesiredState | None = None
        try:
            with system_failures():
                found = self._resolved(read(began))
                self._history.database.bind_kinds(part.scope for part in found.scopes)
                state = found
                report = self._reconcile(state, began, writing)
        except errors.ReconcilerError as error:
            failure = error
            result = CycleResult.INTERRUPTED if self._ports.stop.is_set() else CycleResult.FAILED
            scopes = () if state is None else unreachable_scopes(state, error)
            now, texts = self._ports.clock.now(), (*self._invalid, *error.texts)
            report = CycleReport(began, now, result, scopes, errors=texts)
        self._history.end_cycle(report, () if state is None else [part.scope for part in state.scopes])
        self._monitor.finished(report, self._conditions)
        self._history.purge(self._settings.purged_after)
        return report, failure

    def _sessions(self) -> Sessions:
        """Return the APIs for one cycle, with the redactor of all cycles before."""
        return self._ports.connect(self._monitor.exchange, self._workers, self._redactor)

    def _resolved(self, state: DesiredState) -> DesiredState:
        """Return ``state`` with ids in place of the names of its projects and regions, if it has any."""
        if not state.names:
            return state
        last = self._lists if len(self._workers) > 1 else None  # of one API, nothing else could be read
        with closing(self._sessions()) as client:
            return directory_of(client, last).resolved(state)

    def _read(self, now: dt.datetime) -> DesiredState:
        ports = self._ports
        if ports.pull is not None:
            ports.pull()
        paths, check = self._settings.paths, self._executor.check
        return desired_state(paths, ports.standard_input, ports.rules_at(now), check=check)

    def _read_again(self, now: dt.datetime) -> DesiredState:
        """Read the files; if they are invalid, use the last valid ones. Raises InputError."""
        trouble: dict[ServiceCondition, Sequence[str]] = {}
        remarks: dict[ServiceCondition, str] = {}  # of the log: elsewhere a headline says as much
        try:
            if self._ports.pull is not None:
                self._ports.pull()
        except errors.ConfigurationError as error:
            trouble[ServiceCondition.CHECKOUT] = error.texts
            stale = "the checkout is not up to date; the present files are used"
            remarks[ServiceCondition.CHECKOUT] = stale
        try:
            state = self._files.read(now)
            is_new = state is not self._valid
            self._valid, self._valid_since = state, now
            if is_new:
                keep_instead()
        except errors.InputError as error:
            trouble[ServiceCondition.FILES] = error.texts
            if self._valid is None:
                raise
            since = format_instant(self._valid_since)
            broken = f"the files are invalid; the version of {since} is still in use"
            remarks[ServiceCondition.FILES] = broken
        finally:
            self._conditions |= trouble.keys()
        self._invalid = tuple(chain.from_iterable(trouble.values()))
        self._ports.observer.troubled({name: (*trouble[name], remark) for name, remark in remarks.items()})
        return self._valid

    def _reconcile(
        self, state: DesiredState, now: dt.datetime, writing: AbstractContextManager[None]
    ) -> CycleReport:
        """Detect and correct once; the context ``writing`` is active while changes are sent."""
        targets, correct = self._settings.targets, self._settings.correct
        targeted, selected = select(state, targets)
        code = errors.ExitCode.DONE
        with closing(self._sessions()) as client:
            applied = (lambda _plan: self._applied.at_base()) if self._has_file else None
            detection = detect(client, state, self._settings, self._ports, applied, now, self._executor)
            was_compared = detection.compared(targeted, selected)
            detection = self._ids.identified(detection, targeted, was_compared)
            new_keys = () if targets else self._applied.new_keys(detection.plan, now)
            self._ports.observer.detected(detection, new_keys, now)
            fields = detection.fields()
            declared = partial(declared_values, self._ports.kinds, state)
            wanted = [field for field in fields if correct is not None and correct.covers(field.change)]
            contested = self._history.contested(wanted, declared, self._settings.flapping)
            self._history.record_drift(fields, was_compared, declared)
            self._store(detection, state, targeted, selected, now)
            lives = lifetimes(self._ports.kinds, state, detection.plan, now)
            if not targets:
                store_lifetimes(self._history.database, lives)
            if correct is not None:
                with writing:
                    code, fields = self._corrector.correct(client, detection, fields, correct, contested, now)
                self._ports.observer.left(detection, fields)
        pending = detection.pending_fields()
        return CycleReport(
            began=now,
            ended=self._ports.clock.now(),
            result=cycle_result(detection, fields, code),
            scopes=scopes_after(detection.scopes(), fields, pending),
            fields=fields,
            errors=(*self._invalid, *first_texts(detection.problems)),
            pending=pending,
            new_keys=tuple(key.address for key in new_keys),
            lifetimes=lives,
        )

    def _store(
        self,
        detection: DriftReport,
        state: DesiredState,
        targeted: DesiredState,
        selected: Selection,
        now: dt.datetime,
    ) -> None:
        """Store the state that later cycles compare with. Raises HistoryError."""
        is_whole = not self._settings.targets
        was_compared = detection.compared(state, selected)
        self._applied.store_pending(detection.pending_fields(), was_compared, now)
        if is_whole:
            self._applied.store_unmanaged(detection.plan, now)
        if self._has_file:
            compared = Compared(targeted, detection.plan, was_compared, is_whole)
            self._applied.store(compared)
            self._ids.store_after_cycle(compared)
            if is_whole:
                self._applied.purge_undeclared(targeted, detection.plan)


@contextmanager
def system_failures() -> Iterator[None]:
    """Raise SystemFailureError for errors of the operating system.

    These include failed imports, because a file could not be opened.
    """
    try:
        yield
    except (OSError, MemoryError, ImportError) as error:
        what = f"the system refused an operation: {errors.os_reason(error)}"
        raise errors.SystemFailureError(what) from error
