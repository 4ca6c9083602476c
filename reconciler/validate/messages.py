"""Messages for violations of a schema: what is wrong, and what to write instead. Pure."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.shape import type_names
from reconciler.load.scalars import resolve
from reconciler.model.canonical import is_date_time, parse_instant
from reconciler.model.formats import ADVICE
from reconciler.model.frozen import dataclass
from reconciler.model.lookalikes import meant
from reconciler.model.numbers import MOST_DIGITS, WRITTEN
from reconciler.model.phrases import MANY_MORE, closest, counted, listed, shortened
from reconciler.model.source import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Schema = Mapping[str, Any]

Path = tuple[str | int, ...]

PATTERN_LIMIT: Final = "patternLimit"
"""What a text breaks, in place of a keyword, if checking it against its pattern takes too much work."""
MORE: Final = "more"
"""What a value has in place of a keyword that has more violations than are looked for."""
MOST_VIOLATIONS: Final = 10_000
"""Violations of one document, or other value, that are looked for."""
_TYPE_NAMES: Final = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}
_YAML_1_1_BOOLEANS: Final = {
    **dict.fromkeys(("yes", "on", "true"), "true"),
    **dict.fromkeys(("no", "off", "false"), "false"),
}
_INSTANT_ADVICE: Final = "write it like 2027-07-31T00:00:00Z"
_FIELD_DEPTHS: Final = {"keys": 3, "defaults": 2}
"""Length of the path of a field: ``keys``, the index, the name; or ``defaults``, the name."""
_LONGEST_QUOTE: Final = 60


@dataclass(frozen=True, slots=True)
class Violation:
    """One violation: the path of the value, the violated keyword, and the schema there.

    ``written`` is the source text of a number, if that is known.
    """

    path: Path
    keyword: str
    value: Any
    schema: Mapping[str, Any]
    written: str = ""


_RULES: Final = {
    "additionalProperties": Rule.UNKNOWN,
    MORE: Rule.MORE,
    "required": Rule.MISSING,
    "type": Rule.WRONG_TYPE,
}


def rule_of(violation: Violation) -> Rule:
    """Return the category of a violation, for programs."""
    if violation.schema.get("readOnly"):
        return Rule.READ_ONLY
    if violation.path == ("kind",) and violation.keyword == "enum":
        return Rule.UNKNOWN_KIND
    return _RULES.get(violation.keyword, Rule.WRONG_VALUE)


def describe(violation: Violation) -> str:
    """Return the message of a violation: what is wrong, and what to write instead."""
    name, schema = _name(violation), violation.schema
    if schema.get("readOnly"):
        return f"{name} is set by the service and cannot be declared; remove it"
    if violation.keyword == "type":
        return _null(name, violation) if violation.value is None else _wrong_type(name, violation)
    wording = _WORDINGS.get(violation.keyword)
    if wording is not None:
        return wording(name, violation.value, schema)
    rule = json.dumps(schema.get(violation.keyword))
    return f"{name} {_quote(violation.value)} breaks the rule {violation.keyword}: {rule}"


def _name(violation: Violation) -> str:
    """Return the name of the value, by the path inside its key: ``containers[0].name``."""
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
        return f"{name} is not a known field: no field is allowed here; remove it"
    close = meant(last.strip('"'), known) or closest(last, known)
    advice = f"did you mean {close}?" if close else f"known fields: {listed(known)}"
    return f"{name} is not a known field; {advice}"


def _missing(name: str, _value: Any, schema: Schema) -> str:
    last = name.rpartition(".")[2]
    examples = schema.get("properties", {}).get(last, {}).get("examples")
    example = f", for example {last}: {json.dumps(examples[0])}" if examples else ""
    return f"{name} is missing; write it{example}"


def _wrong_type(name: str, violation: Violation) -> str:
    schema, types, written = violation.schema, type_names(violation.schema), violation.written
    what, advice = _kind(violation.value), _type_advice(violation.value, types)
    if written:
        what, advice = f"the number {written}", f'; write "{written}" in quotes' if "string" in types else ""
    if schema.get("format") == "date-time":
        advice = f"; {_INSTANT_ADVICE}"
    return f"{name} must be {_wanted(types)}, not {what}{advice}"


def _wanted(types: list[str]) -> str:
    return " or ".join(map(_TYPE_NAMES.__getitem__, types))


def _null(name: str, violation: Violation) -> str:
    types = type_names(violation.schema)
    depth = _FIELD_DEPTHS.get(str(violation.path[0])) if violation.path else None
    if len(violation.path) != depth or violation.schema.get("minLength"):  # not optional
        return f"{name} cannot be null; write {_wanted(types)}"
    clear = next((text for kind, text in (("string", '""'), ("array", "[]")) if kind in types), None)
    advice = "leave the field out to leave it unmanaged" + (f", write {clear} to clear it" if clear else "")
    return f"{name} cannot be null; {advice}"


def _type_advice(value: Any, types: list[str]) -> str:
    if isinstance(value, str):
        if "boolean" in types and value.lower() in _YAML_1_1_BOOLEANS:
            return f"; write {_YAML_1_1_BOOLEANS[value.lower()]}"
        is_number = WRITTEN.fullmatch(value) and not {"integer", "number"}.isdisjoint(types)
        if is_number and isinstance(resolve(value), str):
            return "; the number is too large or too small"
        if "integer" in types and value.isdecimal() and len(value) <= MOST_DIGITS:
            return f"; write {int(value)} without quotes or leading zeros"
    elif "string" in types and isinstance(value, bool | int | float):
        return f'; write "{json.dumps(value)}" in quotes'
    return ""


def _bad_format(name: str, value: str, schema: Schema) -> str:
    quoted = _quote(value)
    if schema["format"] in ADVICE:
        return f"{name} {quoted} is not {ADVICE[schema['format']]}"
    if is_date_time(f"{value}T00:00:00Z"):
        return f"{name} {quoted} has no time of day; write {value}T00:00:00Z"
    instant = value.replace(" ", "T")
    if is_date_time(f"{instant}Z"):
        return f"{name} {quoted} has no time zone; write {instant}Z for UTC"
    if parse_instant(value) is None and is_date_time("2000-01-01" + value[10:]):
        return f"{name} {quoted} is not a date that exists"
    return f"{name} {quoted} is not a date and time; {_INSTANT_ADVICE}"


def _bad_length(name: str, value: str, schema: Schema) -> str:
    bounds = (("at least", schema.get("minLength")), ("at most", schema.get("maxLength")))
    limits = " and ".join(f"{word} {bound}" for word, bound in bounds if bound)
    length = counted(len(value), "character")
    return f"{name} {_quote(value)} has {length}; it needs {limits}"


def _bad_pattern(name: str, value: str, schema: Schema) -> str:
    advice = schema.get("patternErrorMessage") or f"it must match {schema['pattern']}"
    return f"{name} {_quote(value)} is not allowed; {advice}"


def _not_unique(name: str, value: list[Any], _schema: Schema) -> str:
    texts = [json.dumps(item, sort_keys=True) for item in value]
    counts = Counter(texts)
    repeated = next((item for item, text in zip(value, texts, strict=True) if counts[text] > 1), value)
    return f"{name} lists {_quote(repeated)} more than once; remove the repetition"


def _not_in_enum(name: str, value: Any, schema: Schema) -> str:
    known = [entry if isinstance(entry, str) else json.dumps(entry) for entry in schema["enum"]]
    return f"{name} {_quote(value)} is unknown; write one of: {listed(known)}"


def _no_alternative(name: str, _value: Any, schema: Schema) -> str:
    known = _alternatives(schema["anyOf"])
    return f"{name} does not match any alternative; set the members of at least one of these: {known}"


def _not_one_alternative(name: str, _value: Any, schema: Schema) -> str:
    known = _alternatives(schema["oneOf"])
    return f"{name} does not match exactly one alternative; set the members of one of these: {known}"


def _alternatives(shapes: Iterable[Schema]) -> str:
    written = dict.fromkeys(" and ".join(map(_member_of(one), one.get("required", ()))) for one in shapes)
    return listed(written)


def _member_of(alternative: Schema) -> Callable[[str], str]:
    """Return a function that shows a member, with its values in an alternative."""

    def shown(name: str) -> str:
        values = alternative.get("properties", {}).get(name, {}).get("enum", ())
        return name + (f" ({', '.join(map(json.dumps, values))})" if values else "")

    return shown


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
    return shortened(json.dumps(value, ensure_ascii=False), _LONGEST_QUOTE)


_WORDINGS: Final[Mapping[str, Callable[[str, Any, Schema], str]]] = {
    "additionalProperties": _unknown_field,
    "anyOf": _no_alternative,
    "enum": _not_in_enum,
    "format": _bad_format,
    "maxLength": _bad_length,
    "maximum": lambda name, value, schema: f"{name} {value} is too large; the largest is {schema['maximum']}",
    "minLength": _bad_length,
    "minimum": lambda name, value, schema: (
        f"{name} {value} is too small; the smallest is {schema['minimum']}"
    ),
    MORE: lambda _name, _value, _schema: MANY_MORE,
    "not": lambda name, _, schema: f"{name} {schema.get('errorMessage', 'is not allowed here; remove it')}",
    "oneOf": _not_one_alternative,
    "pattern": _bad_pattern,
    PATTERN_LIMIT: lambda name, value, _: (
        f"{name} {_quote(value)} takes too much work to check; simplify the pattern of its kind"
    ),
    "required": _missing,
    "uniqueItems": _not_unique,
}
