"""The rules for the file of a kind that its schema, ``kind.schema.json``, cannot state. Pure.

They are for the kinds of users: tests hold the built-in ones to them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.collection_path import path_fault
from reconciler.kinds.kind import EXTENSION, RESERVED, EffectRule, ListStyle, kind_from_schema, placeholders
from reconciler.kinds.patterns import Budget, Pattern, PatternError, PatternLimitError
from reconciler.model.lookalikes import meant
from reconciler.model.phrases import closest, listed
from reconciler.model.scope import ALIASES, SCOPE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.kinds.kind import Kind

    Path = tuple[str | int, ...]
    Schema = Mapping[str, Any]

KIND_NAME: Final = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)
NO_SEGMENTS: Final = ("", ".", "..")
"""Texts that cannot be one segment of a path: with them a request would be about something else."""
SEGMENT_PATTERN: Final = r"^(?!\.{1,2}$)[^/]+$"
NAME_PATTERN: Final = r"^(?!\.{1,2}$).+$"
HEADER_WORDS: Final = frozenset({"kind", "exclusive", "defaults", "keys", *ALIASES.values()})
"""What the header of a document says besides its scope, and so no part of a scope is called."""
_MOST_FAULTS: Final = 1000
_SUBSCHEMAS: Final = ("items",)
_FORMS: Final[Mapping[EffectRule, tuple[str, str]]] = {
    EffectRule.EXPIRY: ("instant", '"format": "date-time"'),
    EffectRule.BINDING: ("set", '"type": "array" and "uniqueItems": true'),
    EffectRule.SWITCH_OFF: ("switch", '"type": "boolean"'),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in the file of a kind, what to do about it, and the path of the value."""

    path: Path
    message: str


def faults(name: str, schema: Schema, budget: Budget | None = None) -> tuple[Fault, ...]:
    """Return everything that is wrong with a kind whose file follows ``kind.schema.json``.

    Kinds that are checked together share a ``budget`` for their patterns.
    """
    unclear = path_fault(schema[EXTENSION]["collection"])
    broken = [Fault((EXTENSION, "collection"), unclear)] if unclear else list(_patterns(schema, budget))
    if broken:
        return tuple(broken)
    kind = kind_from_schema(name, schema)
    rules = (
        _identity,
        _required,
        _members,
        _reserved,
        _named_fields,
        _effects,
        _scope,
        _forms,
        _optional,
        _list,
    )
    return tuple(islice((fault for rule in rules for fault in rule(kind)), _MOST_FAULTS))


def _described(schema: Schema) -> Iterator[tuple[Path, Schema]]:
    """Yield the schema of every field, of what lies inside fields, and of every part of the scope."""
    waiting: list[tuple[Path, Schema]] = [
        *((("properties", name), keywords) for name, keywords in schema["properties"].items()),
        *(((EXTENSION, "scope", name), keywords) for name, keywords in _scope_of(schema).items()),
    ]
    while waiting:
        path, keywords = waiting.pop()
        yield path, keywords
        waiting += [((*path, word), keywords[word]) for word in _SUBSCHEMAS if word in keywords]
        members = keywords.get("properties", {})
        waiting += [((*path, "properties", name), inner) for name, inner in members.items()]


def _scope_of(schema: Schema) -> Mapping[str, Schema]:
    scope: Mapping[str, Schema] = schema[EXTENSION].get("scope", {})
    return scope


def _patterns(schema: Schema, budget: Budget | None) -> Iterator[Fault]:
    """Find patterns that are not regular expressions, and those that are too large together."""
    budget = budget or Budget()
    for path, keywords in _described(schema):
        if "pattern" not in keywords:
            continue
        try:
            Pattern(keywords["pattern"], budget)
        except PatternError as error:
            yield Fault((*path, "pattern"), f"is no regular expression of ECMA 262: {error}")
        except PatternLimitError:
            yield Fault((*path, "pattern"), "is too large, together with the patterns before it; simplify it")
            return


def _members(kind: Kind) -> Iterator[Fault]:
    """Check that members which an object must have are described."""
    for path, keywords in _described(kind.schema):
        for name in keywords.get("required", ()):
            if name not in keywords.get("properties", {}):
                yield Fault(
                    (*path, "required"), f'"{name}" is not described under properties; describe it there'
                )


def _reserved(kind: Kind) -> Iterator[Fault]:
    """Refuse fields to declare that are called like what a file says about a key, but for just that."""
    for name, keywords in kind.schema["properties"].items():
        if name in RESERVED and not keywords.get("readOnly") and not _says_the_same(name, keywords):
            meant = "state: absent" if name == "state" else "lifecycle: {prevent_destroy: true}"
            advice = 'give it "readOnly": true, or leave it out'
            message = f"cannot be declared, because files write `{meant}` about a key; {advice}"
            yield Fault(("properties", name), message)


def _says_the_same(name: str, keywords: Schema) -> bool:
    if name == "state":
        return sorted(map(str, keywords.get("enum", ()))) == ["absent", "present"]
    members = set(keywords.get("properties", ()))
    return bool(members) and members <= {"prevent_destroy", "prevent_revoke", "ignore_changes", "replace"}


def _identity(kind: Kind) -> Iterator[Fault]:
    place = (EXTENSION, "identity")
    keywords = kind.schema["properties"].get(kind.identity)
    if keywords is None:
        yield Fault(place, _unknown(kind, kind.identity))
        return
    at = ("properties", kind.identity)
    if kind.identity not in kind.schema["required"]:
        yield Fault(("required",), f"must list the identity, {kind.identity}")
    if keywords["type"] != "string":
        yield Fault((*at, "type"), 'must be "string", because it is the identity: names are texts')
    elif keywords.get("readOnly"):
        yield Fault((*at, "readOnly"), "cannot be, because it is the identity: it has to be declared")
    else:
        yield from _accepted(at, keywords, NO_SEGMENTS, NAME_PATTERN)


def _accepted(at: Path, keywords: Schema, unwanted: Iterable[str], pattern: str) -> Iterator[Fault]:
    """Find texts that would make a path lead elsewhere."""
    matches = Pattern(keywords.get("pattern", ""))
    found = [f'"{text}"' for text in unwanted if _accepts(keywords, matches, text)]
    if found:
        example = pattern.replace("\\", "\\\\")
        advice = f'add a pattern such as "{example}", or an enum'
        yield Fault(at, f"accepts {', '.join(found)}, which cannot be one segment of a path; {advice}")


def _accepts(keywords: Schema, matches: Pattern, text: str) -> bool:
    if len(text) < keywords.get("minLength", 0) or text not in keywords.get("enum", [text]):
        return False
    try:
        return matches.is_in(text)
    except PatternLimitError:
        return True


def _required(kind: Kind) -> Iterator[Fault]:
    for name in kind.schema["required"]:
        if name not in kind.fields:
            yield Fault(("required",), _unknown(kind, name))


def _named_fields(kind: Kind) -> Iterator[Fault]:
    """Check that what the extension names are fields, and can be what it says of them."""
    extension = kind.schema[EXTENSION]
    for member in ("always_sent", "immutable", "effects", "optional", "foreign"):
        for name in extension.get(member, ()):
            if name not in kind.fields:
                yield Fault((EXTENSION, member), _unknown(kind, name))
            elif member == "always_sent" and name == kind.identity:
                yield Fault((EXTENSION, member), f"{name} is the identity, which no PATCH carries; remove it")
            elif member in {"always_sent", "immutable"} and kind.schema["properties"][name].get("readOnly"):
                yield Fault((EXTENSION, member), f"{name} is read-only and cannot be declared; remove it")
    for member in ("secret", "created"):
        name = extension.get(member)
        if name is not None and name not in kind.fields:
            yield Fault((EXTENSION, member), _unknown(kind, name))
        elif name is not None and not kind.schema["properties"][name].get("readOnly"):
            yield Fault((EXTENSION, member), f'{name} is set by the service; give it "readOnly": true')


def _unknown(kind: Kind, name: str) -> str:
    close = closest(name, kind.fields)
    advice = f"did you mean {close}?" if close else f"the properties are {listed(kind.fields)}"
    if alike := meant(name, kind.fields):
        advice = f"did you mean {alike}?"
    return f"{name} is no property; {advice}"


def _effects(kind: Kind) -> Iterator[Fault]:
    for field in kind.fields.values():
        if field.effect is EffectRule.NONE:
            continue
        is_switch = field.types == (bool,)
        form = "switch" if is_switch else field.form.value
        wanted, advice = _FORMS[field.effect]
        if form != wanted:
            place = (EXTENSION, "effects", field.name)
            yield Fault(place, f"is {field.effect}, for which {field.name} needs {advice}")


def _scope(kind: Kind) -> Iterator[Fault]:
    parts = placeholders(kind.collection)
    described = kind.schema[EXTENSION].get("scope", {})
    at: Path = (EXTENSION, "collection")
    for name in sorted({name for name in parts if parts.count(name) > 1}):
        yield Fault(at, f"has {{{name}}} twice; give the two parts two names")
    for name in parts:
        if name in HEADER_WORDS:
            yield Fault(at, f"has {{{name}}}, a word of the header of every document; take another name")
        elif name not in described and name not in SCOPE_NAMES:
            advice = f'add "scope": {{"{name}": {{"type": "string", …}}}}'
            yield Fault(at, f"has {{{name}}}, which scope does not describe; {advice}")
    for name, keywords in described.items():
        place = (EXTENSION, "scope", name)
        if name not in parts:
            yield Fault(place, f"is not in the path of the collection; write {{{name}}} there or remove it")
        elif keywords["type"] == "string" and name in SCOPE_NAMES:
            yield Fault(place, "is a number in every kind; give a text another name")
        elif keywords["type"] == "string":
            yield from _accepted(place, keywords, (*NO_SEGMENTS, "a/b"), SEGMENT_PATTERN)
        elif keywords.get("minimum", -1) < 0:
            yield Fault(place, 'must not be negative; add "minimum": 1 or 0')


def _forms(kind: Kind) -> Iterator[Fault]:
    for name, keywords in kind.schema["properties"].items():
        types = [keywords["type"]] if isinstance(keywords["type"], str) else keywords["type"]
        at = ("properties", name)
        if keywords.get("format") and not {"string", "null"}.issuperset(types):
            yield Fault((*at, "format"), 'date-time is for texts; give the field "type": "string"')
        if keywords.get("uniqueItems") and not {"array", "null"}.issuperset(types):
            yield Fault((*at, "uniqueItems"), 'is for lists; give the field "type": "array"')


def _optional(kind: Kind) -> Iterator[Fault]:
    for name, value in kind.optional.items():
        field = kind.fields.get(name)
        if field is not None and type(value) not in field.types:
            yield Fault((EXTENSION, "optional", name), "is no value that the field can have; give one")


def _list(kind: Kind) -> Iterator[Fault]:
    described = kind.schema[EXTENSION].get("list", {})
    place: Path = (EXTENSION, "list")
    other = ListStyle.OFFSET if kind.listing.style is ListStyle.PAGE else ListStyle.PAGE
    if other.value in described:
        yield Fault((*place, other.value), f"is for the style {other}, and the style is {kind.listing.style}")
    if kind.listing.results is None and kind.listing.count is not None:
        yield Fault((*place, "count"), "needs an object around the list; name its list under results")
    if kind.listing.limit == kind.listing.position:
        yield Fault((*place, "limit"), f"is the name of two query parameters: {kind.listing.limit}")
