"""One round of drift detection: what was found, and what is reported of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.errors import ExitCode, StoppedError, UnreadableError
from reconciler.model import Result
from reconciler.report import DriftedField, FieldOutcome, RoundResult, ScopeReport, Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from reconciler.declared import DesiredState
    from reconciler.drift import DriftedKey
    from reconciler.errors import ReconcilerError
    from reconciler.model import Outcome, Plan
    from reconciler.scope import Scope

    FieldKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Detection:
    """What a round found: the plan that would bring everything back, the drift, the scopes not read."""

    plan: Plan
    drifted: tuple[DriftedKey, ...]
    unread: Mapping[Scope, ReconcilerError]

    def fields(self) -> tuple[DriftedField, ...]:
        """Give each drifted field, as yet left to a person."""
        return tuple(
            DriftedField(key.correction.scope, key.correction.name, change, FieldOutcome.LEFT)
            for key in self.drifted
            for change in key.fields
        )

    def scopes(self) -> tuple[ScopeReport, ...]:
        """Give how each scope stands before anything is corrected."""
        drifted = {key.correction.scope for key in self.drifted}
        read = (
            ScopeReport(scope, Standing.DRIFTED if scope in drifted else Standing.IN_SYNC, keys)
            for scope, keys in self.plan.observed
        )
        unread = (
            ScopeReport(scope, Standing.UNREACHABLE, detail=str(error))
            for scope, error in self.unread.items()
        )
        return tuple(sorted((*read, *unread), key=lambda part: part.scope.sort_key))

    def compared(self, state: DesiredState, selected: Callable[[str], bool]) -> Callable[[str], bool]:
        """Give what tells whether an address was compared in this round, or is no longer declared.

        Not so is a key of a scope that could not be read, one with a problem, and one that is not selected.
        """
        unread = tuple(f"{scope}/" for scope in self.unread)
        problems = {problem.address for problem in self.plan.problems}
        declared = {str(part.scope) for part in state.scopes}

        def was_compared(address: str) -> bool:
            known = address.rpartition("/")[0] in declared
            settled = address not in problems and not address.startswith(unread)
            return selected(address) and (settled or not known)

        return was_compared


def settled_fields(
    fields: Iterable[DriftedField], contested: Collection[FieldKey], outcomes: Iterable[Outcome]
) -> tuple[DriftedField, ...]:
    """Give ``fields`` with what became of them."""
    by_field = {
        (outcome.change.address, field.field): outcome
        for outcome in outcomes
        for field in outcome.change.fields
    }
    return tuple(_settled(field, contested, by_field) for field in fields)


def refused_fields(fields: Iterable[DriftedField], correction: Plan) -> tuple[DriftedField, ...]:
    """Give ``fields`` with those marked that ``correction``, which was refused, would have corrected."""
    wanted = {(change.address, field.field) for change in correction.changes for field in change.fields}
    return tuple(
        replace(field, outcome=FieldOutcome.REFUSED)
        if (field.address, field.change.field) in wanted
        else field
        for field in fields
    )


def scopes_after(scopes: Iterable[ScopeReport], fields: Iterable[DriftedField]) -> tuple[ScopeReport, ...]:
    """Give how scopes stand once ``fields`` have become what they are."""
    left = {field.scope for field in fields if field.outcome is not FieldOutcome.CORRECTED}
    return tuple(
        replace(part, standing=Standing.IN_SYNC)
        if part.standing is Standing.DRIFTED and part.scope not in left
        else part
        for part in scopes
    )


def unreachable_scopes(state: DesiredState, error: ReconcilerError) -> tuple[ScopeReport, ...]:
    """Give the scopes of ``state`` after a round that ``error`` ended before anything was compared.

    That a round was interrupted says nothing of them.
    """
    causes = error.causes if isinstance(error, UnreadableError) else {}
    if any(isinstance(cause, StoppedError) for cause in (error, *causes.values())):
        return ()
    return tuple(
        ScopeReport(part.scope, Standing.UNREACHABLE, detail=str(causes.get(str(part.scope), error)))
        for part in state.scopes
    )


def round_result(detection: Detection, fields: Collection[DriftedField], code: ExitCode) -> RoundResult:
    """Name the result of a round by what is left of the drift, and how its corrections ended."""
    if code is not ExitCode.DONE:
        known = {ExitCode.INTERRUPTED: RoundResult.INTERRUPTED, ExitCode.REFUSED: RoundResult.REFUSED}
        return known.get(code, RoundResult.INCOMPLETE)
    if detection.plan.problems:
        return RoundResult.FAILED
    if any(field.outcome is not FieldOutcome.CORRECTED for field in fields):
        return RoundResult.DRIFTED
    return RoundResult.CORRECTED if fields else RoundResult.IN_SYNC


def _settled(
    field: DriftedField, contested: Collection[FieldKey], outcomes: Mapping[FieldKey, Outcome]
) -> DriftedField:
    key = (field.address, field.change.field)
    outcome = outcomes.get(key)
    if outcome is not None:
        detail = "" if outcome.result is Result.APPLIED else outcome.detail
        return replace(field, outcome=FieldOutcome.of(outcome.result), detail=detail)
    return replace(field, outcome=FieldOutcome.CONTESTED) if key in contested else field
