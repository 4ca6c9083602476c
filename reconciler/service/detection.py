"""The detection of drift in one reconcile cycle, and the results that are reported."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from reconciler.errors import ExitCode, StoppedError, UnreadableError
from reconciler.model.cycle import CycleResult, DriftedField, FieldOutcome, ScopeReport, ScopeState
from reconciler.model.outcome import Result
from reconciler.model.source import Problem
from reconciler.pipeline.comparing import drift
from reconciler.pipeline.reading import directory_of
from reconciler.plan.drift import record_names
from reconciler.plan.origins import state_as_base

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterable, Mapping

    from reconciler.api.client import Sessions
    from reconciler.errors import ReconcilerError
    from reconciler.model.desired import DesiredState
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Plan
    from reconciler.pipeline.execution import Executor
    from reconciler.plan.origins import KeyAtBase
    from reconciler.plan.report import DriftReport
    from reconciler.service.history.cycles import FieldKey
    from reconciler.service.settings import DriftSettings, Ports

_NOT_COMMITTED: Final = "not committed; a difference from it may be your own change, not drift"


def detect(  # noqa: PLR0913, PLR0917 - what a comparison depends on
    client: Sessions,
    state: DesiredState,
    settings: DriftSettings,
    ports: Ports,
    applied: Callable[[Plan], KeyAtBase] | None,
    now: dt.datetime,
    executor: Executor,
) -> DriftReport:
    """Read the live keys and compare them with the files, as far as they can be read.

    ``applied`` returns the base state of the keys of a plan from a history; it is None without a history.
    Raises ReconcilerError if nothing can be read, or the base cannot.
    """
    origins, base = applied, ports.base(directory_of(client), now)
    if base is not None:
        before = base.comparable
        origins = None if before is None else partial(state_as_base, ports.kinds, base=before)
    report = drift(
        state,
        client,
        kinds=ports.kinds,
        targets=settings.targets,
        now=now,
        origins=origins,
        reading=lambda part: ports.observer.progress("Reading scopes", len(part.scopes)),
        executor=executor,
    )
    files = ports.not_committed() if (*report.drifted, *report.pending) else ()
    changed = tuple(Problem(f"{file}: {_NOT_COMMITTED}") for file in files)
    warnings = (*report.plan.warnings, *(() if base is None else base.warnings), *changed)
    return replace(report, plan=replace(report.plan, warnings=warnings))


def settled_fields(
    fields: Iterable[DriftedField],
    contested: Collection[FieldKey],
    outcomes: Iterable[Outcome],
    left: Mapping[FieldKey, str] = MappingProxyType({}),
) -> tuple[DriftedField, ...]:
    """Return ``fields`` with their outcomes; ``left`` are the reasons why some were not corrected."""
    by_field = {
        (outcome.change.address, name): outcome
        for outcome in outcomes
        for name in record_names(outcome.change)
    }

    def settled(field: DriftedField) -> DriftedField:
        outcome = by_field.get(field.key)
        if outcome is not None:
            detail = outcome.notice if outcome.result is Result.APPLIED else outcome.detail
            return replace(field, outcome=FieldOutcome.of(outcome.result), detail=detail)
        if field.key in contested:
            return replace(field, outcome=FieldOutcome.CONTESTED)
        return replace(field, detail=left.get(field.key, ""))

    return tuple(map(settled, fields))


def refused_fields(fields: Iterable[DriftedField], correction: Plan) -> tuple[DriftedField, ...]:
    """Return ``fields``, with those marked as refused that the refused plan ``correction`` would correct."""
    wanted = {(change.address, name) for change in correction.changes for name in record_names(change)}
    return tuple(
        replace(field, outcome=FieldOutcome.REFUSED) if field.key in wanted else field for field in fields
    )


def scopes_after(
    scopes: Iterable[ScopeReport], fields: Iterable[DriftedField], pending: Iterable[DriftedField] = ()
) -> tuple[ScopeReport, ...]:
    """Return the state of each scope after the corrections of ``fields``."""
    left = {field.scope for field in fields if field.outcome is not FieldOutcome.CORRECTED}
    waiting = {field.scope for field in pending}
    return tuple(
        replace(part, state=ScopeState.PENDING if part.scope in waiting else ScopeState.IN_SYNC)
        if part.state is ScopeState.DRIFTED and part.scope not in left
        else part
        for part in scopes
    )


def unreachable_scopes(state: DesiredState, error: ReconcilerError) -> tuple[ScopeReport, ...]:
    """Return the scopes of ``state`` after a cycle that ``error`` ended before anything was compared.

    After an interruption their state is unknown, and the result is empty.
    """
    causes = error.causes if isinstance(error, UnreadableError) else {}
    if any(isinstance(cause, StoppedError) for cause in (error, *causes.values())):
        return ()
    return tuple(
        ScopeReport(part.scope, ScopeState.UNREACHABLE, detail=str(causes.get(str(part.scope), error)))
        for part in state.scopes
    )


def cycle_result(detection: DriftReport, fields: Collection[DriftedField], code: ExitCode) -> CycleResult:
    """Return the result of a cycle by its remaining drift and the exit code of its corrections."""
    if code is not ExitCode.DONE:
        known = {ExitCode.INTERRUPTED: CycleResult.INTERRUPTED, ExitCode.REFUSED: CycleResult.REFUSED}
        return known.get(code, CycleResult.INCOMPLETE)
    if detection.problems:
        return CycleResult.FAILED
    if any(field.outcome is not FieldOutcome.CORRECTED for field in fields):
        return CycleResult.DRIFTED
    if fields:
        return CycleResult.CORRECTED
    return CycleResult.PENDING if detection.pending else CycleResult.IN_SYNC
