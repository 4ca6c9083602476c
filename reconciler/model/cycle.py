"""What a reconcile cycle found and did. Frozen values, no I/O.

Times are in UTC. Values of fields are in normal form, as plans show them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.model.frozen import dataclass
from reconciler.model.outcome import Result
from reconciler.model.plan import Action, DriftOrigin, Effect, FieldChange

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from reconciler.model.scope import Scope
    from reconciler.model.succession import Lifetimes


class FieldOutcome(StrEnum):
    """The outcome of a cycle for one drifted field or key."""

    LEFT = "left to a person"
    CORRECTED = "corrected"
    CONTESTED = "contested"
    FAILED = "correction failed"
    NOT_VERIFIED = "not verified"
    NOT_ATTEMPTED = "not attempted"
    REFUSED = "refused"
    ENDED = "no longer drifted"
    UNDECLARED = "no longer declared"
    CHANGED = "changed again"

    @classmethod
    def of(cls, result: Result) -> FieldOutcome:
        """Return the outcome for the fields of a key whose correction had this result."""
        return {
            Result.APPLIED: cls.CORRECTED,
            Result.FAILED: cls.FAILED,
            Result.NOT_VERIFIED: cls.NOT_VERIFIED,
        }.get(result, cls.NOT_ATTEMPTED)


class CycleResult(StrEnum):
    """How a cycle ended."""

    IN_SYNC = "in sync"
    CORRECTED = "corrected"
    DRIFTED = "drifted"
    PENDING = "pending"
    REFUSED = "refused"
    INCOMPLETE = "correction failed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def is_success(self) -> bool:
        """Whether everything could be compared, and every correction that was due was applied."""
        return self in {CycleResult.IN_SYNC, CycleResult.CORRECTED, CycleResult.DRIFTED, CycleResult.PENDING}


class ScopeState(StrEnum):
    """The state of a scope at the end of a cycle.

    ``PENDING``: the only differences are changes in Git that are not applied yet. ``INCOMPLETE``: the scope
    was read, and some of its keys could not be compared.
    """

    IN_SYNC = "in sync"
    PENDING = "pending"
    DRIFTED = "drifted"
    INCOMPLETE = "incomplete"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class DriftedField:
    """One drifted field, and its outcome in this cycle.

    If ``action`` is a creation or deletion, the key itself is missing or undeclared, and the values are all
    its fields.
    """

    scope: Scope
    name: str
    change: FieldChange
    outcome: FieldOutcome
    detail: str = ""
    action: Action = Action.UPDATE

    @property
    def origin(self) -> DriftOrigin | None:
        """Return which side changed, if that is known."""
        return self.change.origin if isinstance(self.change.origin, DriftOrigin) else None

    @property
    def address(self) -> str:
        """Return the address of the key."""
        return self.scope.address(self.name)

    @property
    def key(self) -> tuple[str, str]:
        """Return the identifier of the drift: the address of the key, and the name of the field."""
        return self.address, self.change.field

    @property
    def desired(self) -> Any:
        """Return the desired value."""
        return self.change.before

    @property
    def live(self) -> Any:
        """Return the live value."""
        return self.change.after


@dataclass(frozen=True, slots=True)
class ScopeReport:
    """The state of one scope: the number of its live keys, and the error if it could not be read or compared.

    ``unmanaged`` are the addresses of live keys that no file declares, where the scope is not exclusive.
    """

    scope: Scope
    state: ScopeState
    keys: int = 0
    detail: str = ""
    unmanaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CycleReport:
    """The report of a cycle: ``errors`` are error messages, ``pending`` the differences that Git alone made.

    ``new_keys`` are the addresses of undeclared live keys that were created after the first cycle.
    ``lifetimes`` are those of all declared keys, None where nothing was read.
    """

    began: dt.datetime
    ended: dt.datetime
    result: CycleResult
    scopes: tuple[ScopeReport, ...] = ()
    fields: tuple[DriftedField, ...] = ()
    errors: tuple[str, ...] = ()
    pending: tuple[DriftedField, ...] = ()
    new_keys: tuple[str, ...] = ()
    lifetimes: Lifetimes | None = None

    @property
    def seconds(self) -> float:
        """Return the duration of the cycle in seconds."""
        return (self.ended - self.began).total_seconds()

    @property
    def outages(self) -> frozenset[str]:
        """Return the APIs that could not be read at all, if there are several APIs."""
        read = {part.scope.api for part in self.scopes if part.state is not ScopeState.UNREACHABLE}
        return frozenset(part.scope.api for part in self.scopes if part.scope.shown_api) - read

    @property
    def is_outage_alone(self) -> bool:
        """Return whether the cycle failed, and only because some of the APIs could not be read."""
        unclear = {ScopeState.UNREACHABLE, ScopeState.INCOMPLETE}
        others = {part.scope.api for part in self.scopes if part.state in unclear} - self.outages
        return self.result is CycleResult.FAILED and not self.is_blind and not others

    @property
    def is_blind(self) -> bool:
        """Whether no scope could be read."""
        return self.result is CycleResult.FAILED and not any(
            scope.state is not ScopeState.UNREACHABLE for scope in self.scopes
        )


def effect_of_fields(fields: Sequence[DriftedField]) -> Effect:
    """Return the effect on access of the drift of several fields of one key."""
    return Effect.joined(field.change.effect for field in fields)
