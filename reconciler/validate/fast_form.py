"""The form of a schema that fastjsonschema compiles: what checks, and nothing else. Pure.

It writes Python code from the schema, so names that it would have to quote are not given to it, nor are
patterns, which it would read as Python's, nor texts for people.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Check = Callable[[str], bool]
    Schema = Mapping[str, Any]

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.-]{0,99}", re.ASCII)
_BY_NAME: Final = frozenset({"properties", "definitions"})
_SUBSCHEMAS: Final = frozenset({"items", "additionalProperties", "not", "if", "then", "propertyNames"})
_VALUES: Final = frozenset(
    {"type", "const", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    | {"minItems", "maxItems", "uniqueItems", "maxProperties", "$ref", "$schema"}
)


class NotPlainError(ValueError):
    """A schema that is better not written as code."""


def fast_form(
    schema: Schema, pattern_check: Callable[[str], Check], formats: dict[str, Check]
) -> dict[str, Any]:
    """Return the form of ``schema`` to compile, in which every pattern is a format.

    ``pattern_check`` returns the check of a pattern; what the new formats check is added to ``formats``.
    Raises NotPlainError.
    """
    form: dict[str, Any] = _Form(pattern_check, formats).of(schema)
    return form


class _Form:
    def __init__(self, pattern_check: Callable[[str], Check], formats: dict[str, Check]) -> None:
        self._pattern_check = pattern_check
        self._formats = formats

    def of(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        form: dict[str, Any] = {}
        for word, value in schema.items():
            if word in _BY_NAME:
                form[word] = {_plain(name): self.of(described) for name, described in value.items()}
            elif word in _SUBSCHEMAS:
                form[word] = self.of(value)
            elif word == "required":
                form[word] = [_plain(name) for name in value]
            elif word == "enum":
                form[word] = _plain_values(value, schema)
            elif word in _VALUES:
                form[word] = value
        name = self._format(schema)
        return {**form, "format": name} if name else form

    def _format(self, schema: Schema) -> str:
        """Return the name of the format that stands for the pattern and the format of a text."""
        form, pattern = schema.get("format", ""), schema.get("pattern")
        if pattern is None:
            return str(form)
        matches, has_form = self._pattern_check(pattern), self._formats.get(form)
        name = f"text{len(self._formats)}"
        self._formats[name] = matches if has_form is None else lambda text: matches(text) and has_form(text)
        return name


def _plain(name: str) -> str:
    if not _PLAIN_NAME.fullmatch(name):
        raise NotPlainError(name)
    return name


def _plain_values(values: list[Any], schema: Schema) -> list[Any]:
    """Return the values of an enum if it cannot be mistaken that 1 is not true."""
    declared = schema.get("type", ("boolean", "number"))
    types = {declared} if isinstance(declared, str) else set(declared)
    mixes = "boolean" in types and not types.isdisjoint({"integer", "number"})
    for value in values:
        is_other = isinstance(value, int | float) and isinstance(value, bool) is not ("boolean" in types)
        if isinstance(value, dict | list) or (isinstance(value, int | float) and (mixes or is_other)):
            raise NotPlainError(str(value)[:80])
    return values
