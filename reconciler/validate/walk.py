"""Checking a few values against a schema by walking both, where compiling the schema would take longer.

As the compiled check it may only accept, so whatever is not surely right here is left to another check.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Schema = Mapping[str, Any]
    Formats = Mapping[str, Callable[[], Callable[[str], bool]]]

_TYPES: Final[Mapping[str, type]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "null": type(None),
}
_NAME_OF: Final = {known: name for name, known in _TYPES.items()}
_LOCAL: Final = "#/definitions/"
_NUMBERS: Final = ("integer", "number")
_BOUNDS: Final[Mapping[str, tuple[Sequence[str], Callable[[Any], Any], Callable[[Any, Any], bool]]]] = {
    "minLength": (("string",), len, operator.ge),
    "maxLength": (("string",), len, operator.le),
    "minItems": (("array",), len, operator.ge),
    "maxItems": (("array",), len, operator.le),
    "minProperties": (("object",), len, operator.ge),
    "maxProperties": (("object",), len, operator.le),
    "minimum": (_NUMBERS, operator.pos, operator.ge),
    "maximum": (_NUMBERS, operator.pos, operator.le),
    "exclusiveMinimum": (_NUMBERS, operator.pos, operator.gt),
    "exclusiveMaximum": (_NUMBERS, operator.pos, operator.lt),
}
"""Of which values a word bounds what, and how."""
_APPLIED: Final = frozenset({"definitions", "if", "then", "$schema"})
"""Words that are looked at with another one, or say nothing of a value."""


class UnsureError(Exception):
    """Another check has to decide: too many steps, or a value or a word that is not known here."""


class Walk:
    """Checks values until it has taken ``steps`` steps; each is one value against one schema."""

    def __init__(self, schema: Schema, formats: Formats, steps: int) -> None:
        """Store what to check by."""
        self._schema = schema
        self._formats = formats
        self._left = steps

    def accepts(self, value: Any) -> bool:
        """Return whether ``value`` follows the schema. Raises UnsureError where another has to decide."""
        try:
            return self._holds(self._schema, value)
        except RecursionError as error:
            raise UnsureError from error

    def _holds(self, schema: Any, value: Any) -> bool:
        self._left -= 1
        if self._left < 0:
            raise UnsureError
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise UnsureError
        if "$ref" in schema:  # what stands beside it does not count
            return self._holds(self._definition(schema["$ref"]), value)
        kind = _NAME_OF.get(type(value))
        if kind is None:
            raise UnsureError
        if (
            "if" in schema
            and self._holds(schema["if"], value)
            and not self._holds(schema.get("then", True), value)
        ):
            return False
        return all(
            _is_within(word, schema[word], kind, value)
            if word in _BOUNDS
            else self._obeys(word, schema, kind, value)
            for word in schema
            if word not in _APPLIED
        )

    def _definition(self, reference: str) -> Any:
        found = self._schema.get("definitions", {}).get(reference.removeprefix(_LOCAL))
        if found is None or not reference.startswith(_LOCAL):
            raise UnsureError
        return found

    def _obeys(self, word: str, schema: Schema, kind: str, value: Any) -> bool:
        wanted = schema[word]
        match word, kind:
            case "type", _:
                return _is_of(wanted, kind, value)
            case "enum", _:
                return value in wanted
            case "not", _:
                return not self._holds(wanted, value)
            case "format", "string":
                return self._has_format(wanted, value)
            case _, "array":
                return self._list_obeys(word, wanted, value)
        return kind != "object" or self._object_obeys(word, schema, value)

    def _has_format(self, name: str, text: str) -> bool:
        if name not in self._formats:
            raise UnsureError
        return self._formats[name]()(text)

    def _list_obeys(self, word: str, wanted: Any, items: list[Any]) -> bool:
        if word == "items":
            return all(self._holds(wanted, item) for item in items)
        if word != "uniqueItems" or not wanted:
            return True
        if not all(type(item) is str for item in items):
            raise UnsureError  # 1 is 1.0, and not True
        return len(set(items)) == len(items)

    def _object_obeys(self, word: str, schema: Schema, members: Mapping[str, Any]) -> bool:
        wanted = schema[word]
        match word:
            case "required":
                return all(name in members for name in wanted)
            case "propertyNames":
                return all(self._holds(wanted, name) for name in members)
            case "properties":
                return all(self._holds(wanted[name], members[name]) for name in members if name in wanted)
            case "additionalProperties":
                named = schema.get("properties", {})
                return all(self._holds(wanted, members[name]) for name in members if name not in named)
        return True


def _is_within(word: str, bound: Any, kind: str, value: Any) -> bool:
    kinds, measure, compare = _BOUNDS[word]
    return kind not in kinds or compare(measure(value), bound)


def _is_of(wanted: Any, kind: str, value: Any) -> bool:
    types = [wanted] if isinstance(wanted, str) else wanted
    if not all(name in _TYPES for name in types):
        raise UnsureError
    if kind in types or (kind == "integer" and "number" in types):
        return True
    return kind == "number" and "integer" in types and bool(value.is_integer())
