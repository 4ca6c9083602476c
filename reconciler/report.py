"""What a round found and did, and what a history remembers of all rounds. Frozen values, no I/O.

Moments are in UTC. Values of fields are in normal form, as plans show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.errors import ExitCode
from reconciler.model import Result, effect_of_all

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from reconciler.model import Effect, FieldChange
    from reconciler.scope import Scope


class FieldOutcome(StrEnum):
    """What became of a field that somebody changed outside Git."""

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
        """Give what the result of a correction means for its fields."""
        return {
            Result.APPLIED: cls.CORRECTED,
            Result.FAILED: cls.FAILED,
            Result.NOT_VERIFIED: cls.NOT_VERIFIED,
        }.get(result, cls.NOT_ATTEMPTED)


class RoundResult(StrEnum):
    """How a round ended."""

    IN_SYNC = "in sync"
    CORRECTED = "corrected"
    DRIFTED = "drifted"
    REFUSED = "refused"
    INCOMPLETE = "correction failed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def exit_code(self) -> ExitCode:
        """Give what a command whose round ended so tells the shell."""
        return {
            RoundResult.DRIFTED: ExitCode.CHANGES,
            RoundResult.REFUSED: ExitCode.REFUSED,
            RoundResult.INCOMPLETE: ExitCode.PARTIAL,
            RoundResult.FAILED: ExitCode.ERROR,
            RoundResult.INTERRUPTED: ExitCode.INTERRUPTED,
        }.get(self, ExitCode.DONE)

    @property
    def is_success(self) -> bool:
        """Whether everything could be read, and whatever was to be corrected is."""
        return self in {RoundResult.IN_SYNC, RoundResult.CORRECTED, RoundResult.DRIFTED}


class Standing(StrEnum):
    """How a scope stood at the end of a round."""

    IN_SYNC = "in sync"
    DRIFTED = "drifted"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class DriftedField:
    """One field that holds something else than declared, and what became of it in this round."""

    scope: Scope
    name: str
    change: FieldChange
    outcome: FieldOutcome
    detail: str = ""

    @property
    def address(self) -> str:
        """Give the address of the key."""
        return self.scope.address(self.name)

    @property
    def declared(self) -> Any:
        """Give what the files say: drift goes from the declared to the live value."""
        return self.change.before

    @property
    def live(self) -> Any:
        """Give what the API answered."""
        return self.change.after


@dataclass(frozen=True, slots=True)
class ScopeReport:
    """How one scope stands: its number of live keys, and why it could not be read if that is so."""

    scope: Scope
    standing: Standing
    keys: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RoundReport:
    """One whole round: ``errors`` are all the texts that it told as errors."""

    began: dt.datetime
    ended: dt.datetime
    result: RoundResult
    scopes: tuple[ScopeReport, ...] = ()
    fields: tuple[DriftedField, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Give how long the round took."""
        return (self.ended - self.began).total_seconds()

    @property
    def is_blind(self) -> bool:
        """Whether nothing at all could be read."""
        return self.result is RoundResult.FAILED and not any(
            scope.standing is not Standing.UNREACHABLE for scope in self.scopes
        )


@dataclass(frozen=True, slots=True)
class Episode:
    """One field's drift from the round that first saw it to the last, with one declared and one live value.

    ``rounds`` counts the rounds that saw it, all in a row. ``ended`` is None while it goes on.
    ``corrected`` is the moment and ``run`` the identifier of the run that corrected it, if one did.
    """

    address: str
    field: str
    effect: Effect
    reason: str
    declared: Any
    live: Any
    first_seen: dt.datetime
    last_seen: dt.datetime
    rounds: int
    outcome: FieldOutcome
    detail: str = ""
    ended: dt.datetime | None = None
    corrected: dt.datetime | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Contest:
    """A field that somebody keeps changing back: it is reported, and no longer corrected.

    ``live`` is what it held when last seen, ``corrections`` how often it had been corrected by then.
    """

    address: str
    field: str
    declared: Any
    live: Any
    since: dt.datetime
    corrections: int


@dataclass(frozen=True, slots=True)
class ScopeStatus:
    """How a scope stood in the last round, and since when it has stood so."""

    scope: str
    standing: Standing
    since: dt.datetime
    keys: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RoundSummary:
    """A round as the history keeps it; ``ended`` and ``result`` are None if it was cut off, or still runs."""

    began: dt.datetime
    ended: dt.datetime | None
    result: RoundResult | None
    run: str
    drifted: int
    corrected: int
    contested: int
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """The drift of one key, latest episode first; ``omitted`` counts earlier episodes that are left out."""

    address: str
    episodes: tuple[Episode, ...]
    omitted: int = 0

    @property
    def is_drifted(self) -> bool:
        """Whether a field of the key is drifted now."""
        return any(episode.ended is None for episode in self.episodes)


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """What only a running service knows; ``failing_since`` is None while its rounds succeed."""

    started: dt.datetime
    next_round: dt.datetime | None
    failing_since: dt.datetime | None
    failures: int
    files_invalid_since: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    """Everything a status page shows, as of ``at``; the timeline begins at ``since``.

    ``keys`` come latest drift first; ``omitted_keys`` counts those left out. ``rounds`` counts the rounds
    since ``since`` by their results. ``file`` is the history, or None for one in memory. ``service`` is None
    for a page made from a history alone.
    """

    at: dt.datetime
    since: dt.datetime
    scopes: tuple[ScopeStatus, ...]
    contests: tuple[Contest, ...]
    keys: tuple[KeyHistory, ...]
    omitted_keys: int
    rounds: tuple[tuple[RoundResult, int], ...]
    last_round: RoundSummary | None
    last_success: dt.datetime | None
    file: str | None = None
    service: ServiceStatus | None = None


def effect_of_fields(fields: Sequence[DriftedField]) -> Effect:
    """Give what the drift of several fields of one key did to its access."""
    return effect_of_all([field.change for field in fields])
