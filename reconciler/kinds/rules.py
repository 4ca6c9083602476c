"""The rules for the file of a kind that its schema, ``kind.schema.json``, cannot state. Pure.

Custom kinds are checked when they are loaded, packaged ones by tests.
"""

from __future__ import annotations

import re
from dataclasses import fields
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.field_rules import Fault
from reconciler.kinds.kind import EXTENSION, RESERVED, EffectRule, Field, Form, Kind, kind_from_schema
from reconciler.kinds.paths import NAME_PATTERN, SEGMENT_PATTERN, path_fault, placeholders
from reconciler.kinds.patterns import Budget, Pattern, PatternError, PatternLimitError
from reconciler.kinds.rest_rules import rest_faults
from reconciler.kinds.shape import ALTERNATIVES, type_names
from reconciler.model.canonical import json_text
from reconciler.model.desired import Lifecycle
from reconciler.model.expressions import expression
from reconciler.model.lookalikes import meant
from reconciler.model.phrases import closest, listed
from reconciler.model.scope import HEADER_WORDS, SCOPE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Path = tuple[str | int, ...]
    Schema = Mapping[str, Any]

KIND_NAME: Final = expression(r"[a-z][a-z0-9-]*", re.ASCII)
NOT_SEGMENTS: Final = ("", ".", "..")
"""Texts that cannot be one segment of a path."""
_MOST_FAULTS: Final = 1000
_NEEDED: Final[Mapping[EffectRule, str]] = {
    EffectRule.EXPIRY: '"format": "date-time"',
    EffectRule.BINDING: '"type": "array" and "uniqueItems": true',
    EffectRule.SWITCH_OFF: '"type": "boolean"',
}


def faults(name: str, schema: Schema, budget: Budget | None = None) -> tuple[Fault, ...]:
    """Return every fault of a kind whose file is valid against ``kind.schema.json``.

    Kinds that are checked together share a ``budget`` for their patterns.
    """
    unclear = path_fault(schema[EXTENSION]["collection"])
    broken = [Fault((EXTENSION, "collection"), unclear)] if unclear else list(_patterns(schema, budget))
    if broken:
        return tuple(broken)
    kind = kind_from_schema(name, schema)
    rules = (
        _identity, _required, _members, _reserved, _named_fields, _effects, _scope, _forms, _optional,
        _foreign, rest_faults,
    )  # fmt: skip
    return tuple(islice((fault for rule in rules for fault in rule(kind)), _MOST_FAULTS))


def _described(schema: Schema) -> Iterator[tuple[Path, Schema]]:
    """Yield the schema of every field, of nested members, and of every path parameter."""
    scope = schema[EXTENSION].get("scope", {})
    waiting: list[tuple[Path, Schema]] = [
        *((("properties", name), keywords) for name, keywords in schema["properties"].items()),
        *(((EXTENSION, "scope", name), keywords) for name, keywords in scope.items()),
    ]
    while waiting:
        path, keywords = waiting.pop()
        yield path, keywords
        if "items" in keywords:
            waiting.append(((*path, "items"), keywords["items"]))
        if isinstance(keywords.get("additionalProperties"), dict):
            waiting.append(((*path, "additionalProperties"), keywords["additionalProperties"]))
        members = keywords.get("properties", {})
        waiting += [((*path, "properties", name), inner) for name, inner in members.items()]


def _patterns(schema: Schema, budget: Budget | None) -> Iterator[Fault]:
    """Yield a fault for each pattern that is not a regular expression, or exceeds the common budget."""
    budget = budget or Budget()
    for path, keywords in _described(schema):
        if "pattern" not in keywords:
            continue
        try:
            Pattern(keywords["pattern"], budget)
        except PatternError as error:
            yield Fault((*path, "pattern"), f"is not a regular expression of ECMA 262: {error}")
        except PatternLimitError:
            yield Fault((*path, "pattern"), "is too large, together with the patterns before it; simplify it")
            return


def _members(kind: Kind) -> Iterator[Fault]:
    """Check that required members are described, also in alternatives."""
    for path, keywords in _described(kind.schema):
        for word in ALTERNATIVES:
            for number, one in enumerate(keywords.get(word, ())):
                yield from _alternative(keywords, one, (*path, word, number))
        if "oneOf" in keywords and "null" in type_names(keywords):
            yield Fault((*path, "oneOf"), "cannot be used, because null matches every alternative; use anyOf")
        if "oneOf" in keywords and "anyOf" in keywords:
            yield Fault((*path, "anyOf"), "cannot be combined with oneOf; remove one of them")
        for name in keywords.get("required", ()):
            described = keywords.get("properties", {}).get(name)
            if described is None:
                message = f'"{name}" is not described under properties; describe it there'
                yield Fault((*path, "required"), message)
            elif described.get("readOnly"):
                message = f'"{name}" is read-only and cannot be declared; remove it here'
                yield Fault((*path, "required"), message)


def _alternative(keywords: Schema, one: Schema, path: Path) -> Iterator[Fault]:
    for name in sorted({*one["required"], *one.get("properties", {})}):
        described = keywords.get("properties", {}).get(name)
        if described is None or described.get("readOnly"):
            what = "is not described under properties" if described is None else "is read-only"
            yield Fault(path, f'"{name}" {what}; an alternative has only members that can be declared')


def _reserved(kind: Kind) -> Iterator[Fault]:
    """Refuse fields whose name is a member of keys with another purpose."""
    for name in sorted(RESERVED & kind.schema["properties"].keys(), reverse=True):
        keywords = kind.schema["properties"][name]
        if keywords.get("readOnly") or _says_the_same(name, keywords):
            continue
        written = "state: absent" if name == "state" else "lifecycle: {prevent_destroy: true}"
        advice = 'give it another name here and map it with "as", or "readOnly": true, or leave it out'
        message = f"cannot be declared, because `{written}` has another meaning in files; {advice}"
        yield Fault(("properties", name), message)


def _says_the_same(name: str, keywords: Schema) -> bool:
    if name == "state":
        return sorted(map(str, keywords.get("enum", ()))) == ["absent", "present"]
    members = set(keywords.get("properties", ()))
    return bool(members) and members <= {field.name for field in fields(Lifecycle)}


def _identity(kind: Kind) -> Iterator[Fault]:
    place = (EXTENSION, "identity")
    keywords = kind.schema["properties"].get(kind.identity)
    if keywords is None:
        yield Fault(place, _unknown(kind, kind.identity))
        return
    at = ("properties", kind.identity)
    if kind.identity not in kind.schema["required"]:
        yield Fault(("required",), f"must list the identity, {kind.identity}")
    if keywords["type"] not in ("string", "integer"):
        yield Fault((*at, "type"), 'must be "string" or "integer", because it is the identity')
    elif keywords.get("readOnly"):
        yield Fault(
            (*at, "readOnly"), "is not allowed, because every key must declare its identity; remove it"
        )
    elif keywords["type"] == "integer" and "pattern" in keywords:
        yield Fault((*at, "pattern"), "applies to strings only; use minimum and maximum, or an enum")
    elif keywords["type"] == "string" and not kind.has_ids:
        yield from _accepted(at, keywords, NOT_SEGMENTS, NAME_PATTERN)


def _accepted(at: Path, keywords: Schema, unwanted: Iterable[str], pattern: str) -> Iterator[Fault]:
    """Yield a fault for each allowed value that would change the meaning of a path."""
    matches = Pattern(keywords.get("pattern", ""))
    found = [f'"{text}"' for text in unwanted if accepts(keywords, matches, text)]
    if found:
        example = pattern.replace("\\", "\\\\")
        advice = f'add a pattern such as "{example}", or an enum'
        yield Fault(at, f"accepts {', '.join(found)}, which cannot be one segment of a path; {advice}")


def accepts(keywords: Schema, matches: Pattern, text: str) -> bool:
    """Return whether a text is allowed; also if its pattern needs too many steps to decide."""
    if len(text) < keywords.get("minLength", 0) or text not in keywords.get("enum", [text]):
        return False
    try:
        return matches.is_in(text)
    except PatternLimitError:
        return True


def _required(kind: Kind) -> Iterator[Fault]:
    for name in kind.schema["required"]:
        field = kind.fields.get(name)
        if field is None:
            yield Fault(("required",), _unknown(kind, name))
        elif field.read_only and name != kind.identity:
            yield Fault(("required",), f"{name} is read-only and cannot be declared; remove it")


def _named_fields(kind: Kind) -> Iterator[Fault]:
    """Check that the extension refers to fields that exist and are suitable."""
    extension = kind.schema[EXTENSION]
    by_service = [(member, extension[member]) for member in ("secret", "created") if member in extension]
    members = ("always_sent", "immutable", "effects", "optional", "foreign")
    by_user = [(member, name) for member in members for name in extension.get(member, ())]
    required = [("create", name) for name in (*(kind.create_requires or ()), *sorted(kind.create_later))]
    for member, name in (*by_user, *required, *by_service):
        field = kind.fields.get(name)
        complaint = _unknown(kind, name) if field is None else _role_fault(kind, member, field)
        if complaint:
            yield Fault((EXTENSION, member), complaint)


def _role_fault(kind: Kind, member: str, field: Field) -> str:
    """Return why a field is not suitable for a member of the extension, empty if it is."""
    fixed = () if kind.update.method is None else kind.immutable
    never_later = {kind.identity, *(kind.create_requires or ()), *fixed}
    if member == "create" and field.name in kind.create_later & never_later:
        return f"{field.name} can only be sent by a creation; remove it from later"
    if member in {"always_sent", "immutable", "create"} and field.read_only:
        return f"{field.name} is read-only and cannot be declared; remove it"
    if member in {"secret", "created"} and not field.read_only:
        return f'{field.name} is set by the service; give it "readOnly": true'
    roles = {kind.path_field: "the id of a key", kind.identity: "the identity"}
    if member == "secret" and kind.created is not None:
        roles = {kind.created: "the time of creation", **roles}
    role = roles.get(field.name)
    if member == "optional" and role:
        return f"{field.name} is {role}, which every key has; remove it"
    return f"{field.name} is {role}; use another property" if member == "secret" and role else ""


def _unknown(kind: Kind, name: str) -> str:
    close = meant(name, kind.fields) or closest(name, kind.fields)
    advice = f"did you mean {close}?" if close else f"the properties are {listed(kind.fields)}"
    return f"{name} is not a property; {advice}"


def _effects(kind: Kind) -> Iterator[Fault]:
    for field in kind.fields.values():
        suits = {
            EffectRule.NONE: True,
            EffectRule.EXPIRY: field.form is Form.INSTANT,
            EffectRule.BINDING: field.form is Form.SET,
            EffectRule.SWITCH_OFF: field.types == (bool,),
        }
        if not suits[field.effect]:
            message = f"is {field.effect}, which requires that {field.name} has {_NEEDED[field.effect]}"
            yield Fault((EXTENSION, "effects", field.name), message)


def _scope(kind: Kind) -> Iterator[Fault]:
    names = placeholders(kind.collection)
    described = kind.schema[EXTENSION].get("scope", {})
    at: Path = (EXTENSION, "collection")
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault(at, f"has {{{name}}} twice; give the two parameters two names")
    for name in names:
        if name in HEADER_WORDS:
            yield Fault(at, f"has {{{name}}}, a member of every document; choose another name")
        elif name not in described and name not in SCOPE_NAMES:
            advice = f'add "scope": {{"{name}": {{"type": "string", …}}}}'
            yield Fault(at, f"has {{{name}}}, which scope does not describe; {advice}")
    for name, keywords in described.items():
        place = (EXTENSION, "scope", name)
        if name not in names:
            yield Fault(place, f"is not in the path of the collection; write {{{name}}} there or remove it")
        elif keywords["type"] == "string" and name in SCOPE_NAMES:
            yield Fault(place, "is an integer in every kind; use another name for a string")
        elif keywords["type"] == "string":
            yield from _accepted(place, keywords, (*NOT_SEGMENTS, "a/b"), SEGMENT_PATTERN)
        elif keywords.get("minimum", -1) < 0:
            yield Fault(place, 'must not be negative; add "minimum": 1 or 0')


def _forms(kind: Kind) -> Iterator[Fault]:
    keywords_of = (("format", "string", "applies to strings"), ("uniqueItems", "array", "applies to lists"))
    for name, keywords in kind.schema["properties"].items():
        for keyword, wanted, message in keywords_of:
            if keywords.get(keyword) and not {wanted, "null"}.issuperset(type_names(keywords)):
                yield Fault(("properties", name, keyword), f'{message}; give the field "type": "{wanted}"')


def _optional(kind: Kind) -> Iterator[Fault]:
    for name, value in kind.optional.items():
        field = kind.fields.get(name)
        if field is not None and type(value) not in field.types:
            yield Fault((EXTENSION, "optional", name), "is not a valid value of the field; write a valid one")


def _foreign(kind: Kind) -> Iterator[Fault]:
    """Check that a live key can have the values that protect it."""
    for name, values in kind.foreign.items():
        field = kind.fields.get(name)
        for value in values if field is not None else ():
            if field is not None and type(value) not in field.types:
                message = f"{json_text(value)} is not a valid value of the field; write a valid one"
                yield Fault((EXTENSION, "foreign", name), message)
