"""The plan in the other direction: how live keys differ from the desired state, with effects. Pure."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.compare import desired_form, reversed_change, whole_key
from reconciler.model.canonical import json_text
from reconciler.model.frozen import dataclass
from reconciler.model.plan import Action, Change, DriftOrigin, Effect, FieldChange, Origin, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredState
    from reconciler.model.identity import IdentityChange

    IsWanted = Callable[[str, FieldChange], bool]
    """Returns whether the drift of a field, or of the whole key, at an address is to be corrected."""

WHOLE_KEY: Final = ""
"""Used as the name of a field if the key itself was created or deleted."""

_CREATED: Final = "the key is live"
_DELETED: Final = "the key is not live"
_ORIGINS: Final[Mapping[Origin | DriftOrigin | None, DriftOrigin | None]] = {
    None: None,
    Origin.CONFIG: DriftOrigin.PENDING,
    DriftOrigin.PENDING: DriftOrigin.PENDING,
    Origin.DRIFT: DriftOrigin.DRIFT,
    Origin.CONFLICT: DriftOrigin.CONFLICT,
}
"""Seen from the live side, what Git alone changed is pending."""
_REVERSED: Final = {Action.CREATE: Action.DELETE, Action.DELETE: Action.CREATE}


class Correction(StrEnum):
    """The drift that is corrected, selected by its effect on access."""

    ALL = "all"
    GRANTS = "grants"
    REVOKES = "revokes"

    def covers(self, change: FieldChange) -> bool:
        """Return whether this drift is corrected. A change of a list can both grant and revoke.

        Changes that Git alone made are never corrected, since that would apply them. Where both sides
        changed, only ``ALL`` sends the declared value.
        """
        if change.origin is DriftOrigin.PENDING or self is Correction.ALL:
            return change.origin is not DriftOrigin.PENDING
        has_effect = change.effect.grants if self is Correction.GRANTS else change.effect.revokes
        return has_effect and change.origin is not DriftOrigin.CONFLICT


@dataclass(frozen=True, slots=True)
class FlappingRule:
    """The rule for contested fields: corrected ``corrections`` times within ``window``, and drifted again."""

    corrections: int = 3
    window: dt.timedelta = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class DriftedKey:
    """A live key that differs from its declaration: ``fields`` go from the desired to the live value.

    ``correction`` is the change that would undo the drift. ``origin`` is that of a key that was created or
    deleted. ``identity_change`` is what happened to the object that its name stood for, where the service
    makes ids. ``unsent`` is the reason why some of its fields are reported and never corrected.
    """

    correction: Change
    fields: tuple[FieldChange, ...]
    origin: DriftOrigin | None = None
    identity_change: IdentityChange | None = None
    unsent: Mapping[str, str] = field(default_factory=dict)

    @property
    def action(self) -> Action:
        """Return what happened to the live key: created, deleted or updated."""
        return _REVERSED.get(self.correction.action, Action.UPDATE)

    @property
    def effect(self) -> Effect:
        """Return the effect of all its differences on access."""
        return Effect.joined(record.effect for record in self.records)

    @property
    def records(self) -> tuple[FieldChange, ...]:
        """Return the differences to count, correct and record: fields, or one change of the key itself."""
        if self.action is Action.UPDATE:
            return self.fields
        is_new, change = self.action is Action.CREATE, self.correction
        sides: tuple[Any, Any] = (None, dict(change.before)) if is_new else (dict(change.after), None)
        effect, reason = (Effect.GRANTS, _CREATED) if is_new else (Effect.REVOKES, _DELETED)
        return (FieldChange(WHOLE_KEY, *sides, effect, reason, origin=self.origin, with_key=True),)

    @property
    def is_undecided(self) -> bool:
        """Return whether a person must decide which object its name stands for, and that matters here."""
        return (
            self.identity_change is not None and self.identity_change.needs_decision and len(self.fields) > 1
        )

    @property
    def is_correctable(self) -> bool:
        """Return whether a correction may send any difference."""
        return any(record.field not in self.unsent for record in self.records)

    @property
    def origins(self) -> frozenset[DriftOrigin | None]:
        """Return the origins of all differences."""
        return frozenset(_ORIGINS[record.origin] for record in self.records)


def drift_of(kinds: Mapping[str, Kind], plan: Plan) -> tuple[DriftedKey, ...]:
    """Return each key of ``plan`` that differs from its declaration, sorted by address."""
    changes = sorted((*plan.changes, *plan.withheld), key=lambda change: change.sort_key)
    return tuple(_reversed(kinds[change.scope.kind], change) for change in changes)


def record_names(change: Change) -> tuple[str, ...]:
    """Return the names of what a correction writes: fields, or the key itself if created or deleted."""
    if change.action in _REVERSED:
        return (WHOLE_KEY,)
    return tuple(field.field for field in change.fields)


def drifted_part(keys: Iterable[DriftedKey]) -> tuple[DriftedKey, ...]:
    """Return the differences of ``keys`` that are drift, or may be."""
    return _part(keys, lambda origin: origin is not DriftOrigin.PENDING)


def pending_part(keys: Iterable[DriftedKey]) -> tuple[DriftedKey, ...]:
    """Return the differences of ``keys`` that Git alone made."""
    return _part(keys, lambda origin: origin is DriftOrigin.PENDING)


def _part(
    keys: Iterable[DriftedKey], belongs: Callable[[Origin | DriftOrigin | None], bool]
) -> tuple[DriftedKey, ...]:
    parts = (replace(key, fields=tuple(one for one in key.fields if belongs(one.origin))) for key in keys)
    return tuple(key for key in parts if (key.fields if key.action is Action.UPDATE else belongs(key.origin)))


def declared_values(
    kinds: Mapping[str, Kind],
    state: DesiredState,
    fields: Collection[tuple[str, str]] | Mapping[tuple[str, str], str],
) -> Mapping[tuple[str, str], str]:
    """Return the normal forms, as JSON, of the ``fields`` (address and name) that ``state`` declares.

    If ``fields`` is a mapping, its values are earlier ones, used for members that an object omits. A key
    itself is declared, as its fields or as null, if a file declares it or its scope is exclusive. Where names
    could not be looked up, the earlier values count as declared.
    """
    wanted = set(fields)
    if not wanted:
        return {}
    earlier = fields if isinstance(fields, Mapping) else {}
    addresses = {address for address, _ in wanted}
    found = {key: text for key, text in earlier.items() if state.doubt(key[0]) is not None}
    for part in state.scopes:
        kind, front = kinds[part.scope.kind], f"{part.scope}/"
        if part.exclusive is not None:
            found |= {(address, WHOLE_KEY): "null" for address in addresses if address.startswith(front)}
        for key in part.keys:
            if (address := part.scope.address(key.name)) not in addresses:
                continue
            values = {
                name: desired_form(kind.fields[name], value, json.loads(earlier.get((address, name), "null")))
                for name, value in key.fields.items()
            }
            found |= {(address, name): json_text(value) for name, value in values.items()}
            values.pop(kind.identity, None)
            found[address, WHOLE_KEY] = "null" if key.is_absent else json_text(values)
            if kind.has_ids and not key.is_absent:
                found[address, kind.path_field] = "null"  # that of the object which has the name
    return {name: text for name, text in found.items() if name in wanted}


def _reversed(kind: Kind, change: Change) -> DriftedKey:
    """Return a change in the other direction: from the desired to the live values."""
    origin = _ORIGINS[change.origin]
    match change.action:
        case Action.CREATE:
            fields = whole_key(change.after, Effect.REVOKES, _DELETED)
        case Action.DELETE:
            fields = whole_key(change.before, Effect.GRANTS, _CREATED)
        case Action.UPDATE | Action.REPLACE:
            fields = tuple(
                replace(reversed_change(kind, one), origin=_ORIGINS[one.origin]) for one in change.fields
            )
            return DriftedKey(change, fields)
    return DriftedKey(change, tuple(replace(one, origin=origin) for one in fields), origin)
