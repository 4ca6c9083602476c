"""From an OpenAPI schema to the schema of a field: unsupported keywords are removed and noted."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.openapi.choices import choice_of, may_be_choice
from reconciler.kinds.openapi.likeness import are_alike, kinds
from reconciler.kinds.packaged import kind_schema
from reconciler.kinds.patterns import Pattern, PatternError, PatternLimitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.kinds.openapi.notes import Notes
    from reconciler.kinds.openapi.schemas import Schema

_KEPT: Final = (
    *(
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
    ),
    *("uniqueItems", "default"),
)
_UNLIKE: Final = (
    "left out: members of fields that have another type in responses than in requests: {}; check that an"
    " update without them does not clear them"
)
_ANY: Final = ("array", "boolean", "number", "object", "string", "null")
_DEEPEST: Final = 6
"""Levels of objects and lists in a field, deeper ones are left open."""
_DEEPEST_READ_ONLY: Final = 2
READ_ONLY: Final[Mapping[str, Any]] = {"readOnly": True, "not": {}, "doNotSuggest": True}


@functools.cache
def _allowed() -> Mapping[str, Any]:
    """Return the keywords that a field of a kind may have."""
    known: Mapping[str, Any] = kind_schema()["definitions"]["field"]["properties"]
    return known


class FieldDrafter:
    """Drafts fields; adds a note to ``notes`` for each part that is left out."""

    def __init__(self, notes: Notes | None) -> None:
        """Store the target of notes, None for fields that nobody declares."""
        self._notes = notes
        self._deepest = _DEEPEST_READ_ONLY if notes is None else _DEEPEST

    def field(
        self, place: str, schema: Schema, level: int = 0, *, shown: Schema | None = None
    ) -> dict[str, Any] | None:
        """Return the schema of a field, or None if it has no type.

        Members that only ``shown`` has are read-only, and members that it lacks are removed; of several types
        those of ``shown`` remain.
        """
        types = schema.types if shown is None else _as_shown(schema, shown)
        if not types and not level and schema.says_nothing and (shown is None or shown.says_nothing):
            self._note("no type is described for {}, so any value is allowed", place)
            return {**_words(schema), "type": [*_ANY]}
        if not types:
            self._note("left out: no type is described for {}", place)
            return None
        drafted = _words(schema)
        drafted["type"] = [*types, "null"] if schema.is_nullable else types[0] if len(types) == 1 else types
        drafted |= self._values(place, schema)
        if "string" in types:
            drafted |= self._text_rules(place, schema)
        if schema.is_cut or level >= self._deepest:
            if {"array", "object"} & {*types}:
                reason = "its schema refers to itself" if schema.is_cut else "it is nested too deeply"
                self._note(f"not validated: the content of {{}}, because {reason}", place)
            return drafted
        if "array" in types and schema.items is not None:
            seen = None if shown is None else shown.items
            items = self.field(f"{place}.items", schema.items, level + 1, shown=seen)
            drafted |= {} if items is None else {"items": items}
        if "object" in types:
            drafted |= self._members(place, schema, level, shown)
        drafted |= self._choice(place, schema, drafted)
        return drafted

    def _choice(self, place: str, schema: Schema, drafted: Mapping[str, Any]) -> dict[str, Any]:
        """Return the alternatives of an object, as far as they can be distinguished."""
        members = drafted.get("properties", {})
        declared = [name for name, member in members.items() if "readOnly" not in member]
        choice = choice_of(schema, declared) if self._notes is not None and declared else {}
        if schema.alternatives and not choice:
            self._note("{} has several schemas (oneOf or anyOf); the draft allows the members of all", place)
        elif not choice and may_be_choice(schema, members):
            self._note(
                "oneOf: does {} have only one of its members at a time? If so, describe them as alternatives",
                place,
            )
        return choice

    def _note(self, text: str, place: str) -> None:
        if self._notes is not None:
            self._notes.add(text, place)

    def _values(self, place: str, schema: Schema) -> dict[str, Any]:
        """Return the allowed values: the listed ones that have a described type."""
        listed = schema.words.get("enum")
        if not isinstance(listed, list):
            return {}
        values = [*listed, *([None] if schema.is_nullable else [])]
        values = [value for number, value in enumerate(values) if value not in values[:number]]
        if not values:
            self._note("left out: the empty enum of {}", place)
        return {"enum": values} if values else {}

    def _text_rules(self, place: str, schema: Schema) -> dict[str, Any]:
        rules = {}
        form, pattern = schema.words.get("format"), schema.words.get("pattern")
        if form in _allowed()["format"]["enum"]:
            rules["format"] = form
        elif isinstance(form, str):
            self._note(
                "not validated: formats that are not supported: {}; add a pattern where the format matters",
                f"{place} ({form})",
            )
        if isinstance(pattern, str):
            try:
                Pattern(pattern)
                rules["pattern"] = pattern
            except (PatternError, PatternLimitError) as error:
                self._note("left out: patterns that are not supported: {}", f"{place} ({error})")
        return rules

    def _members(self, place: str, schema: Schema, level: int, shown: Schema | None) -> dict[str, Any]:
        seen = {} if shown is None or not schema.members else shown.properties
        shown_freely = shown is not None and bool(shown.others)
        others = {name: inner for name, inner in seen.items() if name not in schema.members}
        members = {}
        for name, inner in (schema.properties | others).items():
            if seen and name not in seen and not shown_freely:
                self._note("left out: members of fields that no response returns: {}", f"{place}.{name}")
                continue
            if name in seen and not are_alike(inner, seen[name]):
                self._note(_UNLIKE, f"{place}.{name}")
                continue
            is_read_only = name in others or inner.words.get("readOnly")
            drafter = FieldDrafter(None) if is_read_only else self
            member = drafter.field(f"{place}.{name}", inner, level + 1, shown=seen.get(name))
            if member is not None:
                members[name] = {**member, **READ_ONLY} if is_read_only else member
        closed: dict[str, Any] = {"properties": members} if members else {}
        values = self._map(place, schema, level)
        if values is not None:
            closed["additionalProperties"] = values
        elif members and not schema.others:
            closed["additionalProperties"] = False
        required = [name for name in schema.required if name in members and "readOnly" not in members[name]]
        return {"required": required, **closed} if required else closed

    def _map(self, place: str, schema: Schema, level: int) -> dict[str, Any] | None:
        """Return the schema of the values of a map."""
        values = schema.values
        if values is None:
            return None
        return self.field(f"{place}.*", values, level + 1)


def _as_shown(schema: Schema, shown: Schema) -> list[str]:
    """Return the types that responses show too, all if they show none: other types would differ for ever."""
    common = kinds(schema) & kinds(shown)
    types = [name for name in schema.types if name in common or (name == "integer" and "number" in common)]
    return types or schema.types


def _words(schema: Schema) -> dict[str, Any]:
    """Return the keywords that are copied unchanged."""
    words = schema.words
    drafted = {word: words[word] for word in ("title", "description") if isinstance(words.get(word), str)}
    drafted |= {word: words[word] for word in _KEPT if word in words and word in _allowed()}
    if isinstance(words.get("examples"), list):
        drafted["examples"] = words["examples"]
    elif words.get("example") is not None:
        drafted["examples"] = [words["example"]]
    if "uniqueItems" in drafted and "array" not in schema.types:
        del drafted["uniqueItems"]
    if drafted.get("default") is not None and schema.default is None:
        del drafted["default"]
    return drafted | _bounds(words)


def _bounds(words: Mapping[str, Any]) -> dict[str, Any]:
    """Return exclusive bounds in the terms of draft-07: in OpenAPI 3.0 they are booleans."""
    bounds: dict[str, Any] = {}
    for word in ("exclusiveMinimum", "exclusiveMaximum"):
        value = words.get(word)
        if value is True:
            value = words.get(word.removeprefix("exclusive").lower())
        if isinstance(value, int | float) and not isinstance(value, bool):
            bounds[word] = value
    return bounds
