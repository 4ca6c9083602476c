"""The drift of a run, by key, field and scope. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.cycle import DriftedField, FieldOutcome, ScopeReport, ScopeState
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import and_more
from reconciler.model.plan import Action
from reconciler.model.scope import scope_text
from reconciler.plan.drift import DriftedKey, drift_of, drifted_part, pending_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.errors import ReconcilerError
    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredState
    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.model.source import Problem
    from reconciler.plan.planning import Selection

_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class DriftSince:
    """The drift since an earlier report: other values, and fields that no longer differ, by address and name.

    ``known`` is the base of the next report.
    """

    found: tuple[DriftedField, ...]
    ended: tuple[tuple[str, str], ...]
    known: Mapping[tuple[str, str], DriftedField]


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The live keys that differ from their declarations, in the scopes that could be read.

    ``plan`` would undo all differences. ``drifted`` are the differences made outside Git, or possibly so;
    ``pending`` are those that Git alone made. ``unread`` are the other scopes, with the reasons.
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
        """Return the problems of differences that are known but cannot be applied."""
        compared = {change.address for change in (*self.plan.changes, *self.plan.withheld)}
        return tuple(
            problem for problem in self.plan.problems if problem.address in compared and not problem.is_live
        )

    @property
    def doubtful_scopes(self) -> tuple[Scope, ...]:
        """Return the scopes without live keys whose declared keys are not known to have been live."""
        unknown = {
            key.correction.scope
            for key in self.drifted
            if key.action is Action.DELETE and key.origins == {None}
        }
        return tuple(scope for scope, count in self.plan.observed if not count and scope in unknown)

    def fields(self) -> tuple[DriftedField, ...]:
        """Return each drifted field or key; the outcome of all is that they are left to a person."""
        return _fields(self.drifted)

    def since(self, known: Mapping[tuple[str, str], DriftedField]) -> DriftSince:
        """Return the drift since a report with the ``known`` fields; those not compared remain known."""
        now = {field.key: field for field in self.fields()}
        gone = sorted(known.keys() - now.keys())
        problems = {problem.address for problem in self.problems}
        unread = tuple(f"{scope}/" for scope in self.unread)
        left = {key: known[key] for key in gone if key[0] in problems or key[0].startswith(unread)}
        return DriftSince(
            tuple(field for key, field in now.items() if field != known.get(key)),
            tuple(key for key in gone if key not in left),
            now | left,
        )

    def pending_fields(self) -> tuple[DriftedField, ...]:
        """Return each field or key that waits for ``apply``."""
        return _fields(self.pending)

    def scopes(self) -> tuple[ScopeReport, ...]:
        """Return the state of each scope before any correction."""
        drifted = {key.correction.scope for key in self.drifted}
        pending = {key.correction.scope for key in self.pending}
        unmanaged: dict[str, list[str]] = {str(scope): [] for scope, _ in self.plan.observed}
        for address in self.plan.unmanaged:
            unmanaged.setdefault(scope_text(address, unmanaged), []).append(address)

        def report(scope: Scope, keys: int) -> ScopeReport:
            problems = self._problems_of(scope)
            states = {
                ScopeState.INCOMPLETE: bool(problems),
                ScopeState.DRIFTED: scope in drifted,
                ScopeState.PENDING: scope in pending,
                ScopeState.IN_SYNC: True,
            }
            state = next(state for state, is_so in states.items() if is_so)
            rest = [and_more(len(problems) - _NAMED)] if len(problems) > _NAMED else []
            detail = "; ".join([*problems[:_NAMED], *rest])
            return ScopeReport(scope, state, keys, detail, tuple(unmanaged[str(scope)]))

        read = (report(scope, keys) for scope, keys in self.plan.observed)
        unread = (
            ScopeReport(scope, ScopeState.UNREACHABLE, detail=str(error))
            for scope, error in self.unread.items()
        )
        return tuple(sorted((*read, *unread), key=lambda part: part.scope.sort_key))

    def compared(self, state: DesiredState, selected: Selection) -> Callable[[str], bool]:
        """Return a function that returns whether an address was compared, or is no longer declared.

        A key was not compared if its scope could not be read, it has a problem, or it is not selected. Where
        names could not be looked up, every scope that they may mean counts as not read.
        """
        unread = tuple(f"{scope}/" for scope in self.unread)
        problems = {problem.address for problem in self.problems}
        declared = {str(part.scope) for part in state.scopes}

        def was_compared(address: str) -> bool:
            if state.unresolved and state.doubt(address) is not None:
                return False
            settled = address not in problems and not address.startswith(unread)
            return selected(address) and (settled or not scope_text(address, declared))

        return was_compared

    def _problems_of(self, scope: Scope) -> list[str]:
        """Return the problems of a scope; a problem without an address may concern any scope."""
        return [
            f"{problem.address}: {problem.message}".removeprefix(": ")
            for problem in self.problems
            if not problem.address or f"{problem.address}/".startswith(f"{scope}/")
        ]


def report_of(kinds: Mapping[str, Kind], plan: Plan, unread: Mapping[Scope, ReconcilerError]) -> DriftReport:
    """Return the drift in ``plan``, which covers the scopes that could be read."""
    keys = drift_of(kinds, plan)
    return DriftReport(plan, drifted_part(keys), unread, pending_part(keys))


def _fields(keys: Iterable[DriftedKey]) -> tuple[DriftedField, ...]:
    return tuple(
        DriftedField(key.correction.scope, key.correction.name, record, FieldOutcome.LEFT, action=key.action)
        for key in keys
        for record in key.records
    )
