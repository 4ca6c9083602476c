"""What to tell a person about a broken rule: what is wrong, and what to write instead. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.kind import EXTENSION
from reconciler.model.canonical import is_date_time, parse_instant
from reconciler.model.lookalikes import meant
from reconciler.model.numbers import MOST_DIGITS, number
from reconciler.model.phrases import MANY_MORE, closest, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.validate.schema import Violation

    Schema = Mapping[str, Any]

_TYPE_NAMES: Final = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}
_YAML_1_1_BOOLEANS: Final = {"yes": "true", "on": "true", "true": "true"} | {
    "no": "false",
    "off": "false",
    "false": "false",
}
_INSTANT_ADVICE: Final = "write it like 2027-07-31T00:00:00Z"
_FIELD_DEPTHS: Final = {"keys": 3, "defaults": 2}
"""Length of the path of a field: ``keys``, the index, the name; or ``defaults``, the name."""
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", re.ASCII)
_LONGEST_QUOTE: Final = 60


def describe(violation: Violation) -> str:
    """Say what is wrong with one value, and what to write instead."""
    name = _name(violation)
    if violation.schema.get("readOnly"):
        return f"{name} is set by the service and cannot be declared; remove it"
    if violation.value is None and violation.keyword == "type":
        return _null(name, violation)
    if violation.keyword == "type" and violation.written:
        return _wrong_number(name, violation.written, violation.schema)
    word = _WORDINGS.get(violation.keyword)
    if word is not None:
        return word(name, violation.value, violation.schema)
    rule = json.dumps(violation.schema.get(violation.keyword))
    return f"{name} {_quote(violation.value)} breaks the rule {violation.keyword}: {rule}"


def _name(violation: Violation) -> str:
    """Name the value by the part of its path that lies inside its key: ``containers[0].name``."""
    path = violation.path
    inside = path[2:] if path[:1] == ("keys",) and len(path) > 1 else path
    if not inside:
        return "the key" if path else "the document"
    return "".join(map(_step, inside)).removeprefix(".")


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    is_plain = (step.isidentifier() or step == EXTENSION) and len(step) <= _LONGEST_QUOTE
    return f".{step}" if is_plain else f".{_quote(step)}"


def _unknown_field(name: str, _value: Any, schema: Schema) -> str:
    last = name.rpartition(".")[2]
    known = [field for field, keywords in schema.get("properties", {}).items() if "not" not in keywords]
    if not known:
        return f"{name} is not a known field, and there are none; remove it"
    close = closest(last, known)
    advice = f"did you mean {close}?" if close else f"known fields: {listed(known)}"
    if alike := meant(last.strip('"'), known):
        advice = f"did you mean {alike}?"
    return f"{name} is not a known field; {advice}"


def _missing(name: str, _value: Any, schema: Schema) -> str:
    last = name.rpartition(".")[2]
    examples = schema.get("properties", {}).get(last, {}).get("examples")
    example = f", for example {last}: {json.dumps(examples[0])}" if examples else ""
    return f"{name} is missing; write it{example}"


def _wrong_type(name: str, value: Any, schema: Schema) -> str:
    types = _types(schema)
    advice = f"; {_INSTANT_ADVICE}" if schema.get("format") == "date-time" else _type_advice(value, types)
    return f"{name} must be {_wanted(types)}, not {_kind(value)}{advice}"


def _wrong_number(name: str, written: str, schema: Schema) -> str:
    types = _types(schema)
    advice = f'; write "{written}" in quotes' if "string" in types else ""
    if schema.get("format") == "date-time":
        advice = f"; {_INSTANT_ADVICE}"
    return f"{name} must be {_wanted(types)}, not the number {written}{advice}"


def _null(name: str, violation: Violation) -> str:
    types = _types(violation.schema)
    depth = _FIELD_DEPTHS.get(str(violation.path[0])) if violation.path else None
    is_optional = len(violation.path) == depth and not violation.schema.get("minLength")
    if not is_optional:
        return f"{name} cannot be null; write {_wanted(types)}"
    clear = next((text for kind, text in (("string", '""'), ("array", "[]")) if kind in types), None)
    advice = "leave the field out to leave it unmanaged" + (f", write {clear} to clear it" if clear else "")
    return f"{name} cannot be null; {advice}"


def _types(schema: Schema) -> list[str]:
    declared = schema["type"]
    return [declared] if isinstance(declared, str) else declared


def _wanted(types: list[str]) -> str:
    return " or ".join(_TYPE_NAMES[entry] for entry in types)


def _type_advice(value: Any, types: list[str]) -> str:
    if "boolean" in types and isinstance(value, str) and value.lower() in _YAML_1_1_BOOLEANS:
        return f"; write {_YAML_1_1_BOOLEANS[value.lower()]}"
    is_number = not {"integer", "number"}.isdisjoint(types)
    if is_number and isinstance(value, str) and _is_beyond(value):
        return "; it is a number that is too large or too small to be kept"
    if "integer" in types and isinstance(value, str) and value.isdecimal() and len(value) <= MOST_DIGITS:
        return f"; write {int(value)} without quotes or leading zeros"
    if "string" in types and isinstance(value, bool | int | float):
        return f'; write "{json.dumps(value)}" in quotes'
    return ""


def _is_beyond(text: str) -> bool:
    """Return whether a text is a number that a file cannot hold."""
    if not _NUMBER.fullmatch(text):
        return False
    try:
        number(text)
    except ValueError:
        return True
    return False


def _bad_instant(name: str, value: str, _schema: Schema) -> str:
    quoted = _quote(value)
    if is_date_time(f"{value}T00:00:00Z"):
        return f"{name} {quoted} has no time of day; write {value}T00:00:00Z"
    moment = value.replace(" ", "T")
    if is_date_time(f"{moment}Z"):
        return f"{name} {quoted} has no time zone; write {moment}Z for UTC"
    if parse_instant(value) is None and is_date_time("2000-01-01" + value[10:]):
        return f"{name} {quoted} is no date that exists"
    return f"{name} {quoted} is not a date and time; {_INSTANT_ADVICE}"


def _bad_length(name: str, value: str, schema: Schema) -> str:
    bounds = (schema.get("minLength"), schema.get("maxLength"))
    limits = " and ".join(
        f"{word} {bound}" for word, bound in zip(("at least", "at most"), bounds, strict=True) if bound
    )
    length = "1 character" if len(value) == 1 else f"{len(value)} characters"
    return f"{name} {_quote(value)} has {length}; it needs {limits}"


def _bad_pattern(name: str, value: str, schema: Schema) -> str:
    advice = schema.get("patternErrorMessage") or f"it must match {schema['pattern']}"
    return f"{name} {_quote(value)} is not allowed; {advice}"


def _pattern_limit(name: str, value: str, _schema: Schema) -> str:
    return f"{name} {_quote(value)} takes too much work to check; simplify the pattern of its kind"


def _more(_name: str, _value: Any, _schema: Schema) -> str:
    return MANY_MORE


def _not_unique(name: str, value: list[Any], _schema: Schema) -> str:
    return f"{name} lists {_quote(_repeated(value))} more than once; remove the repetition"


def _not_in_enum(name: str, value: Any, schema: Schema) -> str:
    known = [entry if isinstance(entry, str) else json.dumps(entry) for entry in schema["enum"]]
    return f"{name} {_quote(value)} is unknown; write one of: {listed(known)}"


def _refused(name: str, _value: Any, schema: Schema) -> str:
    return f"{name} {schema.get('errorMessage', 'is not allowed here; remove it')}"


def _too_small(name: str, value: Any, schema: Schema) -> str:
    return f"{name} {value} is too small; the smallest is {schema['minimum']}"


def _too_large(name: str, value: Any, schema: Schema) -> str:
    return f"{name} {value} is too large; the largest is {schema['maximum']}"


def _repeated(items: list[Any]) -> Any:
    texts = [json.dumps(item, sort_keys=True) for item in items]
    counts = Counter(texts)
    return next((item for item, text in zip(items, texts, strict=True) if counts[text] > 1), items)


def _kind(value: Any) -> str:
    match value:
        case bool():
            return f"the boolean {json.dumps(value)}"
        case str():
            return f"the text {_quote(value)}"
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _quote(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"


_WORDINGS: Final[Mapping[str, Callable[[str, Any, Schema], str]]] = {
    "additionalProperties": _unknown_field,
    "enum": _not_in_enum,
    "format": _bad_instant,
    "maxLength": _bad_length,
    "maximum": _too_large,
    "minLength": _bad_length,
    "more": _more,
    "minimum": _too_small,
    "not": _refused,
    "pattern": _bad_pattern,
    "patternLimit": _pattern_limit,
    "required": _missing,
    "type": _wrong_type,
    "uniqueItems": _not_unique,
}
