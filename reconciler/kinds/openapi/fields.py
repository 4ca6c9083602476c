"""From a schema of OpenAPI to one of a field of a kind: what has no meaning here is left out and noted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.patterns import Pattern, PatternError, PatternLimitError
from reconciler.kinds.shape import type_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    Schema = Mapping[str, Any]

_TEXTS: Final = ("title", "description")
_KEPT: Final = (
    "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "uniqueItems", "enum",
)  # fmt: skip
_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
_COMBINED: Final = ("anyOf", "oneOf", "not", "if", "patternProperties", "prefixItems")


def is_nullable(schema: Schema) -> bool:
    """Return whether null is allowed, in the words of 3.0 or of 3.1."""
    return bool(schema.get("nullable")) or "null" in type_names(schema) or None in schema.get("enum", ())


def merged_name(*schemas: Schema | None) -> Schema:
    """Return the narrowest lengths of several schemas of one name, and the rest of the first one."""
    known = [schema for schema in schemas if schema]
    merged = dict(known[0]) if known else {"type": "string"}
    for word, narrowest in (("minLength", max), ("maxLength", min)):
        bounds = [schema[word] for schema in known if isinstance(schema.get(word), int)]
        if bounds:
            merged[word] = narrowest(bounds)
    return merged


class FieldDrafter:
    """Drafts fields; what it has to leave out, it adds to ``notes``."""

    def __init__(self) -> None:
        """Start without notes."""
        self.notes: list[str] = []

    def field(self, place: str, schema: Schema, *, can_be_null: bool | None = None) -> dict[str, Any] | None:
        """Return the schema of a field, or None if it has no type; ``can_be_null`` overrides it."""
        types = self._types(place, schema)
        if types is None:
            return None
        may_be_null = is_nullable(schema) if can_be_null is None else can_be_null
        drafted = {word: schema[word] for word in _TEXTS if isinstance(schema.get(word), str)}
        drafted["type"] = [*types, "null"] if may_be_null else types[0] if len(types) == 1 else types
        drafted |= {word: schema[word] for word in _KEPT if schema.get(word) is not None}
        drafted |= _bounds(schema)
        if "enum" in drafted and not may_be_null:
            drafted["enum"] = [value for value in drafted["enum"] if value is not None]
        drafted |= self._text_rules(place, schema)
        if "array" in types:
            items = self.field(f"{place}.items", schema.get("items") or {})
            drafted |= {} if items is None else {"items": items}
        if "object" in types:
            drafted |= self._members(place, schema)
        return drafted

    def _types(self, place: str, schema: Schema) -> list[str] | None:
        combined = [word for word in _COMBINED if word in schema]
        if combined:
            self.notes.append(f"{place}: {', '.join(combined)} cannot be taken over; state the rule by hand")
        types = [name for name in type_names(schema) if name in _TYPES]
        if types:
            return types
        if "properties" in schema:
            return ["object"]
        if "items" in schema:
            return ["array"]
        if all(isinstance(value, str | None) for value in schema.get("enum", [0])):
            return ["string"]
        self.notes.append(f"{place}: no type is described; it is left out")
        return None

    def _text_rules(self, place: str, schema: Schema) -> dict[str, Any]:
        rules = {}
        form, pattern = schema.get("format"), schema.get("pattern")
        if form == "date-time":
            rules["format"] = form
        elif form is not None:
            self.notes.append(f"{place}: the format {form} is not checked here; give a pattern if it matters")
        if isinstance(pattern, str):
            try:
                Pattern(pattern)
                rules["pattern"] = pattern
            except (PatternError, PatternLimitError) as error:
                self.notes.append(f"{place}: the pattern is left out, because it cannot be used ({error})")
        return rules

    def _members(self, place: str, schema: Schema) -> dict[str, Any]:
        members = {}
        for name, keywords in (schema.get("properties") or {}).items():
            member = self.field(f"{place}.{name}", keywords if isinstance(keywords, dict) else {})
            if member is not None:
                members[name] = member
        required = [name for name in schema.get("required", ()) if name in members]
        closed = {"additionalProperties": False, "properties": members} if members else {}
        return {"required": required, **closed} if required else closed


def _bounds(schema: Schema) -> dict[str, Any]:
    """Return exclusive bounds in the words of draft-07: in 3.0 they are remarks on the inclusive ones."""
    bounds: dict[str, Any] = {}
    for word in ("exclusiveMinimum", "exclusiveMaximum"):
        value = schema.get(word)
        if value is True:
            value = schema.get(word.removeprefix("exclusive").lower())
        if isinstance(value, int | float) and not isinstance(value, bool):
            bounds[word] = value
    return bounds
