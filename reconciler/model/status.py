"""The content of a history of reconcile cycles. Frozen values, no I/O.

Times are in UTC. Values of fields are in normal form, as plans show them.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.model.cycle import CycleResult, FieldOutcome, ScopeState
from reconciler.model.frozen import dataclass
from reconciler.model.plan import Action, DriftOrigin, Effect

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from reconciler.model.succession import KeyExpiry, KeyRotation


@dataclass(frozen=True, slots=True)
class Episode:
    """The drift of one field over consecutive cycles, with one desired and one live value.

    If ``action`` is a creation or deletion, the key itself drifted, and the values are all its fields.
    ``cycles`` counts the consecutive cycles that observed it. ``ended`` is None while the drift lasts.
    ``corrected`` is the time and ``run`` the identifier of the run that corrected it, if one did.
    """

    address: str
    field: str
    effect: Effect
    reason: str
    desired: Any
    live: Any
    first_seen: dt.datetime
    last_seen: dt.datetime
    cycles: int
    outcome: FieldOutcome
    detail: str = ""
    ended: dt.datetime | None = None
    corrected: dt.datetime | None = None
    run: str | None = None
    action: Action = Action.UPDATE
    origin: DriftOrigin | None = None


@dataclass(frozen=True, slots=True)
class EarlierEpisode:
    """The part of an earlier episode that a timeline shows."""

    field: str
    effect: Effect
    first_seen: dt.datetime
    outcome: FieldOutcome
    ended: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Pending:
    """A difference that Git alone made, and since when it waits for ``apply``."""

    address: str
    field: str
    action: Action
    effect: Effect
    reason: str
    desired: Any
    live: Any
    since: dt.datetime


@dataclass(frozen=True, slots=True)
class NewKey:
    """A live key that no file declares, and the time when a cycle first observed it."""

    address: str
    first_seen: dt.datetime


@dataclass(frozen=True, slots=True)
class FlappingField:
    """A field that is repeatedly changed back: it is reported as contested, and no longer corrected.

    ``live`` is its last observed value, ``corrections`` the number of corrections before that.
    """

    address: str
    field: str
    desired: Any
    live: Any
    since: dt.datetime
    corrections: int


class ServiceCondition(StrEnum):
    """An error condition of the cycles themselves that lasts for some time."""

    ROUNDS = "rounds"
    FILES = "files"
    CHECKOUT = "checkout"


@dataclass(frozen=True, slots=True)
class ApiOutage:
    """The condition that one API could not be read while another could."""

    api: str

    @property
    def value(self) -> str:
        """Return the name of the condition in a history."""
        return f"api {self.api}"


Condition = ServiceCondition | ApiOutage


@dataclass(frozen=True, slots=True)
class ConditionState:
    """When a condition began, for how many cycles it lasted, and whether it is over."""

    condition: Condition
    since: dt.datetime
    cycles: int
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class PendingNotification:
    """Drift whose outcome is not notified yet; ``notified`` is the outcome notified before, empty if none."""

    number: int
    notified: str
    episode: Episode


@dataclass(frozen=True, slots=True)
class ScopeStatus:
    """The state of a scope in the last cycle, and since when it lasts."""

    scope: str
    state: ScopeState
    since: dt.datetime
    keys: int
    detail: str = ""

    @property
    def kind(self) -> str:
        """Return the kind of its keys."""
        return self.scope.partition("/")[0]


@dataclass(frozen=True, slots=True)
class CycleSummary:
    """A cycle in a history; ``ended`` and ``result`` are None if it was killed or is still running."""

    began: dt.datetime
    ended: dt.datetime | None
    result: CycleResult | None
    run: str
    drifted: int
    corrected: int
    contested: int
    errors: tuple[str, ...] = ()
    pending: int = 0


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """The drift of one key, latest episode first.

    ``earlier`` are shown in its timeline only, and ``omitted`` counts the episodes before them.
    """

    address: str
    episodes: tuple[Episode, ...]
    earlier: tuple[EarlierEpisode, ...] = ()
    omitted: int = 0

    @property
    def drawn(self) -> tuple[Episode | EarlierEpisode, ...]:
        """Return the episodes of its timeline, latest first."""
        return self.episodes + self.earlier

    @property
    def going_on(self) -> tuple[Episode | EarlierEpisode, ...]:
        """Return the episodes that have not ended, latest first."""
        return tuple(episode for episode in self.drawn if episode.ended is None)

    @property
    def is_drifted(self) -> bool:
        """Return whether the key, or a field of it, is drifted now."""
        return bool(self.going_on)

    @property
    def has_granted(self) -> bool:
        """Return whether present drift grants access."""
        return any(episode.effect.grants for episode in self.going_on)


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """The state of a running service; ``failing_since`` is None while its cycles succeed."""

    started: dt.datetime
    next_cycle: dt.datetime | None
    failing_since: dt.datetime | None
    failures: int
    files_invalid_since: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that a status page shows, as of ``at``; the timeline begins at ``since``.

    ``keys`` are sorted by their latest drift; ``omitted_keys`` counts those left out. ``cycles`` counts the
    cycles after ``since`` by result. ``file`` is the history, or None for one in memory. ``service`` is None
    for a page made from a history alone. ``apis`` has the API of each kind where there are several.
    ``period`` is the time between the starts of the last two cycles. Only keys whose addresses match the glob
    ``address`` are included. ``expiries`` are the nearest, by time.
    """

    at: dt.datetime
    since: dt.datetime
    scopes: tuple[ScopeStatus, ...]
    flapping: tuple[FlappingField, ...]
    keys: tuple[KeyHistory, ...]
    omitted_keys: int
    cycles: tuple[tuple[CycleResult, int], ...]
    last_cycle: CycleSummary | None
    last_success: dt.datetime | None
    file: str | None = None
    service: ServiceStatus | None = None
    pending: tuple[Pending, ...] = ()
    new_keys: tuple[NewKey, ...] = ()
    expiries: tuple[KeyExpiry, ...] = ()
    rotations: tuple[KeyRotation, ...] = ()
    apis: Mapping[str, str] = field(default_factory=dict)
    period: dt.timedelta | None = None
    address: str = "*"

    @property
    def outages(self) -> Mapping[str, dt.datetime]:
        """Return the APIs that could not be read at all and since when, where there are several APIs."""
        by_api: dict[str, list[ScopeStatus]] = {}
        for scope in self.scopes if self.apis else ():
            by_api.setdefault(self.apis.get(scope.kind, ""), []).append(scope)
        return {
            api: max(scope.since for scope in scopes)
            for api, scopes in sorted(by_api.items())
            if all(scope.state is ScopeState.UNREACHABLE for scope in scopes)
        }

    @property
    def is_complete(self) -> bool:
        """Return whether the last cycle could compare everything."""
        last = self.last_cycle
        return (last is None or last.result is not CycleResult.FAILED) and not any(
            scope.state in {ScopeState.INCOMPLETE, ScopeState.UNREACHABLE} for scope in self.scopes
        )
