"""The plan: changes of keys, and the facts that a plan reports. Frozen values."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.frozen import dataclass
from reconciler.model.members import Edit, MemberChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.identity import IdentityChange
    from reconciler.model.provenance import Provenance
    from reconciler.model.request import Request
    from reconciler.model.scope import Scope
    from reconciler.model.source import Position, Problem
    from reconciler.model.succession import Purpose, SecretAlias


class Effect(StrEnum):
    """The effect of a change on access. A change of a list can both grant and revoke."""

    NEUTRAL = "neutral"
    GRANTS = "grants"
    REVOKES = "revokes"
    BOTH = "grants+revokes"

    @property
    def grants(self) -> bool:
        """Return whether access is gained."""
        return self is Effect.GRANTS or self is Effect.BOTH  # to hash a member of an enumeration takes longer

    @property
    def revokes(self) -> bool:
        """Return whether access is lost."""
        return self is Effect.REVOKES or self is Effect.BOTH

    @classmethod
    def joined(cls, effects: Iterable[Effect]) -> Effect:
        """Return the effect of several changes of one key together."""
        found = cls.NEUTRAL
        for effect in effects:
            if found is cls.NEUTRAL:
                found = effect
            elif effect is not found and effect is not cls.NEUTRAL:
                return cls.BOTH
        return found


class Freshness(Enum):
    """Whether time has passed since a plan was made."""

    JUST_MADE = "just made"
    WAITED = "waited for approval"


class Action(StrEnum):
    """What a change does to a key."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"

    @property
    def adds(self) -> bool:
        """Return whether a new key is created, with a secret of its own."""
        return self is Action.CREATE or self is Action.REPLACE

    @property
    def destroys(self) -> bool:
        """Return whether a key is deleted."""
        return self is Action.DELETE or self is Action.REPLACE

    @property
    def effect(self) -> Effect:
        """Return its effect on access, independent of the fields of the key."""
        return Effect.joined((Effect.GRANTS,) * self.adds + (Effect.REVOKES,) * self.destroys)


class Origin(StrEnum):
    """Which side caused a difference, relative to a base commit."""

    CONFIG = "config"
    DRIFT = "drift"
    CONFLICT = "conflict"


class DriftOrigin(StrEnum):
    """Which side changed since the last apply or a base commit, of two sides that differ.

    ``PENDING`` is not drift: Git is ahead, and the change is not applied yet.
    """

    PENDING = "pending"
    DRIFT = "drift"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs: both values in normal form, and the effect on access.

    ``members`` are the differences inside an object, a list or a set; empty where the values differ as a
    unit. ``reason`` explains the effect in a few words. ``origin`` is None where it is not known. A field
    that is created or deleted with its key, ``with_key``, has one value only; the effect determines which.
    """

    field: str
    before: Any
    after: Any
    effect: Effect
    reason: str = ""
    members: tuple[MemberChange, ...] = ()
    origin: Origin | DriftOrigin | None = None
    with_key: bool = False

    @property
    def added(self) -> tuple[Any, ...]:
        """Return the items that a set gains."""
        return tuple(one.after for one in self.members if not one.path and one.edit is Edit.ADDED)

    @property
    def removed(self) -> tuple[Any, ...]:
        """Return the items that a set loses."""
        return tuple(one.before for one in self.members if not one.path and one.edit is Edit.REMOVED)


@dataclass(frozen=True, slots=True)
class Change:
    """One key that a plan changes.

    ``before`` and ``after`` hold the declared fields in normal form; one is empty if the key is created or
    deleted. ``patch`` holds the fields that are sent: those that differ and those that the service requires,
    or all of a new key. ``path`` is the path of the key, with ``path_id`` in it: its name, or an id that the
    service made; before a key has an id, it is the path of its collection. ``requests`` are the requests that
    apply sends, in order: they are shown, explained and approved. ``created`` is when the live key was
    created, in normal form, where its kind has such a field: another time means another key.
    ``is_undeclared`` marks a key that is deleted because its scope is exclusive; ``may_revoke`` is false if
    the key's lifecycle forbids to revoke access. ``origin`` is the origin of the creation or deletion.
    ``has_secret`` is true if the API returns a secret when a key of the kind is created. ``api`` is the name
    of the API that the requests are sent to. ``parts`` are the declared values of the fields whose value in
    ``after`` includes live members besides. ``shown`` are the live values of the fields that are sent with
    members which no schema describes, should the replacement become an update. A rotated key loses access
    only when the secret of the key ``waits_for`` is stored.
    """

    scope: Scope
    name: str
    path: str
    fields: tuple[FieldChange, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    patch: Mapping[str, Any]
    position: Position
    created: str | None = None
    action: Action = Action.UPDATE
    is_undeclared: bool = False
    may_revoke: bool = True
    origin: Origin | None = None
    has_secret: bool = False
    path_id: str | None = None
    api: str = BUILT_IN_API
    requests: tuple[Request, ...] = ()
    parts: Mapping[str, Any] = field(default_factory=dict, compare=False)
    shown: Mapping[str, Any] = field(default_factory=dict)
    purpose: Purpose | None = None
    waits_for: str | None = None

    @property
    def address(self) -> str:
        """Return the address of the key."""
        return self.scope.address(self.name)

    @property
    def successor(self) -> str | None:
        """Return the address of the key that must exist before this one loses access, if there is one."""
        return None if self.waits_for is None else self.scope.address(self.waits_for)

    @property
    def unchanged(self) -> int:
        """Return how many of the fields in ``before`` or ``after`` do not change."""
        return max(len(self.after), len(self.before)) - len(self.fields)

    @property
    def sort_key(self) -> tuple[tuple[str, tuple[tuple[int, str], ...]], str]:
        """Return the sort key of changes: by scope, then by name."""
        return (self.scope.sort_key, self.name)

    @property
    def effect(self) -> Effect:
        """Return the effect of all its fields together, and of creating or deleting the key."""
        return Effect.joined((self.action.effect, *(change.effect for change in self.fields)))


def action_counts(actions: Iterable[Action]) -> dict[str, int]:
    """Return how many keys are created, updated and deleted; a replaced one counts as deleted and created."""
    counts = Counter(actions)
    return {
        "create": counts[Action.CREATE] + counts[Action.REPLACE],
        "update": counts[Action.UPDATE],
        "delete": counts[Action.DELETE] + counts[Action.REPLACE],
    }


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes, sorted by address, and facts about what the plan does not touch.

    ``problems`` prevent an apply, unless they are faults of single live objects; ``unmanaged`` are the
    addresses of live keys that no file declares, ``unmanaged_ids`` the ids of those that share an address.
    ``fingerprint`` is ``sha256:`` and 64 hexadecimal digits over everything that determines what an apply
    does. ``observed`` counts the live keys of each scope. ``refusals`` are the limits that the plan exceeds.
    ``withheld`` are changes that would be needed and are not made: the creation of a key that cannot be
    created as declared, and those that ``identity_changes`` leave to a person. ``base_url`` is the API's, in
    normal form, or those of several with their names. ``provenance`` is what the plan was made from, where
    that is known. ``names`` are those of all live objects by id, for each scope whose service makes ids;
    ``identity_changes`` hold, by address, what happened to the object that a declared name stood for, if the
    plan ``knows_ids``. ``aliases`` are those of new keys, and of rotations in progress.
    """

    changes: tuple[Change, ...]
    unchanged: int
    unmanaged: tuple[str, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    fingerprint: str
    observed: tuple[tuple[Scope, int], ...] = ()
    refusals: tuple[Problem, ...] = ()
    base_url: str = ""
    withheld: tuple[Change, ...] = field(default=(), compare=False)
    provenance: Provenance | None = field(default=None, compare=False)
    unmanaged_ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[Scope, Mapping[str, str]] = field(default_factory=dict, compare=False)
    identity_changes: Mapping[str, IdentityChange] = field(default_factory=dict, compare=False)
    knows_ids: bool = field(default=False, compare=False)
    aliases: tuple[SecretAlias, ...] = ()

    @property
    def shown_apis(self) -> Mapping[str, str]:
        """Return the API of each kind that was read, where there are several APIs."""
        return {scope.kind: scope.api for scope, _ in self.observed if scope.shown_api}

    @property
    def objections(self) -> tuple[Problem, ...]:
        """Return the problems and refusals that prevent an apply."""
        return (*(problem for problem in self.problems if not problem.is_live), *self.refusals)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return every problem and refusal, including those that do not prevent an apply."""
        return (*self.problems, *self.refusals)

    def count(self, action: Action) -> int:
        """Return how many changes have this action."""
        return sum(change.action is action for change in self.changes)

    @property
    def action_counts(self) -> dict[str, int]:
        """Return how many keys are created, updated and deleted; a replaced one counts as both."""
        return action_counts(change.action for change in self.changes)

    @property
    def new_secrets(self) -> int:
        """Return how many secrets of created keys have to be stored."""
        return sum(change.has_secret and change.action.adds for change in self.changes)

    @property
    def grants(self) -> int:
        """Return how many changed keys gain access."""
        return sum(change.effect.grants for change in self.changes)

    @property
    def revokes(self) -> int:
        """Return how many changed keys lose access."""
        return sum(change.effect.revokes for change in self.changes)

    @property
    def has_origins(self) -> bool:
        """Return whether the origin of a field is known."""
        return any(field.origin is not None for change in self.changes for field in change.fields)

    def of_origin(self, origin: Origin) -> int:
        """Return how many changed keys have a field of ``origin``."""
        return sum(
            change.origin is origin or any(field.origin is origin for field in change.fields)
            for change in self.changes
        )

    @property
    def neutral(self) -> int:
        """Return how many changed keys neither gain nor lose access."""
        return sum(change.effect is Effect.NEUTRAL for change in self.changes)
