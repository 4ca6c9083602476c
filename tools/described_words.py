"""The words of schemas: those of OpenAPI 3.0 as 3.1 has them, and what follows from several at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE: Final = "urn:described"
CHOICES: Final = ("anyOf",)
_BOUNDS: Final = (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))
_OF_WORDS: Final = {"properties": "object", "items": "array"}
_NUMBERS: Final = {"integer", "number"}


def current(value: Any) -> Any:
    """Return a part of a description of OpenAPI 3.0 in the words of JSON Schema 2020-12, as 3.1 has them."""
    if isinstance(value, list):
        return [current(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {name: current(part) for name, part in value.items()}
    if isinstance(found.get("$ref"), str) and found["$ref"].startswith("#"):
        found["$ref"] = BASE + found["$ref"]
    if "oneOf" in found and isinstance(found["oneOf"], list):
        known = found.pop("anyOf", None)  # two of them often fit one value, which no service refuses
        found["anyOf"] = found.pop("oneOf")
        found |= {"allOf": [*found.get("allOf", []), {"anyOf": known}]} if known else {}
    if isinstance(found.get("pattern"), str) and not _compiles(found["pattern"]):
        del found["pattern"]
    for exclusive, bound in _BOUNDS:
        if found.get(exclusive) is True and bound in found:
            found[exclusive] = found.pop(bound)
        elif isinstance(found.get(exclusive), bool):
            del found[exclusive]
    if found.pop("nullable", False) is True:
        return _with_null(found)
    return found


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
        return schema
    return {"anyOf": [schema, {"type": "null"}]}


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _types(schema: Mapping[str, Any]) -> set[str]:
    """Return the types that a flat schema names, or that follow from what it says of members or items."""
    named = schema.get("type") or [_OF_WORDS[word] for word in _OF_WORDS if schema.get(word)]
    return {named} if isinstance(named, str) else set(named)


def contradict(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether no value can be as two flat schemas say."""
    types, others = _types(one), _types(other)
    return bool(types) and bool(others) and not types & others and not types | others <= _NUMBERS


def both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return what satisfies both: of what is said twice, the second."""
    joined = {**one, **other}
    members = dict(one.get("properties") or {})
    for name, part in (other.get("properties") or {}).items():
        members[name] = {"allOf": [members[name], part]} if members.get(name, part) != part else part
    required = dict.fromkeys([*(one.get("required") or ()), *(other.get("required") or ())])
    joined |= {"properties": members} if members else {}
    joined |= {"required": list(required)} if required else {}
    items = [part["items"] for part in (one, other) if part.get("items")]
    joined |= (
        {"items": {"allOf": items} if len(items) > 1 and items[0] != items[1] else items[0]} if items else {}
    )
    for word in CHOICES:
        if one.get(word) and other.get(word) and one[word] != other[word]:
            joined[word] = other[word]
    return joined
