"""The consistency of declared rotations: which key replaces which, and which has which alias."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.frozen import dataclass
from reconciler.model.source import Problem, Rule
from reconciler.model.succession import successors

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.model.desired import DesiredKey, DesiredScope


@dataclass(frozen=True, slots=True)
class _Chains:
    """The chains of keys that replace one another, found in one pass: a file may hold long ones.

    ``places`` has, for each key of a chain, the first key of that and the number of keys before it there.
    ``circles`` are the names of keys that replace themselves, directly or by others.
    """

    places: Mapping[str, tuple[str, int]]
    circles: Collection[str]

    @classmethod
    def of(cls, before: Mapping[str, str]) -> _Chains:
        """Find the chains; ``before`` has the name of the key that each key replaces."""
        places: dict[str, tuple[str, int]] = {}
        circles = set[str]()
        for name in before:
            end: str | None = name
            new: dict[str, None] = {}
            while end is not None and end not in places and end not in new:
                new[end] = None
                end = before.get(end)
            names = [*new]
            if end is not None and end in new:
                circles.update(names[names.index(end) :])
            first, number = places[end] if end in places else (names[-1], -1)
            places |= {one: (first, number + at) for at, one in enumerate(reversed(names), 1)}
        return cls(places, circles)

    def place(self, name: str) -> tuple[str, int]:
        """Return the first key of the chain of a key, or a key of none, and how many are before it."""
        return self.places.get(name, (name, 0))


def rotation_problems(part: DesiredScope) -> Iterator[Problem]:
    """Yield the problems of rotations in a scope that has some; the names of its keys must be unique."""
    keys = {key.name: key for key in part.keys}
    found = [key for key in keys.values() if key.lifecycle.is_rotating]
    before = {key.name: old for key in found if (old := key.lifecycle.rotates) is not None and old in keys}
    chains, replaced = _Chains.of(before), {*before.values()}
    first: dict[str, DesiredKey] = {}
    for key in found:
        for message in _of_key(key, keys, chains, replaced, first):
            yield Problem(message, key.position, part.scope.address(key.name), rule=Rule.WRONG_VALUE)
        if key.lifecycle.rotates:
            first.setdefault(key.lifecycle.rotates, key)
    by_alias: dict[str | None, dict[str, DesiredKey]] = {}
    for key in found:
        by_alias.setdefault(key.lifecycle.alias, {}).setdefault(chains.place(key.name)[0], key)
    for key in found:
        for message in _of_alias(key, keys, by_alias[key.lifecycle.alias], chains):
            yield Problem(message, key.position, part.scope.address(key.name), rule=Rule.WRONG_VALUE)


def rotated_keys(part: DesiredScope) -> set[str]:
    """Return the addresses of keys that another key replaces."""
    return {part.scope.address(name) for name in successors(part.keys)}


def _of_key(
    key: DesiredKey,
    keys: Mapping[str, DesiredKey],
    chains: _Chains,
    replaced: Collection[str],
    first: Mapping[str, DesiredKey],
) -> Iterator[str]:
    """Yield the problems of the key that a key replaces; ``first`` are the replacements found earlier."""
    old = key.lifecycle.rotates
    if old is None:
        if key.lifecycle.until is not None:
            yield "lifecycle.until has no effect without lifecycle.rotates; remove until"
    elif old not in keys:
        yield f"lifecycle.rotates names {old}, which is not declared in this scope; remove rotates"
    elif old in first:
        other = first[old]
        yield f"lifecycle.rotates names {old}, and so does {other.name} at {other.position}; keep one"
    elif key.name in chains.circles:
        yield (
            f"lifecycle.rotates names {old}, whose own rotates leads back to this key; remove one of the two"
        )
    elif key.is_absent and key.name not in replaced:
        yield (
            f"lifecycle.rotates names {old}, but this key is declared absent; remove rotates, and if "
            f"{old} is to stay, set a later expiry on it"
        )


def _of_alias(
    key: DesiredKey, keys: Mapping[str, DesiredKey], same: Mapping[str, DesiredKey], chains: _Chains
) -> Iterator[str]:
    """Yield the problems of the alias of a key; ``same`` has one key of each chain that has the alias."""
    alias = key.lifecycle.alias
    if alias is None:
        return
    first, number = chains.place(key.name)
    of_alias = chains.place(alias)
    if alias in keys and not (of_alias[0] == first and of_alias[1] <= number):
        yield (
            f"lifecycle.alias is {alias}, the name of another key at {keys[alias].position}, whose secret "
            "would be overwritten; give one of the two another name"
        )
    other = next((one for start, one in same.items() if start != first), None)
    if other is not None and key.position > other.position:
        yield (
            f"lifecycle.alias is {alias}, and so is that of {other.name} at {other.position}; change"
            " one of them"
        )
