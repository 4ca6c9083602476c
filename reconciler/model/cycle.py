"""What a reconcile cycle found and did. Frozen values, no I/O.

Times are in UTC. Values of fields are in normal form, as plans show them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.model.frozen import dataclass
from reconciler.model.outcome import Result
from reconciler.model.plan import Action, DriftOrigin, Effect, FieldChange, effect_of_all

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from reconciler.model.scope import Scope
    from reconciler.model.succession import Lifetimes


class FieldOutcome(StrEnum):
    """What became of a field, or a key, that was not as desired."""

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
        """Return what the result of a correction means for its fields."""
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
        """Whether everything could be compared, and whatever was to be corrected is."""
        return self in {CycleResult.IN_SYNC, CycleResult.CORRECTED, CycleResult.DRIFTED, CycleResult.PENDING}


class ScopeState(StrEnum):
    """The state of a scope at the end of a cycle.

    ``PENDING``: only Git is ahead. ``INCOMPLETE``: it was read, and something in it is a problem.
    """

    IN_SYNC = "in sync"
    PENDING = "pending"
    DRIFTED = "drifted"
    INCOMPLETE = "incomplete"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class DriftedField:
    """One field that does not hold what is desired, and what became of it in this cycle.

    Where the key itself was created or deleted, which ``action`` says, it is about the whole key.
    """

    scope: Scope
    name: str
    change: FieldChange
    outcome: FieldOutcome
    detail: str = ""
    action: Action = Action.UPDATE

    @property
    def origin(self) -> DriftOrigin | None:
        """Return which side moved, if that is known."""
        return self.change.origin if isinstance(self.change.origin, DriftOrigin) else None

    @property
    def address(self) -> str:
        """Return the address of the key."""
        return self.scope.address(self.name)

    @property
    def key(self) -> tuple[str, str]:
        """Return what identifies it: the address of the key, and the name of the field."""
        return self.address, self.change.field

    @property
    def desired(self) -> Any:
        """Return what the files say: drift goes from the declared to the live value."""
        return self.change.before

    @property
    def live(self) -> Any:
        """Return the live value."""
        return self.change.after


@dataclass(frozen=True, slots=True)
class ScopeReport:
    """The state of one scope: its number of live keys, and why it could not be read or compared if so.

    ``unmanaged`` are the addresses of live keys that no file declares, where the scope is not exclusive.
    """

    scope: Scope
    state: ScopeState
    keys: int = 0
    detail: str = ""
    unmanaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CycleReport:
    """One whole cycle: ``errors`` are all its texts about errors, ``pending`` what Git alone changed.

    ``new_keys`` are the addresses of undeclared live keys that were created since cycles began. ``lifetimes``
    are those of all declared keys, None where nothing was read.
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
        """Return how long the cycle took."""
        return (self.ended - self.began).total_seconds()

    @property
    def outages(self) -> frozenset[str]:
        """Return the APIs of which nothing could be read, where there are several."""
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
        """Whether nothing at all could be read."""
        return self.result is CycleResult.FAILED and not any(
            scope.state is not ScopeState.UNREACHABLE for scope in self.scopes
        )


def effect_of_fields(fields: Sequence[DriftedField]) -> Effect:
    """Return what the drift of several fields of one key did to its access."""
    return effect_of_all([field.change for field in fields])
