"""The values that flow through the pipeline. All of them are frozen; none of them does I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from reconciler.model.scope import Scope
    from reconciler.model.source import Position, Problem


@dataclass(frozen=True, slots=True)
class ObservedScope:
    """What the API answered for one scope: every live key by name.

    ``unnamed`` counts the live objects whose name cannot be used; ``problems`` says what is wrong with them.
    """

    scope: Scope
    keys: Mapping[str, Mapping[str, Any]]
    unnamed: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def count(self) -> int:
        """Return the number of live objects."""
        return len(self.keys) + self.unnamed


class Effect(StrEnum):
    """What a change does to access. A change of a list can do both."""

    NEUTRAL = "neutral"
    GRANTS = "grants"
    REVOKES = "revokes"
    BOTH = "grants+revokes"

    @property
    def grants(self) -> bool:
        """Whether somebody gains access."""
        return self in {Effect.GRANTS, Effect.BOTH}

    @property
    def revokes(self) -> bool:
        """Whether somebody loses access."""
        return self in {Effect.REVOKES, Effect.BOTH}

    @classmethod
    def of(cls, *, grants: bool, revokes: bool) -> Effect:
        """Choose the effect by its two sides."""
        return {
            (False, False): cls.NEUTRAL,
            (True, False): cls.GRANTS,
            (False, True): cls.REVOKES,
            (True, True): cls.BOTH,
        }[grants, revokes]


class Action(StrEnum):
    """What a change does to a key."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"

    @property
    def adds(self) -> bool:
        """Whether a new key comes to be, with a secret of its own."""
        return self in {Action.CREATE, Action.REPLACE}

    @property
    def destroys(self) -> bool:
        """Whether a key ceases to be."""
        return self in {Action.DELETE, Action.REPLACE}


class Origin(StrEnum):
    """Who made a field differ, since a base commit."""

    CONFIG = "config"
    DRIFT = "drift"
    CONFLICT = "conflict"


class DriftOrigin(StrEnum):
    """Which side moved since the last apply, or since a base commit, of a live value that is not as desired.

    ``PENDING`` is no drift: Git is ahead, and this has not been applied yet.
    """

    PENDING = "pending"
    DRIFT = "drift"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a change: method, path below the base URL, and body; None is no body."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        """Return the request on one line, its body to the letter as it is sent."""
        body = "" if self.body is None else f" {body_text(self.body)}"
        return f"{self.method} {self.path}{body}"


def body_text(body: Mapping[str, Any]) -> str:
    """Return the body of a request as it is sent."""
    return json.dumps(body, separators=(",", ":"))


class Edit(StrEnum):
    """What happened to one member of a field."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Index(NamedTuple):
    """The positions of one item in the list before and in the list after; None where it is in one only."""

    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class MemberChange:
    """One member that differs inside a field, as deep inside as it can be said.

    ``path`` leads to it from the value of the field: names of members and positions in lists. An item of a
    set has no position, so its path is empty. The side on which the member is not has None.
    """

    path: tuple[str | Index, ...]
    edit: Edit
    before: Any = None
    after: Any = None

    def reversed(self) -> MemberChange:
        """Return the change from after to before."""
        path = tuple(step if isinstance(step, str) else Index(step.after, step.before) for step in self.path)
        edit = {Edit.ADDED: Edit.REMOVED, Edit.REMOVED: Edit.ADDED}.get(self.edit, self.edit)
        return MemberChange(path, edit, self.after, self.before)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs: both values in normal form, and what the change does to access.

    ``members`` are what differs inside an object, a list or a set; empty where the value as a whole differs.
    ``reason`` says in a few words why the effect is what it is. ``origin`` is None where it is not known.
    A field that is created or deleted with its key, ``with_key``, has one value only; the effect says which.
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

    ``before`` and ``after`` hold the declared fields in normal form: of a key that is created there is
    nothing before, of one that is deleted nothing after. ``patch`` is the body that is sent: the fields that
    differ and those that the service insists on, or all of a new key. ``path`` is the path of the key.
    ``created`` is when the live key was made, in normal form, where its kind says so: one made anew since is
    another key.
    ``is_undeclared`` marks a key that goes because its scope is exclusive, ``may_revoke`` is not so where the
    key's lifecycle forbids that somebody loses access. ``origin`` is that of the key's creation or deletion.
    ``has_secret`` says that a key of its kind has a secret, which the service shows once.
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

    @property
    def address(self) -> str:
        """Return the address of the key."""
        return self.scope.address(self.name)

    @property
    def requests(self) -> tuple[Request, ...]:
        """Return the requests that apply sends, in their order: what is shown, explained and approved."""
        deletion = Request("DELETE", self.path)
        creation = Request("POST", self.path.rpartition("/")[0], self.patch)
        return {
            Action.CREATE: (creation,),
            Action.UPDATE: (Request("PATCH", self.path, self.patch),),
            Action.DELETE: (deletion,),
            Action.REPLACE: (deletion, creation),
        }[self.action]

    @property
    def sort_key(self) -> tuple[tuple[str, tuple[tuple[int, str], ...]], str]:
        """Order changes by scope, then by name."""
        return (self.scope.sort_key, self.name)

    @property
    def effect(self) -> Effect:
        """Return the effect of all its fields together, and of a key's coming and going."""
        found = effect_of_all(self.fields)
        return Effect.of(
            grants=found.grants or self.action.adds, revokes=found.revokes or self.action.destroys
        )


def effect_of_all(fields: Sequence[FieldChange]) -> Effect:
    """Return what changes of several fields of one key do to its access."""
    return Effect.of(
        grants=any(change.effect.grants for change in fields),
        revokes=any(change.effect.revokes for change in fields),
    )


@dataclass(frozen=True, slots=True)
class Provenance:
    """When and from what a plan was made: the API, the digest of all files, the commit that they came from.

    ``base_commit`` is the commit that the origins of fields refer to, if there is one.
    """

    made_at: dt.datetime
    base_url: str
    inputs_digest: str
    git_commit: str | None = None
    base_commit: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Every change, sorted by address, and what the plan does not touch.

    ``problems`` are the reasons why the plan must not be applied as it stands, and what is wrong with single
    live objects, which keeps nothing else from being applied; ``unmanaged`` are the addresses of live keys
    that no file declares. ``fingerprint`` is ``sha256:`` and 64 hexadecimal digits over all that decides what
    an apply does, so that equal plans can be told by one word. ``observed`` counts the live keys of each
    scope. ``refusals`` say why it goes beyond what one run may do. ``missing`` are creations that cannot be
    sent: of each declared key that is not live, and cannot be created as it is declared, which is a problem.
    ``base_url`` is the API's, in normal form. ``provenance`` is what the plan was made from, where that is
    known.
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
    missing: tuple[Change, ...] = field(default=(), compare=False)
    provenance: Provenance | None = field(default=None, compare=False)

    @property
    def objections(self) -> tuple[Problem, ...]:
        """Return all that keeps the plan from being applied."""
        return (*(problem for problem in self.problems if not problem.is_live), *self.refusals)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return all that is wrong, whether it keeps the plan from being applied or not."""
        return (*self.problems, *self.refusals)

    def count(self, action: Action) -> int:
        """Count the changes of one sort."""
        return sum(change.action is action for change in self.changes)

    @property
    def action_counts(self) -> dict[str, int]:
        """Return how many keys are created, updated and deleted; a replaced one is deleted and created."""
        replaced = self.count(Action.REPLACE)
        return {
            "create": self.count(Action.CREATE) + replaced,
            "update": self.count(Action.UPDATE),
            "delete": self.count(Action.DELETE) + replaced,
        }

    @property
    def new_secrets(self) -> int:
        """Return how many keys would be made whose secret has to go somewhere."""
        return sum(change.has_secret and change.action.adds for change in self.changes)

    @property
    def grants(self) -> int:
        """Count the changed keys for which somebody gains access."""
        return sum(change.effect.grants for change in self.changes)

    @property
    def revokes(self) -> int:
        """Count the changed keys for which somebody loses access."""
        return sum(change.effect.revokes for change in self.changes)

    def of_origin(self, origin: Origin) -> int:
        """Count the changed keys with a field of ``origin``."""
        return sum(
            change.origin is origin or any(field.origin is origin for field in change.fields)
            for change in self.changes
        )

    @property
    def neutral(self) -> int:
        """Count the changed keys whose access stays as it is."""
        return sum(change.effect is Effect.NEUTRAL for change in self.changes)
