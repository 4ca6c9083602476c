"""The fast check of a schema, which can only accept: many values at once, path by path.

All values at one path are checked together: the set of their types, the smallest of their lengths, each
distinct text against a pattern. So most of the work is done in C, and a value costs a fraction of a call. A
value that is not certainly valid is left to the judge.
"""

from __future__ import annotations

import operator
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.patterns import PatternLimitError
from reconciler.kinds.shape import ALTERNATIVES, type_names
from reconciler.model.canonical import json_text
from reconciler.model.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reconciler.kinds.patterns import Patterns

    Schema = Mapping[str, Any]
    AcceptAll = Callable[[Sequence[Any]], bool]
    """Returns whether each of some values surely follows a schema."""

_TYPES: Final[Mapping[str, frozenset[type]]] = {
    "object": frozenset({dict}),
    "array": frozenset({list}),
    "string": frozenset({str}),
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "boolean": frozenset({bool}),
    "null": frozenset({type(None)}),
}
_KNOWN_TYPES: Final = frozenset[type]().union(*_TYPES.values())
_TEXTS: Final = _TYPES["string"] | _TYPES["null"]
"""Types of which many values are often few different ones."""
_LOCAL: Final = "#/definitions/"
_BOUNDS: Final[Mapping[str, tuple[str, bool, Callable[[Any, Any], bool]]]] = {
    "minLength": ("string", True, operator.ge),
    "maxLength": ("string", False, operator.le),
    "minItems": ("array", True, operator.ge),
    "maxItems": ("array", False, operator.le),
    "minProperties": ("object", True, operator.ge),
    "maxProperties": ("object", False, operator.le),
    "minimum": ("number", True, operator.ge),
    "maximum": ("number", False, operator.le),
    "exclusiveMinimum": ("number", True, operator.gt),
    "exclusiveMaximum": ("number", False, operator.lt),
}
"""Of which values a word bounds the size, whether from below, and how."""
_BY_NAME: Final = frozenset({"properties", "definitions"})
_SUBSCHEMAS: Final = frozenset({"items", "additionalProperties", "not", "if", "then", "propertyNames"})
_ANNOTATIONS: Final = frozenset(
    {"title", "description", "examples", "default", "readOnly", "$comment", "$id", "$schema", EXTENSION}
    | {"enumDescriptions", "errorMessage", "patternErrorMessage", "doNotSuggest"}
)
_APPLIED: Final = _ANNOTATIONS | {"definitions", "if", "then"}
"""Words that are looked at with another one, or say nothing of a value."""
_KNOWN: Final = (_BY_NAME | _SUBSCHEMAS | _BOUNDS.keys() | _ANNOTATIONS) | {
    "type",
    "uniqueItems",
    "$ref",
    "required",
    "const",
    "enum",
    "pattern",
    "format",
    "anyOf",
    "oneOf",
}
"""Any other word might check something: then the judge alone decides."""


class _UnsureError(Exception):
    """The judge must decide: a value or a keyword is not supported here."""


def fast_check(schema: Schema, patterns: Patterns) -> AcceptAll:
    """Return a function that accepts values in a tenth of the judge's time; others may be valid too."""
    check = _Check(schema, patterns)
    try:
        _require_known(schema)
    except (ValueError, LookupError, RecursionError):
        return _accept_nothing

    def accepts(values: Sequence[Any]) -> bool:
        try:
            return check.holds(schema, values)
        except (_UnsureError, RecursionError, ValueError, TypeError, MemoryError, PatternLimitError):
            return False

    return accepts


def not_accepted(accepts: AcceptAll, values: Sequence[Any]) -> list[int]:
    """Return the indexes of values that are not accepted, in order; found by bisection."""
    found: list[int] = []
    waiting = [(0, len(values))]
    while waiting:
        start, end = waiting.pop()
        if accepts(values[start:end]):
            continue
        if end - start == 1:
            found.append(start)
        else:
            middle = (start + end) // 2
            waiting += [(middle, end), (start, middle)]
    return found


def _accept_nothing(_values: Sequence[Any]) -> bool:
    return False


class _Check:
    """Checks values against a schema and its definitions."""

    def __init__(self, schema: Schema, patterns: Patterns) -> None:
        self._definitions = schema.get("definitions", {})
        self._patterns = patterns

    def holds(self, schema: Any, values: Sequence[Any]) -> bool:
        """Return whether each value is valid against ``schema``.

        Raises _UnsureError where the judge must decide.
        """
        if not values or isinstance(schema, bool):
            return not values or schema is True
        if not isinstance(schema, dict):
            raise _UnsureError
        if "$ref" in schema:  # what stands beside it does not count
            return self.holds(self._definition(schema["$ref"]), values)
        types = set(map(type, values))
        if not types <= _KNOWN_TYPES:
            raise _UnsureError
        if types <= _TEXTS:
            values = [*dict.fromkeys(values)]
        if "if" in schema:
            chosen = [value for value in values if self.holds(schema["if"], [value])]
            if not self.holds(schema.get("then", True), chosen):
                return False
        return all(self._obey(word, schema, types, values) for word in schema if word not in _APPLIED)

    def _definition(self, reference: str) -> Any:
        found = self._definitions.get(reference.removeprefix(_LOCAL))
        if found is None or not reference.startswith(_LOCAL):
            raise _UnsureError
        return found

    def _obey(self, word: str, schema: Schema, types: set[type], values: Sequence[Any]) -> bool:
        wanted = schema[word]
        if word in _BOUNDS:
            return _are_within(word, wanted, types, values)
        match word:
            case "type":
                return _are_of(wanted, types, values)
            case "enum" | "const":
                return all(value in (wanted if word == "enum" else [wanted]) for value in values)
            case "not" | "anyOf" | "oneOf":
                return self._choices_obey(word, wanted, values)
            case "format" | "pattern":
                return all(map(self._check_of(word, wanted), _of("string", types, values)))
        return self._members_obey(word, schema, types, values)

    def _choices_obey(self, word: str, wanted: Any, values: Sequence[Any]) -> bool:
        """Return whether each value is valid against as many schemas as the keyword requires."""
        every = [wanted] if word == "not" else wanted
        counts = (sum(self.holds(one, [value]) for one in every) for value in values)
        return all(count == (word != "not") or (word == "anyOf" and count) for count in counts)

    def _members_obey(self, word: str, schema: Schema, types: set[type], values: Sequence[Any]) -> bool:
        wanted = schema[word]
        match word:
            case "items":
                return self.holds(wanted, [*chain.from_iterable(_of("array", types, values))])
            case "uniqueItems":
                return not wanted or not any(map(_repeats, _of("array", types, values)))
        return self._objects_obey(word, schema, _of("object", types, values))

    def _check_of(self, word: str, wanted: str) -> Callable[[str], bool]:
        """Return a function that checks a text by a pattern or the name of a format."""
        if word == "pattern":
            return self._patterns.check(wanted)
        if wanted not in FORMATS:
            raise _UnsureError
        return FORMATS[wanted]

    def _objects_obey(self, word: str, schema: Schema, objects: Sequence[Mapping[str, Any]]) -> bool:
        wanted = schema[word]
        if word == "required":
            return all(all(map(operator.contains, objects, repeat(name))) for name in wanted)
        if word == "propertyNames":
            return self.holds(wanted, [*chain.from_iterable(objects)])
        names = set[str]().union(*objects)
        if word == "properties":  # in their order, because all patterns draw on one budget
            return all(self.holds(wanted[name], _column(name, objects)) for name in wanted if name in names)
        names -= schema.get("properties", {}).keys()
        return not names or self.holds(
            wanted, [one[name] for one in objects for name in one if name in names]
        )


def _column(name: str, objects: Iterable[Mapping[str, Any]]) -> list[Any]:
    return [one[name] for one in objects if name in one]


def _of(kind: str, types: set[type], values: Sequence[Any]) -> Sequence[Any]:
    """Return the values of a JSON type."""
    wanted = _TYPES[kind]
    return values if types <= wanted else [value for value in values if type(value) in wanted]


def _repeats(items: Sequence[Any]) -> bool:
    if len(items) == 2 and items[0] != items[1]:  # noqa: PLR2004 - the most frequent length, without any JSON
        return False
    return len(items) > 1 and len(set(map(json_text, items))) < len(items)


def _are_within(word: str, bound: Any, types: set[type], values: Sequence[Any]) -> bool:
    kind, is_lower, compare = _BOUNDS[word]
    found = _of(kind, types, values)
    sizes = found if kind == "number" else map(len, found)
    return not found or compare(min(sizes) if is_lower else max(sizes), bound)


def _are_of(wanted: Any, types: set[type], values: Sequence[Any]) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    if not all(name in _TYPES for name in names):
        raise _UnsureError
    others = types.difference(*(_TYPES[name] for name in names))
    if others == {float} and "integer" in names:
        return all(value.is_integer() for value in values if type(value) is float)
    return not others


def _require_known(schema: Any) -> None:
    """Raise ValueError for keywords and constants that this check might misjudge."""
    if not isinstance(schema, dict):
        return
    unknown = schema.keys() - _KNOWN
    if unknown:
        raise ValueError(", ".join(sorted(unknown)))
    for word in schema.keys() & {"const", "enum"}:
        _require_plain([schema[word]] if word == "const" else schema[word], schema)
    for word in schema.keys() & _BY_NAME:
        for described in schema[word].values():
            _require_known(described)
    for word in schema.keys() & _SUBSCHEMAS:
        _require_known(schema[word])
    for word in schema.keys() & {*ALTERNATIVES}:
        for one in schema[word]:
            _require_known(one)


def _require_plain(values: list[Any], schema: Schema) -> None:
    """Raise ValueError for an enum in which 1 could be mistaken for true."""
    types = set(type_names(schema)) or {"boolean", "number"}
    mixes = "boolean" in types and not types.isdisjoint({"integer", "number"})
    for value in values:
        is_other = isinstance(value, int | float) and isinstance(value, bool) is not ("boolean" in types)
        if isinstance(value, dict | list) or (isinstance(value, int | float) and (mixes or is_other)):
            raise ValueError(str(value)[:80])
