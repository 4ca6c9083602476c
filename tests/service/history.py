"""Reconcile cycles without files and without an API: drift in, history out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.model.canonical import json_text
from reconciler.model.cycle import CycleReport, CycleResult, DriftedField, FieldOutcome
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Change, Effect, FieldChange
from reconciler.model.scope import Scope
from reconciler.model.source import Position
from reconciler.plan.drift import FlappingRule
from reconciler.service.history.cycles import History, HistoryRun
from reconciler.service.history.queries import Selection, episodes, status
from tests.support import NOON, FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from reconciler.model.cycle import ScopeReport
    from reconciler.model.status import Episode, FlappingField, Status
    from reconciler.service.history.database import Database

    FieldKey = tuple[str, str]

BASE_URL = "https://api.example.com"
SCOPE = Scope("caas", 1, 76)
WEB = "caas/1/76/web"
LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
RUN = HistoryRun("run-1", "drift", "1.0.0", "somebody", "abc")
MINUTES = 60.0
HOURS = 3600.0
DAYS = 86_400.0


def drifted(
    live: Any = "theirs",
    desired: Any = "ours",
    name: str = "web",
    field_name: str = "description",
    **settings: Any,
) -> DriftedField:
    """Make a field with ``live`` where Git declares ``desired``."""
    facts = {"effect": Effect.NEUTRAL, "reason": "access unchanged"}
    change = FieldChange(field_name, desired, live, **facts | settings)
    return DriftedField(SCOPE, name, change, FieldOutcome.LEFT)


def settled(found: DriftedField, outcome: FieldOutcome, detail: str = "") -> DriftedField:
    """Return a drifted field with what became of it."""
    return DriftedField(found.scope, found.name, found.change, outcome, detail)


def correction(found: DriftedField) -> Change:
    """Make the write that brings one drifted field back."""
    change = found.change
    back = FieldChange(change.field, change.after, change.before, change.effect)
    before, after = {change.field: change.after}, {change.field: change.before}
    path = f"/keys/{found.name}"
    return Change(SCOPE, found.name, path, (back,), before, after, after, Position("keys.yaml", 1, 1))


def report(
    clock: FakeClock,
    result: CycleResult = CycleResult.DRIFTED,
    scopes: Iterable[ScopeReport] = (),
    fields: Iterable[DriftedField] = (),
    errors: Iterable[str] = (),
) -> CycleReport:
    """Report a cycle that took no time."""
    return CycleReport(clock.now(), clock.now(), result, tuple(scopes), tuple(fields), tuple(errors))


def follows(database: Database) -> bool:
    """Return whether the table of keys says what the drift itself says."""
    stored, counted = (
        database.rows(f"{rows} ORDER BY address")
        for rows in (
            "SELECT address, last_seen FROM drifted_key",
            "SELECT address, max(last_seen) FROM episode GROUP BY address",
        )
    )
    return stored == counted


def everywhere(_address: str) -> bool:
    """Return that every key was compared."""
    return True


@dataclass
class Book:
    """A history that records cycles, 15 minutes apart.

    ``files`` is what Git declares, by address and field; a drifted field declares itself.
    """

    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    rule: FlappingRule = field(default_factory=FlappingRule)
    files: dict[FieldKey, Any] = field(default_factory=dict)
    run: HistoryRun = RUN
    pause: float = 15 * MINUTES

    def __post_init__(self) -> None:
        self.history = History(self.database, self.run, self.clock.now)

    def declared(self, wanted: Collection[FieldKey]) -> Mapping[FieldKey, str]:
        """Return what the files declare of the wanted fields."""
        return {key: json_text(value) for key, value in self.files.items() if key in wanted}

    def cycle(
        self,
        *found: DriftedField,
        correct: Result | None = None,
        detail: str = "",
        compared: Callable[[str], bool] = everywhere,
        scopes: Iterable[ScopeReport] = (),
    ) -> frozenset[FieldKey]:
        """Run a cycle the way ``drift`` does, and return the fields that are contested.

        With ``correct`` every field that is not contested is corrected, with that result.
        """
        history = self.history
        history.begin_cycle()
        contested: frozenset[FieldKey] = frozenset()
        self.files.update({(one.address, one.change.field): one.desired for one in found})
        if correct is not None:
            contested = history.contested(found, self.declared, self.rule)
        history.record_drift(found, compared)
        fields = []
        for one in found:
            outcome = FieldOutcome.LEFT if correct is None else FieldOutcome.of(correct)
            if (one.address, one.change.field) in contested:
                fields.append(settled(one, FieldOutcome.CONTESTED))
                continue
            if correct is not None:
                history.finished(Outcome(correction(one), correct, detail))
            fields.append(settled(one, outcome, detail))
        ended = report(self.clock, scopes=scopes, fields=fields)
        history.end_cycle(ended, [part.scope for part in ended.scopes])
        self.clock.elapsed += self.pause
        return contested

    def flap(self, times: int, live: Any = "theirs", desired: Any = "ours") -> None:
        """Change a field and have it corrected, several times."""
        for _ in range(times):
            self.cycle(drifted(live, desired), correct=Result.APPLIED)

    def episodes(self, address: str = "*") -> tuple[Episode, ...]:
        """Return all drift, oldest first."""
        return episodes(self.database, Selection(LONG_AGO, address))[0][::-1]

    def outcomes(self) -> list[str]:
        """Return what became of all drift, oldest first."""
        return [episode.outcome.value for episode in self.episodes()]

    def only(self) -> Episode:
        """Return the only episode."""
        (episode,) = self.episodes()
        return episode

    def status(self) -> Status:
        """Return the state of everything."""
        return status(self.database, Selection(LONG_AGO), self.clock.now())

    def flapping(self) -> tuple[FlappingField, ...]:
        """Return the flapping fields."""
        return self.status().flapping


def at(seconds: float) -> dt.datetime:
    """Return the time so long after a clock's start."""
    return NOON + dt.timedelta(seconds=seconds)
