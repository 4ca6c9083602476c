"""The consistency of declared rotations: which key replaces which, and which has which alias."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.source import Problem, Rule
from reconciler.model.succession import chain, successors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.model.desired import DesiredKey, DesiredScope


def rotation_problems(part: DesiredScope) -> Iterator[Problem]:
    """Yield the problems of rotations in a scope that has some; the names of its keys must be unique."""
    keys = {key.name: key for key in part.keys}
    found = [key for key in keys.values() if key.lifecycle.is_rotating]
    before = {key.name: old for key in found if (old := key.lifecycle.rotates) is not None and old in keys}
    first: dict[str, DesiredKey] = {}
    for key in found:
        for message in _of_key(key, keys, before, first):
            yield Problem(message, key.position, part.scope.address(key.name), rule=Rule.WRONG_VALUE)
        if key.lifecycle.rotates:
            first.setdefault(key.lifecycle.rotates, key)
    by_alias: dict[str | None, list[DesiredKey]] = {}
    for key in found:
        by_alias.setdefault(key.lifecycle.alias, []).append(key)
    for key in found:
        for message in _of_alias(key, keys, by_alias[key.lifecycle.alias], before):
            yield Problem(message, key.position, part.scope.address(key.name), rule=Rule.WRONG_VALUE)


def rotated_keys(part: DesiredScope) -> set[str]:
    """Return the addresses of keys that another key replaces."""
    return {part.scope.address(name) for name in successors(part.keys)}


def _of_key(
    key: DesiredKey,
    keys: Mapping[str, DesiredKey],
    before: Mapping[str, str],
    first: Mapping[str, DesiredKey],
) -> Iterator[str]:
    """Yield the problems of the key that a key replaces; ``first`` are the replacements found earlier."""
    old = key.lifecycle.rotates
    if old is None:
        if key.lifecycle.until is not None:
            yield "lifecycle.until is the end of an overlap, and rotates is not set; remove until"
    elif old not in keys:
        yield f"lifecycle.rotates names {old}, which is not declared in this scope; remove rotates"
    elif old in first:
        other = first[old]
        yield f"lifecycle.rotates names {old}, and so does {other.name} at {other.position}; keep one"
    elif key.name in _rotated(key, before):
        yield f"lifecycle.rotates names {old}, which replaces this key; keep one of the two"
    elif key.is_absent and key.name not in before.values():
        yield (
            f"lifecycle.rotates names {old}, and this key is declared absent; remove rotates, and let {old} "
            "expire later if it is to stay"
        )


def _rotated(key: DesiredKey, before: Mapping[str, str]) -> Iterator[str]:
    """Yield the names of the keys that a key replaces, the latest first; in a circle also its own."""
    return chain(before.get(key.name), before)


def _of_alias(
    key: DesiredKey,
    keys: Mapping[str, DesiredKey],
    same: Iterable[DesiredKey],
    before: Mapping[str, str],
) -> Iterator[str]:
    """Yield the problems of the alias of a key; ``same`` are all keys that have the alias."""
    alias = key.lifecycle.alias
    if alias is None:
        return
    mine = {key.name, *_rotated(key, before)}
    if alias in keys and alias not in mine:
        yield (
            f"lifecycle.alias is {alias}, the name of another key at {keys[alias].position}, whose secret "
            "would be overwritten; give one of the two another name"
        )
    for other in same:
        if other.name not in mine and key.name not in _rotated(other, before):
            if key.position > other.position:
                yield f"lifecycle.alias is {alias}, and so is that of {other.name} at {other.position}"
            return
