"""Correct drift, within the limits and permissions of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.apply.executor import apply_in
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.model.frozen import dataclass
from reconciler.model.outcome import Outcome, Result
from reconciler.model.phrases import first_texts
from reconciler.model.plan import DriftOrigin, Freshness
from reconciler.model.source import Problem
from reconciler.plan.correction import corrections
from reconciler.plan.drift import record_names
from reconciler.plan.limits import refusals
from reconciler.service.detection import refused_fields, settled_fields

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from reconciler.api.client import Sessions
    from reconciler.api.redaction import Redactor
    from reconciler.apply.observer import Observer
    from reconciler.apply.sinks.store import SinkSecretStore
    from reconciler.model.cycle import DriftedField
    from reconciler.model.plan import FieldChange, Plan
    from reconciler.plan.drift import Correction
    from reconciler.plan.report import DriftReport
    from reconciler.service.history.cycles import FieldKey
    from reconciler.service.records import Records
    from reconciler.service.settings import DriftSettings, Ports

_CONFLICT: Final = "changed in the files too, which apply has not sent yet; apply, or --correct all, sends it"


@dataclass(frozen=True, slots=True)
class Corrector:
    """Sends the requests that undo drift."""

    settings: DriftSettings
    ports: Ports
    records: Records

    def correct(  # noqa: PLR0913, PLR0917 - what decides about each field
        self,
        client: Sessions,
        detection: DriftReport,
        fields: tuple[DriftedField, ...],
        wanted: Correction,
        contested: frozenset[FieldKey],
        now: dt.datetime,
    ) -> tuple[ExitCode, tuple[DriftedField, ...]]:
        """Correct the ``wanted`` drift that may be corrected; return the outcomes of all ``fields``."""

        def is_wanted(address: str, change: FieldChange) -> bool:
            return wanted.covers(change) and (address, change.field) not in contested

        conflicts = {field.key: field for field in fields if field.origin is DriftOrigin.CONFLICT}
        planned = corrections(
            self.ports.kinds, detection.plan, detection.drifted, is_wanted, self.settings.permissions, now
        )
        left = {key: f"{key[1]} {_CONFLICT}".lstrip() for key in conflicts} | dict(planned.left)
        reasons = refusals(planned.plan, self.settings.limits)
        if reasons:
            plan = replace(planned.plan, refusals=tuple(map(Problem, reasons)))
            for text in first_texts(plan.errors):
                self.ports.observer.error(text, "correction.refused")
            self.ports.observer.note("Nothing was corrected.", "correction.refused")
            return ExitCode.REFUSED, refused_fields(settled_fields(fields, contested, (), left), plan)
        plan, not_attempted, store = self._with_store(planned.plan, client.redactor)
        sent = {(change.address, name) for change in plan.changes for name in record_names(change)}
        for key in conflicts:
            if key in sent:
                what = ": ".join(filter(None, key))
                text = f"In conflict, corrected to the present value in the files: {what}"
                self.ports.observer.note(text, "correction.conflict", key[0])

        def send(observers: Sequence[Observer]) -> tuple[Outcome, ...]:
            return apply_in(client, self.ports.kinds, plan, Freshness.JUST_MADE, observers, store)

        code, outcomes = ExitCode.DONE, tuple[Outcome, ...]()
        if plan.changes:
            code, outcomes = self.records.apply(plan, store, self.ports.observer, client.stop, send)
        for text in store.published if store is not None else ():
            self.ports.observer.note(f"{text}.", "secret.alias")
        is_whole = not not_attempted and (store is None or not store.failures)
        code = code or (ExitCode.DONE if is_whole else ExitCode.PARTIAL)
        return code, settled_fields(fields, contested, (*outcomes, *not_attempted), left)

    def _with_store(
        self, plan: Plan, redactor: Redactor
    ) -> tuple[Plan, tuple[Outcome, ...], SinkSecretStore | None]:
        """Open the store for the secrets of new keys.

        If it cannot be opened, changes that need it are left out.
        """
        may_store = self.settings.permissions.may_store
        needing = tuple(
            change
            for change in plan.changes
            if change.action.adds or (change.waits_for is not None and may_store)
        )
        if not needing:
            return plan, (), None
        try:
            return plan, (), self.ports.open_store(needing, plan.aliases, redactor)
        except ReconcilerError as error:
            for text in error.texts:
                self.ports.observer.error(text, "sink.failed")
            others = tuple(change for change in plan.changes if change not in needing)
            outcomes = tuple(Outcome(change, Result.NOT_ATTEMPTED, str(error)) for change in needing)
            return replace(plan, changes=others), outcomes, None
