"""The structure of the values of a field: members, items and types, from its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.model.canonical import json_text
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    Schema = Mapping[str, Any]

_JSON_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
ALTERNATIVES: Final = ("oneOf", "anyOf")
"""Keywords whose schemas are the alternatives of an object."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of several shapes that an object may have.

    ``members`` are its own, beside those common to all alternatives; ``values`` are required values of some
    members, as JSON.
    """

    members: frozenset[str]
    values: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Shape:
    """The Python types of a value, and its structure.

    ``members`` are the members of an object that can be set. Those in ``optional`` may be missing, which
    means the same as null. An object ``keeps_others`` if its schema describes no members, or allows any other
    name: otherwise a service may show members that nobody sets. ``items`` is the shape of a list's items. An
    object with ``alternatives`` is one of them. The service sets the members in ``read_only``.
    """

    types: tuple[type, ...]
    members: Mapping[str, Shape]
    optional: frozenset[str]
    keeps_others: bool
    items: Shape | None
    alternatives: tuple[Alternative, ...] = ()
    read_only: frozenset[str] = frozenset()


def shape_of(keywords: Schema) -> Shape:
    """Return the structure of the values that a schema describes."""
    described = keywords.get("properties", {})
    members = {name: shape_of(inner) for name, inner in described.items() if not inner.get("readOnly")}
    return Shape(
        types=python_types(keywords),
        members=members,
        optional=frozenset(members).difference(keywords.get("required", ())),
        keeps_others="properties" not in keywords or isinstance(keywords.get("additionalProperties"), dict),
        items=shape_of(keywords["items"]) if "items" in keywords else None,
        alternatives=tuple(_alternative(one) for word in ALTERNATIVES for one in keywords.get(word, ())),
        read_only=frozenset(described).difference(members),
    )


def _alternative(keywords: Schema) -> Alternative:
    described = keywords.get("properties", {})
    values = {name: inner["enum"] for name, inner in described.items() if "enum" in inner}
    return Alternative(
        frozenset({*keywords.get("required", ()), *described}),
        {name: frozenset(map(json_text, allowed)) for name, allowed in values.items()},
    )


def type_names(keywords: Schema) -> list[str]:
    """Return the types of a schema as a list; empty if it has none."""
    declared: str | list[str] = keywords.get("type", [])
    return [declared] if isinstance(declared, str) else declared


def is_map(keywords: Schema) -> bool:
    """Return whether a field is an object whose members may have any name, with none described."""
    is_object = {"object"} <= {*type_names(keywords)} <= {"object", "null"}
    return is_object and keywords.get("additionalProperties") is not False and "properties" not in keywords


def python_types(keywords: Schema) -> tuple[type, ...]:
    """Return the Python types of the values that a schema allows; empty if it has no type."""
    return tuple(kind for entry in type_names(keywords) for kind in _JSON_TYPES[entry])


def holds_only_text(keywords: Schema) -> bool:
    """Return whether every scalar inside a value is a string."""
    match keywords.get("type"):
        case "string":
            return True
        case "array":
            return holds_only_text(keywords.get("items", {}))
        case "object":
            free = keywords.get("additionalProperties")
            others = [free] if isinstance(free, dict) else []
            described = [*keywords.get("properties", {}).values(), *others]
            return bool(described) and all(map(holds_only_text, described))
        case _:
            return False
