"""The drift that a correction may undo, and the reasons why other drift is left to a person. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.model.frozen import dataclass
from reconciler.model.plan import Action, Change, Plan
from reconciler.plan.changes import narrowed
from reconciler.plan.drift import WHOLE_KEY, record_names
from reconciler.plan.planning import past_expiries, with_fingerprint

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.plan.drift import DriftedKey, IsWanted

    FieldKey = tuple[str, str]

_ALONE: Final = {
    "--allow-destroy": "--allow-destroy lets it be deleted",
    "--secret-sink": "--secret-sink lets it be created again: it sets where its secret is stored",
}
"""What each option that is missing allows."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """The operations that a correction may use besides updates, by the options of the run.

    ``may_destroy`` allows deletions; ``may_store`` is true if new secrets can be stored.
    """

    may_destroy: bool = False
    may_store: bool = False


@dataclass(frozen=True, slots=True)
class Corrections:
    """The plan that undoes drift; ``left`` are the reasons why other selected drift is not undone."""

    plan: Plan
    left: Mapping[FieldKey, str]


def corrections(  # noqa: PLR0913, PLR0917 - what decides about each field
    kinds: Mapping[str, Kind],
    plan: Plan,
    drifted: Iterable[DriftedKey],
    is_wanted: IsWanted,
    permissions: Permissions,
    now: dt.datetime,
) -> Corrections:
    """Return ``plan`` with only the drift that ``is_wanted`` and may be undone.

    Drift that must not be undone is left out, such as drift that needs a permission, that a lifecycle
    protects, or an expiry that is not after ``now``: the resulting plan has no problems.
    """
    reasons: dict[str, str] = {}
    for problem in plan.objections:
        reasons.setdefault(problem.address, problem.message)
    narrowing = _Narrowing(kinds, is_wanted, permissions, now, reasons)
    changes: list[Change] = []
    left: dict[FieldKey, str] = {}
    for key in drifted:
        change, not_sent = narrowing.correction(key)
        if change is not None:
            changes.append(change)
        left |= {(key.correction.address, name): reason for name, reason in not_sent.items()}
    every = (*plan.changes, *plan.withheld)
    absent = {one.address for one in every if one.action is Action.CREATE} - {one.address for one in changes}
    sent: list[Change] = []
    for change in changes:
        if change.successor not in absent:
            sent.append(change)
            continue
        reason = f"waits until {change.successor} replaces it, which this correction does not create"
        left |= dict.fromkeys(((change.address, name) for name in record_names(change)), reason)
    aliases = tuple(one for one in plan.aliases if one.address not in absent)
    narrow = replace(plan, changes=tuple(sent), problems=(), withheld=(), aliases=aliases)
    return Corrections(with_fingerprint(narrow), left)


@dataclass(frozen=True, slots=True)
class _Narrowing:
    """Restricts the correction of one key to what is allowed; ``reasons`` are the problems by address."""

    kinds: Mapping[str, Kind]
    is_wanted: IsWanted
    permissions: Permissions
    now: dt.datetime
    reasons: Mapping[str, str]

    def correction(self, key: DriftedKey) -> tuple[Change | None, Mapping[str, str]]:
        """Return the change to send, None if there is none, and why other selected drift remains."""
        change = key.correction
        names = {record.field for record in key.records if self.is_wanted(change.address, record)}
        unsent = {name: reason for name, reason in key.unsent.items() if name in names}
        names -= unsent.keys()
        if not names:
            return None, unsent
        corrected, left = self._sent(change, names)
        return corrected, {**unsent, **left}

    def _sent(self, change: Change, names: set[str]) -> tuple[Change | None, Mapping[str, str]]:
        if change.action in {Action.CREATE, Action.DELETE}:
            reason = self._forbidding(change)
            return (None, {WHOLE_KEY: reason}) if reason else (change, {})
        kind = self.kinds[change.scope.kind]
        fixed = names & kind.immutable
        if not fixed:
            return self._in_place(kind, change, names)
        replacement = narrowed(kind, change, names, Action.REPLACE)
        reason = self._forbidding(replacement)
        if not reason:
            return replacement, {}
        updated, left = self._in_place(kind, change, names - fixed)
        return updated, {**left, **dict.fromkeys(fixed, reason)}

    def _forbidding(self, change: Change) -> str:
        """Return why a key must not be created, deleted or replaced, empty if it may be."""
        if change.address in self.reasons:
            return self.reasons[change.address]
        lacking = []
        if change.action.destroys and not self.permissions.may_destroy:
            lacking.append("--allow-destroy")
        if change.action.adds and change.has_secret and not self.permissions.may_store:
            lacking.append("--secret-sink")
        if change.action is Action.REPLACE and lacking:
            return f"its replacement needs {' and '.join(lacking)}"
        return _ALONE[lacking[0]] if lacking else ""

    def _in_place(
        self, kind: Kind, change: Change, names: set[str]
    ) -> tuple[Change | None, Mapping[str, str]]:
        left: dict[str, str] = {}
        for field in change.fields:
            if field.field not in names:
                continue
            if field.effect.revokes and not change.may_revoke:
                left[field.field] = self.reasons.get(change.address, "its lifecycle has prevent_revoke")
            for problem in past_expiries(kind, replace(change, fields=(field,)), self.now):
                left[field.field] = problem.message
        possible = names - left.keys()
        return (narrowed(kind, change, possible, Action.UPDATE) if possible else None), left
