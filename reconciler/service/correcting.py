"""Correcting drift from the command line, within the limits and permissions of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.cli.execution import Execution
from reconciler.cli.plan import complain, judged
from reconciler.cli.settings import RecordOptions, SecretOptions, SelectionOptions, build
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import DriftOrigin
from reconciler.service.detection import refused_fields, settled_fields

if TYPE_CHECKING:
    import datetime as dt
    import threading
    from collections.abc import Mapping, Sequence

    from reconciler.api.redaction import Redactor
    from reconciler.api.workers import Workers
    from reconciler.api.writer import Writer
    from reconciler.apply.sinks.store import SinkSecretStore
    from reconciler.cli.console import Console
    from reconciler.kinds.kind import Kind
    from reconciler.model.clock import Clock
    from reconciler.model.cycle import DriftedField
    from reconciler.model.plan import FieldChange, Plan
    from reconciler.plan.correction import Corrections
    from reconciler.service.detection import Detection
    from reconciler.service.records import Records

    FieldKey = tuple[str, str]

_CONFLICT: Final = "changed in the files too, which apply has not sent yet; apply, or --correct all, sends it"


class Corrector:
    """Sends what brings drift back."""

    def __init__(  # noqa: PLR0913, PLR0917 - everything that a correction depends on
        self,
        parameters: Mapping[str, Any],
        kinds: Mapping[str, Kind],
        workers: Workers,
        clock: Clock,
        console: Console,
        stop: threading.Event,
        records: Records,
    ) -> None:
        """Store the options, and where to write things down."""
        self._parameters = parameters
        self._kinds = kinds
        self._workers = workers
        self._clock = clock
        self._console = console
        self._stop = stop
        self._records = records
        self._secrets: SinkSecretStore | None = None

    def held(self) -> Sequence[str]:
        """Name the keys that are being created, whose secrets would be lost with the process.

        No server is waited for any longer.
        """
        return () if self._secrets is None else self._secrets.pending()

    def tell_stored(self) -> None:
        """Print where the secrets are that were stored so far, before the process ends at once."""
        if self._secrets is not None:
            self._secrets.report_stored()

    def correct(
        self,
        writer: Writer,
        detection: Detection,
        fields: tuple[DriftedField, ...],
        contested: frozenset[FieldKey],
        now: dt.datetime,
    ) -> tuple[ExitCode, tuple[DriftedField, ...]]:
        """Correct what is wanted and may be corrected; return what became of all ``fields``."""
        found = self._corrections(detection, contested, now)
        left = {**self._conflicts(fields), **found.left}
        plan = judged(found.plan, build(SelectionOptions, self._parameters).limits)
        if plan.refusals:
            complain(plan, self._console)
            self._console.note("Nothing was corrected.")
            return ExitCode.REFUSED, refused_fields(settled_fields(fields, contested, (), left), plan)
        plan, not_attempted = self._with_secret_store(plan, writer.redactor)
        self._tell_conflicts(fields, plan)
        code = ExitCode.PARTIAL if not_attempted else ExitCode.DONE
        outcomes: Sequence[Outcome] = ()
        if plan.changes:
            code, outcomes = self._execute(writer, plan, code)
        return code, settled_fields(fields, contested, (*outcomes, *not_attempted), left)

    def _corrections(
        self, detection: Detection, contested: frozenset[FieldKey], now: dt.datetime
    ) -> Corrections:
        from reconciler.plan.correction import Permissions, corrections  # noqa: PLC0415 - --help needs no engine
        from reconciler.plan.drift import Correction  # noqa: PLC0415 - the same

        parameters = self._parameters
        correction = Correction(parameters["correct"])
        permissions = Permissions(parameters["allow_destroy"], parameters["secret_sink"] is not None)

        def is_wanted(address: str, change: FieldChange) -> bool:
            return correction.covers(change) and (address, change.field) not in contested

        plan, drifted = detection.plan, detection.drifted
        return corrections(self._kinds, plan, drifted, is_wanted, permissions, now)

    def _conflicts(self, fields: Sequence[DriftedField]) -> dict[FieldKey, str]:
        return {
            (field.address, field.change.field): f"{field.change.field} {_CONFLICT}".lstrip()
            for field in fields
            if field.origin is DriftOrigin.CONFLICT
        }

    def _tell_conflicts(self, fields: Sequence[DriftedField], plan: Plan) -> None:
        """Warn which corrections send what the files say only since the last apply."""
        from reconciler.plan.drift import record_names  # noqa: PLC0415 - as above

        sent = {(change.address, name) for change in plan.changes for name in record_names(change)}
        for field in fields:
            if field.origin is DriftOrigin.CONFLICT and (field.address, field.change.field) in sent:
                what = ": ".join(filter(None, (field.address, field.change.field)))
                self._console.note(f"In conflict, corrected to what the files say now: {what}")

    def _with_secret_store(self, plan: Plan, redactor: Redactor) -> tuple[Plan, tuple[Outcome, ...]]:
        """Open what stores the secrets of new keys. If it cannot be, none is created; the rest goes on."""
        adding = tuple(change for change in plan.changes if change.action.adds)
        if not adding:
            return plan, ()
        from reconciler.cli.sinks import secret_store  # noqa: PLC0415 - only a creation needs it

        try:
            self._secrets = secret_store(
                adding,
                build(SecretOptions, self._parameters),
                build(RecordOptions, self._parameters),
                self._clock,
                self._console,
                redactor,
            )
        except ReconcilerError as error:
            self._console.complain(error)
            others = tuple(change for change in plan.changes if not change.action.adds)
            outcomes = tuple(Outcome(change, Result.NOT_ATTEMPTED, str(error)) for change in adding)
            return replace(plan, changes=others), outcomes
        return plan, ()

    def _execute(self, writer: Writer, plan: Plan, code: ExitCode) -> tuple[ExitCode, Sequence[Outcome]]:
        from reconciler.apply.run import Freshness  # noqa: PLC0415 - --help needs no engine

        execution = Execution(
            writer,
            self._kinds,
            self._workers,
            self._console,
            self._records,
            self._stop,
            secrets=self._secrets,
        )
        try:
            ended, outcomes = execution.run(plan, Freshness.JUST_MADE)
        finally:
            self._secrets = None
        return ended or code, outcomes
