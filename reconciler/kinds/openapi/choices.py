"""The alternatives of an object in a drafted field: the members that each has, and others lack."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from reconciler.kinds.shape import ALTERNATIVES, type_names
from reconciler.model.canonical import json_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.kinds.openapi.schemas import Schema

    Drafted = dict[str, Any]


def choice_of(schema: Schema, members: Collection[str]) -> Drafted:
    """Return the alternatives of an object in the terms of a kind; empty where they cannot be distinguished.

    ``members`` are those of the draft that can be declared. Each alternative must require a member that
    another does not require, or list other values of a member.
    """
    if len(schema.choices) != 1:
        return {}
    (choice,) = schema.choices
    every = choice.alternatives
    if any(one.is_cut or one.choices or set(one.types) - {"object"} for one in every):
        return {}
    values = _telling_values(every)
    common = set.intersection(*(set(one.required) for one in every)) - values[0].keys()
    shared = set.intersection(*({*one.members} for one in every)) - values[0].keys()
    required = [[name for name in one.required if name not in common] for one in every]
    if not all(required) or not {name for names in required for name in names} <= {*members}:
        return {}
    is_told = bool(values[0])
    if not is_told and len({frozenset(names) for names in required}) < len(every):
        return {}
    are_apart = is_told or not any(one <= other or other <= one for one, other in _pairs(required))
    is_one = choice.word == "oneOf" and are_apart and not schema.is_nullable
    return {
        "oneOf" if is_one else "anyOf": [
            {"required": names, **_others(one, names, shared, found, members)}
            for one, names, found in zip(every, required, values, strict=True)
        ]
    }


def alternatives_without(field: Drafted, name: str) -> Drafted:
    """Return the alternatives of a drafted object without a member; empty if one requires nothing else."""
    found: Drafted = {}
    for word in ALTERNATIVES:
        every = [
            {
                **one,
                "required": [other for other in one["required"] if other != name],
                **({"properties": _without(one["properties"], name)} if "properties" in one else {}),
            }
            for one in field.get(word, ())
        ]
        found |= {word: every} if every and all(one["required"] for one in every) else {}
    return found


def _without(members: Drafted, name: str) -> Drafted:
    return {other: value for other, value in members.items() if other != name}


def may_be_choice(schema: Schema, members: Mapping[str, Drafted]) -> bool:
    """Return whether an object probably has exactly one of its members, without a description of that.

    All members are optional objects, and one of them has no members of its own: its presence is the
    information.
    """
    parts = members.values()
    are_objects = all("object" in type_names(part) and "readOnly" not in part for part in parts)
    is_closed = not schema.others and not schema.required
    return are_objects and is_closed and len(members) > 1 and any(map(_says_all, parts))


def _says_all(member: Drafted) -> bool:
    return not member.get("properties") and not isinstance(member.get("additionalProperties"), dict)


def _others(
    one: Schema, names: Collection[str], shared: Collection[str], values: Drafted, members: Collection[str]
) -> Drafted:
    """Return the members that distinguish an alternative from another, and the values that identify it."""
    free: Drafted = {
        name: {} for name in one.members if name in members and name not in names and name not in shared
    }
    found = free | {name: {"enum": allowed} for name, allowed in values.items()}
    return {"properties": found} if found else {}


def _telling_values(every: tuple[Schema, ...]) -> list[Drafted]:
    """Return for each alternative the values of the members that all require, with different values."""
    names = set.intersection(*(set(one.required) for one in every))
    found: list[Drafted] = [{} for _ in every]
    for name in sorted(names):
        enums = [one.member(name).words.get("enum") for one in every]
        lists = [enum for enum in enums if isinstance(enum, list)]
        texts = [json_text(value) for enum in lists for value in enum]
        if len(lists) == len(every) and len(set(texts)) == len(texts):
            for own, enum in zip(found, lists, strict=True):
                own[name] = enum
    return found


def _pairs(required: list[list[str]]) -> Iterator[tuple[set[str], set[str]]]:
    return ((set(one), set(other)) for one, other in combinations(required, 2))
