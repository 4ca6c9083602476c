"""The fast check of a schema, which may only accept; the one home of fastjsonschema.

It writes Python code from the schema, so it is given what checks and nothing else: no names that it would
have to quote, no patterns, which it would read as Python's, and no texts for people. Code is worth its
writing for many values; a few are checked by walking the schema, which then takes a tenth of the time.
"""

from __future__ import annotations

import re
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.patterns import PatternLimitError
from reconciler.kinds.shape import type_names
from reconciler.model.formats import FORMATS
from reconciler.validate.walk import UnsureError, Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.kinds.patterns import Patterns

    Check = Callable[[str], bool]
    Formats = dict[str, Callable[[], Check]]
    """What makes the check of each format: a pattern is compiled when a text is held against it."""
    Schema = Mapping[str, Any]

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.-]{0,99}", re.ASCII)
_BY_NAME: Final = frozenset({"properties", "definitions"})
_SUBSCHEMAS: Final = frozenset({"items", "additionalProperties", "not", "if", "then", "propertyNames"})
_VALUES: Final = frozenset(
    {"type", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    | {"minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "$ref", "$schema"}
)
_ANNOTATIONS: Final = frozenset(
    {"title", "description", "examples", "default", "readOnly", "$comment", "$id", EXTENSION}
    | {"enumDescriptions", "errorMessage", "patternErrorMessage", "doNotSuggest"}
)
_KNOWN: Final = (
    _BY_NAME | _SUBSCHEMAS | _VALUES | _ANNOTATIONS | {"required", "const", "enum", "pattern", "format"}
)
"""Any other word might check something: then the judge alone decides."""
_STEPS: Final = 5000
"""About as many values are checked in the time in which code is written from a schema."""


def compile_fast(schema: Schema, patterns: Patterns, steps: int = _STEPS) -> Callable[[Any], bool]:
    """Return what accepts values in a tenth of the time; those that it does not accept may be valid too.

    It walks the schema for its first ``steps`` values, members and items, and is compiled after them.
    """
    formats: Formats = {name: partial(_itself, check) for name, check in FORMATS.items()}
    try:
        form = _form(schema, patterns, formats)
    except (ValueError, LookupError, RecursionError):
        return _accept_nothing  # it cannot check some schemas; jsonschema alone decides then
    walk = Walk(form, formats, steps)
    compiled = cache(lambda: _compiled(form, formats))

    def accepts(data: Any) -> bool:
        try:
            return walk.accepts(data)
        except UnsureError:
            return compiled()(data)
        except (ValueError, MemoryError, PatternLimitError):
            return False  # a pattern that cannot be used

    return accepts


def _accept_nothing(_data: Any) -> bool:
    return False


def _compiled(form: dict[str, Any], formats: Formats) -> Callable[[Any], bool]:
    import fastjsonschema  # noqa: PLC0415 - with what it writes 30 ms, for many values only

    try:
        checks = {name: made() for name, made in formats.items()}
        check = fastjsonschema.compile(form, formats=checks, use_default=False, detailed_exceptions=False)
    except (
        *(fastjsonschema.JsonSchemaDefinitionException, SyntaxError, LookupError),
        *(ValueError, RecursionError, MemoryError, PatternLimitError),
    ):
        return _accept_nothing

    def accepts(data: Any) -> bool:
        try:
            check(data)
        except (fastjsonschema.JsonSchemaException, PatternLimitError):
            return False
        return True

    return accepts


def _form(schema: Any, patterns: Patterns, formats: Formats) -> Any:
    """Return the form of ``schema`` to compile, in which every pattern is a format, added to ``formats``."""
    if not isinstance(schema, dict):
        return schema
    _require_known(schema)
    form: dict[str, Any] = {}
    for word, value in _closed(schema).items():
        if word in _BY_NAME:
            form[word] = {
                _plain(name): _form(described, patterns, formats) for name, described in value.items()
            }
        elif word in _SUBSCHEMAS:
            form[word] = _form(value, patterns, formats)
        elif word == "required":
            form[word] = [_plain(name) for name in value]
        elif word in {"const", "enum"}:  # without texts for people, it cannot compile a const
            form["enum"] = _plain_values(value if word == "enum" else [value], schema)
        elif word in _VALUES:
            form[word] = value
    if "pattern" in schema:
        form["format"] = f"text{len(formats)}"
        matches, has_form = partial(patterns.check, schema["pattern"]), formats.get(schema.get("format", ""))
        formats[form["format"]] = matches if has_form is None else partial(_both, matches, has_form)
    elif schema.get("format"):
        form["format"] = schema["format"]
    return form


def _itself(check: Check) -> Check:
    return check


def _both(matches: Callable[[], Check], has_form: Callable[[], Check]) -> Check:
    first, second = matches(), has_form()
    return lambda text: first(text) and second(text)


def _closed(schema: Schema) -> Schema:
    """Return an equal schema that costs less to check, if objects may have no other members than it names."""
    if schema.get("additionalProperties") is not False or "properties" not in schema:
        return schema
    known = {
        name: described for name, described in schema["properties"].items() if described.get("not") != {}
    }
    found = {**schema, "properties": known}
    if known and known.keys() == {*schema.get("required", ())}:
        found["minProperties"] = len(known)  # counting takes a tenth of looking for each name
        del found["required"]
    return found


def _require_known(schema: Schema) -> None:
    unknown = sorted(schema.keys() - _KNOWN)
    if unknown or {"const", "enum"} <= schema.keys():
        raise ValueError(", ".join(unknown))


def _plain(name: str) -> str:
    if not _PLAIN_NAME.fullmatch(name):
        raise ValueError(name)
    return name


def _plain_values(values: list[Any], schema: Schema) -> list[Any]:
    """Return the values of an enum if it cannot be mistaken that 1 is not true."""
    types = set(type_names(schema)) or {"boolean", "number"}
    mixes = "boolean" in types and not types.isdisjoint({"integer", "number"})
    for value in values:
        is_other = isinstance(value, int | float) and isinstance(value, bool) is not ("boolean" in types)
        if isinstance(value, dict | list) or (isinstance(value, int | float) and (mixes or is_other)):
            raise ValueError(str(value)[:80])
    return values
