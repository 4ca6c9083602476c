"""The values that flow through the pipeline. All of them are frozen; none of them does I/O.

Absent, null and empty are three different facts: a field that is not declared is missing from
``DesiredKey.fields``, one declared as null is there with None, an empty text or list is itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.errors import Position, Problem


SCOPE_NAMES: Final = ("project_id", "region_id")
"""What the paths of the vendor's collections leave open."""
NAME_WORDS: Final = {"project_id": "project", "region_id": "region"}
"""What a document may write instead of each of these numbers: a name, to be looked up."""


@dataclass(frozen=True, slots=True, init=False)
class Scope:
    """One collection of keys: a kind, and what the path of its collection leaves open.

    ``parts`` are the names and values of that, in the order of the path: project and region, or the project
    alone, for the vendor's kinds.
    """

    kind: str
    parts: tuple[tuple[str, int | str], ...]

    def __init__(self, kind: str, *values: int | str, names: Sequence[str] = SCOPE_NAMES) -> None:
        """Take the kind and the values of its ``names``."""
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "parts", tuple(zip(names, values, strict=False)))

    def __str__(self) -> str:
        """Give the front part of the addresses in this scope, such as ``caas/1/76``."""
        return "/".join([self.kind, *(str(value) for _, value in self.parts)])

    @property
    def sort_key(self) -> tuple[str, tuple[tuple[int, str], ...]]:
        """Order scopes by kind, then by number (region 9 comes before region 76) or by name."""
        return (self.kind, tuple((v, "") if isinstance(v, int) else (-1, v) for _, v in self.parts))

    def address(self, name: str) -> str:
        """Give the address of the key ``name`` in this scope."""
        return f"{self}/{name}"


@dataclass(frozen=True, slots=True)
class DesiredKey:
    """One declared key: its name, the fields that the user wrote, and where (a packed place)."""

    name: str
    fields: Mapping[str, Any]
    source: str
    place: int

    @property
    def position(self) -> Position:
        """Give the place of the key's mapping."""
        return unpack(self.source, self.place)

    def inherited_from(self, _field: str) -> Position | None:
        """Give the place of the default that a field comes from; None for one that the key writes itself."""
        return None


@dataclass(frozen=True, slots=True)
class InheritingKey(DesiredKey):
    """A key of a document with defaults: ``fields`` holds those too, ``own`` only what the key writes.

    ``default_place`` finds the place of a default, which few ask for.
    """

    own: Mapping[str, Any]
    default_place: Callable[[str], Position]

    def inherited_from(self, field: str) -> Position | None:
        """Give the place of the default that a field comes from; None for one that the key writes itself."""
        return self.default_place(field) if field in self.fields and field not in self.own else None


@dataclass(frozen=True, slots=True)
class DesiredScope:
    """The declared keys of one scope, from every file that declares any."""

    scope: Scope
    keys: tuple[DesiredKey, ...]


@dataclass(frozen=True, slots=True)
class NamedPart:
    """A name that a document writes instead of a number of its scope, such as ``project_id``; and where."""

    part: str
    name: str
    position: Position

    @property
    def word(self) -> str:
        """Give what the document calls it."""
        return NAME_WORDS[self.part]


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What Git says: scopes in order, no address twice, and warnings that stop nothing.

    While there are ``names``, scopes hold them instead of numbers: only validation is content with that.
    """

    scopes: tuple[DesiredScope, ...]
    warnings: tuple[Problem, ...] = ()
    names: tuple[NamedPart, ...] = ()

    @property
    def key_count(self) -> int:
        """Count the declared keys."""
        return sum(len(scope.keys) for scope in self.scopes)


@dataclass(frozen=True, slots=True)
class ObservedScope:
    """What the API answered for one scope: every live key by name."""

    scope: Scope
    keys: Mapping[str, Mapping[str, Any]]


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


class Origin(StrEnum):
    """Who made a field differ, since a base commit."""

    CONFIG = "config"
    DRIFT = "drift"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs: both values in normal form, and what the change does to access.

    ``added`` and ``removed`` are the items that differ where the field is a set, else empty.
    ``reason`` says in a few words why the effect is what it is. ``origin`` is None where no base was given.
    """

    field: str
    before: Any
    after: Any
    effect: Effect
    reason: str = ""
    added: tuple[Any, ...] = ()
    removed: tuple[Any, ...] = ()
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One key that a plan changes.

    ``before`` and ``after`` hold the declared fields in normal form; ``patch`` holds what is sent:
    the fields that differ and those that the service insists on. ``path`` is the request path. ``created`` is
    when the live key was made, in normal form, where its kind says so: one made anew since is another key.
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

    @property
    def address(self) -> str:
        """Give the address of the key."""
        return self.scope.address(self.name)

    @property
    def sort_key(self) -> tuple[tuple[str, tuple[tuple[int, str], ...]], str]:
        """Order changes by scope, then by name."""
        return (self.scope.sort_key, self.name)

    @property
    def effect(self) -> Effect:
        """Give the effect of all its fields together."""
        return effect_of_all(self.fields)


def effect_of_all(fields: Sequence[FieldChange]) -> Effect:
    """Give what changes of several fields of one key do to its access."""
    return Effect.of(
        grants=any(change.effect.grants for change in fields),
        revokes=any(change.effect.revokes for change in fields),
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """Every change, sorted by address, and what the plan does not touch.

    ``problems`` are the reasons why the plan must not be applied as it stands; ``unmanaged`` are the
    addresses of live keys that no file declares. ``fingerprint`` is ``sha256:`` and 64 hexadecimal
    digits over all that decides what an apply does, so that equal plans can be told by one word.
    ``observed`` counts the live keys of each scope. ``refusals`` say why it goes beyond what one run may do.
    """

    changes: tuple[Change, ...]
    unchanged: int
    unmanaged: tuple[str, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    fingerprint: str
    observed: tuple[tuple[Scope, int], ...] = ()
    refusals: tuple[Problem, ...] = ()

    @property
    def objections(self) -> tuple[Problem, ...]:
        """Give all that keeps the plan from being applied."""
        return (*self.problems, *self.refusals)

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
        return sum(any(field.origin is origin for field in change.fields) for change in self.changes)

    @property
    def neutral(self) -> int:
        """Count the changed keys whose access stays as it is."""
        return sum(change.effect is Effect.NEUTRAL for change in self.changes)


class Result(StrEnum):
    """What became of one change."""

    APPLIED = "applied"
    FAILED = "failed"
    UNCHANGED = "already as planned"
    STALE = "stale"
    NOT_VERIFIED = "not verified"
    NOT_ATTEMPTED = "not attempted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change, with the reason where it is not simply applied."""

    change: Change
    result: Result
    detail: str = ""
    request_id: str | None = None
