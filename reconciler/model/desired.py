"""What Git says: declared keys by scope, with their rules.

Absent, null and empty are three different facts: a field that is not declared is missing from
``DesiredKey.fields``, one declared as null is there with None, an empty text or list is itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from reconciler.model.lookalikes import difference, mixed_scripts, pairs
from reconciler.model.scope import ALIASES, Scope
from reconciler.model.source import Position, Problem, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The rules for changes of a key, with the names that Terraform has for them.

    ``prevent_destroy`` and ``prevent_revoke`` forbid to delete a key, and to reduce its access.
    ``ignore_changes`` are fields that are not updated once the key exists. ``replace`` allows to delete a key
    and create it again, with another secret, if a field cannot be changed in place.
    """

    prevent_destroy: bool = False
    prevent_revoke: bool = False
    ignore_changes: frozenset[str] = frozenset()
    replace: bool = False


NO_LIFECYCLE: Final = Lifecycle()


class DesiredKey(NamedTuple):
    """One declared key: its name, the fields that the user wrote, and where (an offset).

    A tuple, because a frozen dataclass takes four times as long to make, and there may be 100,000.

    One that ``is_absent`` is declared not to exist. In a document with defaults ``fields`` holds those too,
    ``own`` only what the key writes, and ``default_position`` finds the place of a default.
    """

    name: str
    fields: Mapping[str, Any]
    source: str
    offset: int
    is_absent: bool = False
    lifecycle: Lifecycle = NO_LIFECYCLE
    own: Collection[str] = ()
    default_position: Callable[[str], Position] | None = None

    @property
    def position(self) -> Position:
        """Return the place of the key's mapping."""
        return unpack(self.source, self.offset)

    def inherited_from(self, field: str) -> Position | None:
        """Return the place of the default that a field comes from; None if the key writes it itself."""
        if self.default_position is None or field in self.own or field not in self.fields:
            return None
        return self.default_position(field)


@dataclass(frozen=True, slots=True)
class DesiredScope:
    """The declared keys of one scope, from every file that declares any.

    ``exclusive`` is where a document says that the scope holds no other key, if one does.
    """

    scope: Scope
    keys: tuple[DesiredKey, ...]
    exclusive: Position | None = None

    def doubtful_names(self) -> Iterator[Problem]:
        """Yield a warning of each name that looks like another one of its scope, or that mixes alphabets."""
        keys = {key.name: key for key in self.keys}
        for first, name in pairs(keys):
            how = difference(first, name, "the other")
            message = f"looks like {json.dumps(first)} at {keys[first].position}: {how}"
            yield Problem(message, keys[name].position, self.scope.address(name))
        if "".join(keys).isascii():  # nearly always, and then no name mixes alphabets
            return
        for name, key in keys.items():
            mixed = mixed_scripts(name)
            if mixed:
                message = f"the name mixes letters of several alphabets: {mixed}"
                yield Problem(message, key.position, self.scope.address(name))


@dataclass(frozen=True, slots=True)
class NamedParameter:
    """A name that a document writes instead of a number of its scope, such as ``project_id``; and where."""

    parameter: str
    name: str
    position: Position

    @property
    def alias(self) -> str:
        """Return what the document calls it."""
        return ALIASES[self.parameter]


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What Git says: scopes in order, no address twice, and warnings that stop nothing.

    While there are ``names``, scopes hold them instead of numbers: only validation is content with that.
    ``unresolved`` are the scopes whose names could not be looked up, and those that may be the same, with the
    reasons: nothing is known of their keys. ``inputs_digest`` is that of the files, where it was computed.
    """

    scopes: tuple[DesiredScope, ...]
    warnings: tuple[Problem, ...] = ()
    names: tuple[NamedParameter, ...] = ()
    unresolved: Mapping[Scope, Exception] = field(default_factory=dict, compare=False)
    inputs_digest: str = field(default="", compare=False)

    def doubt(self, address: str) -> Exception | None:
        """Return why it is not known whether an address is declared, or how; None where that is known."""
        return next((error for scope, error in self.unresolved.items() if scope.may_hold(address)), None)

    @property
    def key_count(self) -> int:
        """Count the declared keys."""
        return sum(len(scope.keys) for scope in self.scopes)
