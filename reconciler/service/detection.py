"""One round of drift detection: what was found, and what is reported of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from reconciler.errors import ExitCode, StoppedError, UnreadableError
from reconciler.model.cycle import CycleResult, DriftedField, FieldOutcome, ScopeReport, ScopeState
from reconciler.model.outcome import Result
from reconciler.plan.drift import record_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from reconciler.errors import ReconcilerError
    from reconciler.model.desired import DesiredState
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.model.source import Problem
    from reconciler.plan.drift import DriftedKey

    FieldKey = tuple[str, str]

NOTHING_LEFT: Final[Mapping[FieldKey, str]] = MappingProxyType({})
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Detection:
    """What a round found: the plan that would make everything as desired, and the scopes that were not read.

    ``drifted`` is what changed outside Git, or may have; ``pending`` is what Git alone changed.
    """

    plan: Plan
    drifted: tuple[DriftedKey, ...]
    unread: Mapping[Scope, ReconcilerError]
    pending: tuple[DriftedKey, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return why something could not be compared."""
        obstacles = set(self.obstacles)
        return tuple(problem for problem in self.plan.problems if problem not in obstacles)

    @property
    def obstacles(self) -> tuple[Problem, ...]:
        """Return why some of what differs could not be applied as it stands: of it all is known."""
        compared = {change.address for change in (*self.plan.changes, *self.plan.missing)}
        return tuple(
            problem for problem in self.plan.problems if problem.address in compared and not problem.is_live
        )

    def fields(self) -> tuple[DriftedField, ...]:
        """Return each drifted field, and each key created or deleted, as yet left to a person."""
        return _fields(self.drifted)

    def pending_fields(self) -> tuple[DriftedField, ...]:
        """Return each field, and each key as a whole, that waits for ``apply``."""
        return _fields(self.pending)

    def scopes(self) -> tuple[ScopeReport, ...]:
        """Return how each scope stands before anything is corrected."""
        drifted = {key.correction.scope for key in self.drifted}
        pending = {key.correction.scope for key in self.pending}
        unmanaged: dict[str, list[str]] = {}
        for address in self.plan.unmanaged:
            unmanaged.setdefault(address.rpartition("/")[0], []).append(address)
        read = []
        for scope, keys in self.plan.observed:
            problems = self._problems_of(scope)
            standing = _standing(
                is_incomplete=bool(problems), is_drifted=scope in drifted, is_pending=scope in pending
            )
            rest = [f"and {len(problems) - _NAMED} more"] if len(problems) > _NAMED else []
            detail = "; ".join([*problems[:_NAMED], *rest])
            read.append(ScopeReport(scope, standing, keys, detail, tuple(unmanaged.get(str(scope), ()))))
        unread = (
            ScopeReport(scope, ScopeState.UNREACHABLE, detail=str(error))
            for scope, error in self.unread.items()
        )
        return tuple(sorted((*read, *unread), key=lambda part: part.scope.sort_key))

    def compared(self, state: DesiredState, selected: Callable[[str], bool]) -> Callable[[str], bool]:
        """Return what tells whether an address was compared in this round, or is no longer declared.

        Not so is a key of a scope that could not be read, one with a problem, and one that is not selected.
        """
        unread = tuple(f"{scope}/" for scope in self.unread)
        problems = {problem.address for problem in self.problems}
        declared = {str(part.scope) for part in state.scopes}

        def was_compared(address: str) -> bool:
            known = address.rpartition("/")[0] in declared
            settled = address not in problems and not address.startswith(unread)
            return selected(address) and (settled or not known)

        return was_compared

    def _problems_of(self, scope: Scope) -> list[str]:
        """Return the problems of a scope; one without an address may be of any."""
        return [
            f"{problem.address}: {problem.message}".removeprefix(": ")
            for problem in self.problems
            if not problem.address or f"{problem.address}/".startswith(f"{scope}/")
        ]


def _fields(keys: Iterable[DriftedKey]) -> tuple[DriftedField, ...]:
    return tuple(
        DriftedField(key.correction.scope, key.correction.name, record, FieldOutcome.LEFT, action=key.action)
        for key in keys
        for record in key.records
    )


def _standing(*, is_incomplete: bool, is_drifted: bool, is_pending: bool) -> ScopeState:
    if is_incomplete:
        return ScopeState.INCOMPLETE
    if is_drifted:
        return ScopeState.DRIFTED
    return ScopeState.PENDING if is_pending else ScopeState.IN_SYNC


def settled_fields(
    fields: Iterable[DriftedField],
    contested: Collection[FieldKey],
    outcomes: Iterable[Outcome],
    left: Mapping[FieldKey, str] = NOTHING_LEFT,
) -> tuple[DriftedField, ...]:
    """Return ``fields`` with what became of them; ``left`` says why some were not corrected."""
    by_field = {
        (outcome.change.address, name): outcome
        for outcome in outcomes
        for name in record_names(outcome.change)
    }
    return tuple(_settled(field, contested, by_field, left) for field in fields)


def refused_fields(fields: Iterable[DriftedField], correction: Plan) -> tuple[DriftedField, ...]:
    """Return ``fields`` with those marked that ``correction``, which was refused, would have corrected."""
    wanted = {(change.address, name) for change in correction.changes for name in record_names(change)}
    return tuple(
        replace(field, outcome=FieldOutcome.REFUSED)
        if (field.address, field.change.field) in wanted
        else field
        for field in fields
    )


def scopes_after(
    scopes: Iterable[ScopeReport], fields: Iterable[DriftedField], pending: Iterable[DriftedField] = ()
) -> tuple[ScopeReport, ...]:
    """Return how scopes stand once ``fields`` have become what they are."""
    left = {field.scope for field in fields if field.outcome is not FieldOutcome.CORRECTED}
    waiting = {field.scope for field in pending}
    return tuple(
        replace(part, state=ScopeState.PENDING if part.scope in waiting else ScopeState.IN_SYNC)
        if part.state is ScopeState.DRIFTED and part.scope not in left
        else part
        for part in scopes
    )


def unreachable_scopes(state: DesiredState, error: ReconcilerError) -> tuple[ScopeReport, ...]:
    """Return the scopes of ``state`` after a round that ``error`` ended before anything was compared.

    That a round was interrupted says nothing of them.
    """
    causes = error.causes if isinstance(error, UnreadableError) else {}
    if any(isinstance(cause, StoppedError) for cause in (error, *causes.values())):
        return ()
    return tuple(
        ScopeReport(part.scope, ScopeState.UNREACHABLE, detail=str(causes.get(str(part.scope), error)))
        for part in state.scopes
    )


def cycle_result(detection: Detection, fields: Collection[DriftedField], code: ExitCode) -> CycleResult:
    """Name the result of a round by what is left of the drift, and how its corrections ended."""
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


def _settled(
    field: DriftedField,
    contested: Collection[FieldKey],
    outcomes: Mapping[FieldKey, Outcome],
    left: Mapping[FieldKey, str],
) -> DriftedField:
    key = (field.address, field.change.field)
    outcome = outcomes.get(key)
    if outcome is not None:
        detail = "" if outcome.result is Result.APPLIED else outcome.detail
        return replace(field, outcome=FieldOutcome.of(outcome.result), detail=detail)
    if key in contested:
        return replace(field, outcome=FieldOutcome.CONTESTED)
    return replace(field, detail=left.get(key, ""))
