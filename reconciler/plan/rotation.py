"""Rotations: pairs of old and new keys, their stages, and their effect on a plan. Pure.

A rotation is declared in the files: the successor has the name of the key that it replaces. A plan does not
depend on a clock; only :meth:`Rotation.stage` depends on a time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.kinds.kind import EffectRule
from reconciler.kinds.rotation import ends_of
from reconciler.model.canonical import format_instant, instant_in
from reconciler.model.desired import NO_LIFECYCLE, DesiredKey
from reconciler.model.frozen import dataclass
from reconciler.model.plan import Action
from reconciler.model.source import Problem
from reconciler.model.succession import Purpose, SecretAlias, Stage, chain, successors

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredScope
    from reconciler.model.plan import Change
    from reconciler.model.scope import Scope


@dataclass(frozen=True, slots=True)
class Rotation:
    """Two declared keys of which ``new`` replaces ``old``, and the live ones; None if not live."""

    kind: Kind
    scope: Scope
    old: DesiredKey
    new: DesiredKey
    old_live: Mapping[str, Any] | None
    new_live: Mapping[str, Any] | None

    @property
    def address(self) -> str:
        """Return the address of the rotated key."""
        return self.scope.address(self.old.name)

    @property
    def successor(self) -> str:
        """Return the address of the key that replaces it."""
        return self.scope.address(self.new.name)

    @property
    def end(self) -> dt.datetime | None:
        """Return the end of the overlap; None if the files have none."""
        return overlap_end(self.kind, self.old, self.new)

    def stage(self, now: dt.datetime) -> Stage:
        """Return the stage of the rotation at a time."""
        if self.new_live is None:
            return Stage.PROPOSED
        if self.old_live is None:
            return Stage.GONE
        if self.old.is_absent:
            return Stage.ENDING
        return Stage.OVER if self.end is not None and self.end <= now else Stage.OVERLAP


def says_until(kind: Kind, new: DesiredKey) -> bool:
    """Return whether the successor has the end of the overlap, and not the expiry of the rotated key."""
    return new.lifecycle.until is not None or not ends_of(kind).can_change


def overlap_end(kind: Kind, old: DesiredKey, new: DesiredKey) -> dt.datetime | None:
    """Return the end of the overlap of a key and its successor; None if the files do not have it."""
    return instant_in(new.lifecycle.until) if says_until(kind, new) else ends_of(kind).expires_at(old.fields)


def rotations(
    kind: Kind, scope: Scope, keys: Iterable[DesiredKey], live: Mapping[str, Mapping[str, Any]]
) -> tuple[Rotation, ...]:
    """Return the declared rotations of a scope, by the name of the rotated key; ``live`` is by name."""
    every = {key.name: key for key in keys}
    next_of = successors(every.values())
    names = {old: key.name for old, key in next_of.items()}
    found = []
    for old, key in next_of.items():
        if old in every:  # the live successor is another one, where a successor was replaced itself
            new_live = next((live[name] for name in chain(key.name, names) if name in live), None)
            found.append(Rotation(kind, scope, every[old], key, live.get(old), new_live))
    return tuple(sorted(found, key=lambda rotation: rotation.old.name))


def next_step(rotation: Rotation, now: dt.datetime) -> str:
    """Return the next step of a rotation."""
    old, new, end = rotation.old.name, rotation.new.name, rotation.end
    match rotation.stage(now):
        case Stage.PROPOSED:
            return f"apply creates {new}"
        case Stage.OVERLAP if end is None:
            return f"no end is declared: set an expiry for {old}, or declare it absent once nothing uses it"
        case Stage.OVERLAP:
            return f"move the clients of {old} to {new} until {format_instant(end or now)}"
        case Stage.OVER:
            return f"rotate --finish declares {old} absent"
        case Stage.ENDING:
            return f"apply deletes {old}"
        case Stage.GONE:
            return f"rotate --finish removes the entry of {old}"


@dataclass(frozen=True, slots=True)
class PlannedRotations:
    """The changes of a scope with the effects of rotations, and the aliases of stored secrets."""

    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    aliases: tuple[SecretAlias, ...]


def planned_rotations(
    kind: Kind,
    desired: DesiredScope,
    changes: Iterable[Change | None],
    live: Mapping[str, Any],
    now: dt.datetime,
) -> PlannedRotations:
    """Return the changes of a scope with the effects of its rotations."""
    made = [change for change in changes if change is not None]
    successions = Successions.of(desired.keys)
    found = successions.planned(kind, desired.scope, made, live)
    if not successions.last or kind.created is not None:
        return found
    late = _without_overlap(kind, desired, {change.name for change in made if change.action.adds}, live, now)
    return replace(found, problems=(*found.problems, *late))


def _without_overlap(
    kind: Kind, desired: DesiredScope, created: Collection[str], live: Mapping[str, Any], now: dt.datetime
) -> Iterator[Problem]:
    """Yield a problem for each successor that is created after its overlap, without a creation time.

    Later it would look as if it had existed in time, and the rotated key would be deleted at once.
    """
    keys = {key.name: key for key in desired.keys}
    for name in created & keys.keys():
        key, old = keys[name], keys.get(keys[name].lifecycle.rotates or "")
        if old is None or old.is_absent or old.name not in live or ends_of(kind).is_off(old.fields):
            continue
        end = overlap_end(kind, old, key)
        if end is not None and end <= now and says_until(kind, key):
            message = (
                f"its overlap with {old.name} has ended at {format_instant(end)}, before the successor"
                " was created"
            )
            advice = "run reconciler rotate --finish to set a new end"
            yield Problem(f"{message}; {advice}", key.position, desired.scope.address(name))


@dataclass(frozen=True, slots=True)
class Successions:
    """The successor of each rotated key of a scope: the last one, if that is rotated itself."""

    last: Mapping[str, DesiredKey]
    aliased: tuple[DesiredKey, ...]

    @classmethod
    def of(cls, keys: Iterable[DesiredKey]) -> Successions:
        """Return the successions that keys declare; few of many keys do."""
        special, plain = list[DesiredKey](), NO_LIFECYCLE
        for (
            key
        ) in keys:  # nearly all share one lifecycle: a look at it for each would take three times as long
            if key.lifecycle is plain:
                continue
            if key.lifecycle.is_rotating:
                special.append(key)
            else:
                plain = key.lifecycle
        next_of = successors(special)
        names = {old: key.name for old, key in next_of.items()}
        new = {key.name: key for key in next_of.values()}
        last = {old: new[[*chain(name, names)][-1]] for old, name in names.items()}
        return cls(last, tuple(key for key in special if key.lifecycle.alias and key.name not in next_of))

    def planned(
        self, kind: Kind, scope: Scope, changes: Sequence[Change], live: Mapping[str, Any]
    ) -> PlannedRotations:
        """Return the changes of a scope with their purpose, and the successor that some of them wait for."""
        new = {key.name for key in self.last.values()}
        labelled = tuple(self._labelled(kind, change, new) for change in changes)
        created = {change.name for change in labelled if change.action is Action.CREATE}
        problems = tuple(self._problems(labelled, live.keys() | created))
        return PlannedRotations(labelled, problems, tuple(self._aliases(kind, scope, created)))

    def _labelled(self, kind: Kind, change: Change, new: Collection[str]) -> Change:
        # A rotated key that is created was deleted elsewhere: its secret is none that anything waits for.
        successor = None if change.action is Action.CREATE else self.last.get(change.name)
        if successor is not None:
            waits_for = successor.name if change.effect.revokes else None
            return replace(change, purpose=Purpose.ROTATE, waits_for=waits_for)
        if change.action.adds:
            return replace(change, purpose=Purpose.ROTATE) if change.name in new else change
        return replace(change, purpose=Purpose.RENEW) if _is_renewal(kind, change) else change

    def _problems(self, changes: Sequence[Change], known: Collection[str]) -> Iterator[Problem]:
        """Yield a problem for each replacement, and for each wait for a key that will not be there."""
        for change in changes:
            if change.action is Action.REPLACE and change.purpose is Purpose.ROTATE:
                message = (
                    "is part of a rotation, but this change would delete it and create it again with"
                    " another secret"
                )
                advice = "undo this change, or let the rotation end first (reconciler rotate --finish)"
                yield Problem(f"{message}; {advice}", change.position, change.address)
                continue
            name = change.waits_for
            is_absent = name is not None and self.last[change.name].is_absent
            if name is None or (name in known and not is_absent):
                continue
            why = "is declared absent" if is_absent else "is neither live nor created by this plan"
            message = f"would lose access although its successor {name} {why}; plan both keys together"
            yield Problem(message, change.position, change.address)

    def _aliases(self, kind: Kind, scope: Scope, created: Collection[str]) -> Iterator[SecretAlias]:
        """Yield the aliases that an apply stores secrets under: of new keys, and of rotations in progress."""
        for key in self.aliased if kind.secret is not None else ():
            alias = key.lifecycle.alias
            is_due = key.name in created or key.lifecycle.rotates is not None
            if alias is not None and alias != key.name and is_due and not key.is_absent:
                yield SecretAlias(scope, key.name, alias)


def _is_renewal(kind: Kind, change: Change) -> bool:
    """Return whether a change extends the lifetime of a key, and does nothing else."""
    return change.action is Action.UPDATE and all(
        field.effect.grants and kind.fields[field.field].effect is EffectRule.EXPIRY
        for field in change.fields
    )
