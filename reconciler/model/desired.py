"""The desired state: declared keys by scope, with their rules.

Absent, null and empty are three different facts: a field that is not declared is missing from
``DesiredKey.fields``, one declared as null has the value None, an empty text or list is itself.
"""

from __future__ import annotations

import json
import pickle
import zlib
from collections.abc import Sequence
from dataclasses import field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple, overload

from reconciler.model.frozen import dataclass
from reconciler.model.lookalikes import difference, mixed_scripts, pairs
from reconciler.model.scope import ALIASES, Scope
from reconciler.model.source import Position, Problem, Rule, unpack

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The rules for changes of a key, with the names that Terraform has for them.

    ``prevent_destroy`` forbids to delete the key, and ``prevent_revoke`` to reduce its access.
    ``ignore_changes`` are fields that are not updated once the key exists. ``replace`` allows to delete the
    key and create it again, with another secret, if a field cannot be changed in place. ``renew`` allows its
    expiry to be renewed. ``rotates`` is the name of the key that this one replaces, ``until`` the end of
    their overlap where no expiry sets it; ``alias`` is the name of the secret that is the same through all
    rotations.
    """

    prevent_destroy: bool = False
    prevent_revoke: bool = False
    ignore_changes: frozenset[str] = frozenset()
    replace: bool = False
    renew: bool = True
    rotates: str | None = None
    alias: str | None = None
    until: str | None = None

    @property
    def is_rotating(self) -> bool:
        """Return whether a member about rotations is set."""
        return self.rotates is not None or self.alias is not None or self.until is not None


NO_LIFECYCLE: Final = Lifecycle()
NO_DEFAULTS: Final[Mapping[str, int]] = {}
_FAST: Final = 1
"""The level of compression: a tenth of the size for a fifth of the time that the bytes take to make."""


class DesiredKey(NamedTuple):
    """One declared key: its name, its declared fields, and its place as an offset.

    A tuple, because a frozen dataclass takes four times as long to create, and there may be 100,000.

    If ``is_absent``, the key is declared not to exist. In a document with defaults ``fields`` includes those,
    ``own`` are the fields that the key declares itself, and ``defaults`` has the offset of each default.
    """

    name: str
    fields: Mapping[str, Any]
    source: str
    offset: int
    is_absent: bool = False
    lifecycle: Lifecycle = NO_LIFECYCLE
    own: Collection[str] = ()
    defaults: Mapping[str, int] = NO_DEFAULTS

    @property
    def position(self) -> Position:
        """Return the position of the mapping that declares the key."""
        return unpack(self.source, self.offset)

    def inherited_from(self, field: str) -> Position | None:
        """Return the position of the default that a field comes from; None if the key declares it itself."""
        if field in self.own or field not in self.fields or field not in self.defaults:
            return None
        return unpack(self.source, self.defaults[field])


class PackedKeys(Sequence[DesiredKey]):
    """Declared keys as bytes: about 20 bytes per key instead of 1,000, ready to be sent to another process.

    Each iteration unpacks them again.
    """

    __slots__ = ("_blobs", "_count")

    def __init__(self, blobs: tuple[bytes, ...], count: int) -> None:
        """Store the bytes of ``count`` keys that :func:`packed` returned."""
        self._blobs, self._count = blobs, count

    def __len__(self) -> int:
        """Count the keys, without unpacking them."""
        return self._count

    def __iter__(self) -> Iterator[DesiredKey]:
        """Unpack and yield each key."""
        # What is unpacked was packed by this program: here, or in a worker that it started or was told of.
        lists = (pickle.loads(zlib.decompress(blob)) for blob in self._blobs)  # noqa: S301
        return map(DesiredKey._make, chain.from_iterable(lists))

    @overload
    def __getitem__(self, index: int) -> DesiredKey: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[DesiredKey, ...]: ...
    def __getitem__(self, index: int | slice) -> DesiredKey | tuple[DesiredKey, ...]:
        """Unpack all keys and return those of the index or slice."""
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        """Return whether the keys are the same, packed or not."""
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        """Return the number of keys, the same for keys that are not packed."""
        return hash(self._count)

    @property
    def blobs(self) -> tuple[bytes, ...]:
        """Return the bytes."""
        return self._blobs


def joined(parts: Iterable[PackedKeys]) -> PackedKeys:
    """Return the keys of all parts, without unpacking them."""
    every = tuple(parts)
    return PackedKeys(tuple(blob for part in every for blob in part.blobs), sum(map(len, every)))


def packed(keys: Iterable[DesiredKey]) -> PackedKeys:
    """Pack keys; a mapping that several of them share is stored once."""
    plain = [tuple(key) for key in keys]  # a tuple with a name of its class takes ten times as long
    return PackedKeys((zlib.compress(pickle.dumps(plain, pickle.HIGHEST_PROTOCOL), _FAST),), len(plain))


@dataclass(frozen=True, slots=True)
class DesiredScope:
    """The declared keys of one scope, from all files.

    ``exclusive`` is the position of the document that forbids undeclared keys in the scope, if one does.
    """

    scope: Scope
    keys: Sequence[DesiredKey]
    exclusive: Position | None = None

    def unpacked(self) -> DesiredScope:
        """Return the same scope with its keys as a tuple, for callers that iterate several times."""
        return replace(self, keys=tuple(self.keys))

    def repeated_names(self) -> Iterator[Problem]:
        """Yield a problem for each key whose name was already declared."""
        first: dict[str, DesiredKey] = {}
        for key in self.keys:
            known = first.setdefault(key.name, key)
            if known is not key:
                message = f"declared twice, first at {known.position}; keep one of the two"
                yield Problem(message, key.position, self.scope.address(key.name), rule=Rule.DECLARED_TWICE)

    def doubtful_names(self) -> Iterator[Problem]:
        """Yield a warning for each name that looks like another one of its scope, or that mixes alphabets."""
        keys = {key.name: key for key in self.keys}
        for first, name in pairs(keys):
            how = difference(first, name, "the other")
            message = f"looks like {json.dumps(first)} at {keys[first].position}: {how}"
            yield Problem(message, keys[name].position, self.scope.address(name), rule=Rule.LOOKALIKE)
        if "".join(keys).isascii():  # nearly always, and then no name mixes alphabets
            return
        for name, key in keys.items():
            mixed = mixed_scripts(name)
            if mixed:
                message = f"the name mixes letters of several alphabets: {mixed}"
                yield Problem(message, key.position, self.scope.address(name), rule=Rule.LOOKALIKE)


@dataclass(frozen=True, slots=True)
class NamedParameter:
    """A name that a document has in place of an id of its scope, such as ``project_id``; and its position."""

    parameter: str
    name: str
    position: Position

    @property
    def alias(self) -> str:
        """Return the member of the document that holds the name."""
        return ALIASES[self.parameter]


@dataclass(frozen=True, slots=True)
class DesiredState:
    """The desired state: scopes in order, unique addresses, and warnings that prevent nothing.

    While there are ``names``, scopes hold names in place of ids; only validation accepts that. ``unresolved``
    are the scopes whose names could not be looked up, and those that may be the same as one of them, each
    with its error: nothing is known of their keys. ``inputs_digest`` is the digest of the files, where it was
    computed.
    """

    scopes: tuple[DesiredScope, ...]
    warnings: tuple[Problem, ...] = ()
    names: tuple[NamedParameter, ...] = ()
    unresolved: Mapping[Scope, Exception] = field(default_factory=dict, compare=False)
    inputs_digest: str = field(default="", compare=False)

    def doubt(self, address: str) -> Exception | None:
        """Return why it is unknown whether an address is declared, None if it is known."""
        return next((error for scope, error in self.unresolved.items() if scope.may_hold(address)), None)

    @property
    def key_count(self) -> int:
        """Count the declared keys."""
        return sum(len(scope.keys) for scope in self.scopes)
