"""Schemas of an OpenAPI description, opened on demand.

Opening a schema follows its reference, joins ``allOf`` and unites alternatives; nested schemas stay closed,
because descriptions contain cycles and expand to more than fits into memory.
"""

from __future__ import annotations

from dataclasses import field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import DescriptionError
from reconciler.kinds.references import lookup_in
from reconciler.kinds.shape import type_names
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_SCHEMAS: Final = 40_000
"""Schemas that are opened for one collection: references to references double again and again."""
_ALTERNATIVES: Final = ("anyOf", "oneOf")
_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
_OF_VALUES: Final = (("boolean", bool), ("string", str), ("integer", int), ("number", int | float))
_FITTING: Final[Mapping[type, frozenset[str]]] = {
    bool: frozenset({"boolean"}),
    int: frozenset({"integer", "number"}),
    float: frozenset({"number"}),
    str: frozenset({"string"}),
    list: frozenset({"array"}),
    dict: frozenset({"object"}),
}
"""The types that a value of JSON may have."""
_OWN_RULES: Final = frozenset({"type", "enum", "const", "required", "nullable"})
"""Keywords that alternatives do not have in common, and that are united by themselves."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A schema as written, and the references that led to it."""

    raw: Any
    above: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """The alternatives of one keyword."""

    word: str
    alternatives: tuple[Schema, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema, opened: its own keywords, and nested schemas that are still closed.

    ``others`` is the schema of additional members, true, false, or None if not described. ``is_cut`` is true
    if its reference leads back to itself, so that its content is unknown. It holds what its ``alternatives``,
    if there are any, have in common; ``choices`` has these by keyword.
    """

    description: Description
    words: Mapping[str, Any] = field(default_factory=dict)
    members: Mapping[str, Closed] = field(default_factory=dict)
    inner: Closed | None = None
    others: Closed | bool | None = None
    is_cut: bool = False
    alternatives: tuple[Schema, ...] = ()
    choices: tuple[Choice, ...] = ()

    @property
    def types(self) -> list[str]:
        """Return the types without null: the described ones, or those that other keywords imply."""
        named = [name for name in type_names(self.words) if name in _TYPES]
        if named or "type" in self.words:
            return named
        if self.members or isinstance(self.others, Closed):
            return ["object"]
        if self.inner is not None:
            return ["array"]
        values = [value for value in self.words.get("enum", ()) if value is not None]
        fit = (name for name, kind in _OF_VALUES if all(isinstance(value, kind) for value in values))
        return [next(fit, "")] if values else []

    @property
    def is_nullable(self) -> bool:
        """Return whether null is allowed, in the syntax of 3.0 or of 3.1."""
        words = self.words
        return bool(words.get("nullable")) or "null" in type_names(words) or None in words.get("enum", ())

    def never_null(self) -> Schema:
        """Return the schema of the same values without null."""
        types = [name for name in type_names(self.words) if name != "null"]
        values = [value for value in self.words.get("enum", ()) if value is not None]
        kept = {"type": types, "enum": values, "nullable": False}
        return replace(self, words={word: kept.get(word, value) for word, value in self.words.items()})

    @property
    def properties(self) -> dict[str, Schema]:
        """Return the described members, opened."""
        return {name: self.description.opened(closed) for name, closed in self.members.items()}

    def member(self, name: str) -> Schema:
        """Return one member, opened; an empty schema where it is not described."""
        closed = self.members.get(name)
        return Schema(self.description) if closed is None else self.description.opened(closed)

    @property
    def says_nothing(self) -> bool:
        """Return whether the schema restricts nothing, not even the type."""
        return not (self.types or self.is_cut or self.alternatives or self.choices or self.others)

    @property
    def is_map(self) -> bool:
        """Return whether members may have any name, and none is described."""
        return "object" in self.types and not self.members and self.others is not False

    def takes(self, name: str) -> bool:
        """Return whether an object may have this member: a described one, or one of a map."""
        return name in self.members or self.is_map

    def at(self, place: str) -> Schema:
        """Return the schema of a dotted member."""
        return reduce(Schema.member, place.split("."), self)

    @property
    def items(self) -> Schema | None:
        """Return the schema of the items of a list, if it is described."""
        return None if self.inner is None else self.description.opened(self.inner)

    @property
    def values(self) -> Schema | None:
        """Return the schema of the values of a map, None if it is not a map with one schema of values."""
        return self.description.opened(self.others) if isinstance(self.others, Closed) else None

    @property
    def required(self) -> list[str]:
        """Return the required members."""
        return list(self.words.get("required") or ())

    @property
    def default(self) -> Any:
        """Return the default, None if it is not a valid value: some descriptions have a sentence there."""
        value = self.words.get("default")
        is_fit = not self.types or not _FITTING.get(type(value), frozenset()).isdisjoint(self.types)
        return value if is_fit and value in self.words.get("enum", [value]) else None

    @property
    def text(self) -> str:
        """Return its title and description."""
        return " ".join(str(self.words.get(word) or "") for word in ("title", "description"))

    def restricted(self, names: set[str]) -> Schema:
        """Return the schema of an object with only these members."""
        return replace(self, members={name: part for name, part in self.members.items() if name in names})


class Description:
    """One description, with resolution of its references."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        """Store the description."""
        self.content = content
        self._lookup = lookup_in(content)
        self._left = _MOST_SCHEMAS

    def target(self, value: Any) -> dict[str, Any]:
        """Return a value that is not a schema, such as a parameter, with references followed.

        For a value that is not a mapping, return an empty one.
        """
        seen: list[str] = []
        found = mapping(value)
        while isinstance(reference := found.get("$ref"), str):
            if reference in seen:
                raise DescriptionError(f"the reference {reference} refers to itself; correct it")
            seen.append(reference)
            beside = {name: part for name, part in found.items() if name != "$ref"}
            found = {**self._referenced(reference), **beside}
        return found

    def opened(self, closed: Closed) -> Schema:
        """Return a schema with its reference followed and its ``allOf`` and alternatives merged."""
        self._left -= 1
        if self._left < 0:
            message = "the schemas are too large with their references; copy the path into a file of its own"
            raise DescriptionError(message)
        raw, above = mapping(closed.raw), closed.above
        parts: list[Schema] = []
        reference = raw.get("$ref")
        if isinstance(reference, str):
            target = self._referenced(reference)
            if reference in above:
                return Schema(self, {"type": type_names(target) or "object"}, is_cut=True)
            parts.append(self.opened(Closed(target, (*above, reference))))
        parts += [self.opened(Closed(part, above)) for part in _schemas(raw, "allOf")]
        for word in _ALTERNATIVES:
            if alternatives := _schemas(raw, word):
                every = [self.opened(Closed(one, above)) for one in alternatives]
                parts.append(_choosing(word, self._united(every)))
        return self._joined([*parts, self._own(raw, above)])

    def _own(self, raw: Mapping[str, Any], above: tuple[str, ...]) -> Schema:
        """Return the schema of its own keywords."""
        inside = {"$ref", "allOf", *_ALTERNATIVES, "properties", "items", "additionalProperties"}
        words = {word: value for word, value in raw.items() if word not in inside and value is not None}
        if "const" in words:
            words["enum"] = [words.pop("const")]
        items, free = raw.get("items"), raw.get("additionalProperties")
        others = Closed(free, above) if isinstance(free, dict) else free if isinstance(free, bool) else None
        return Schema(
            self,
            words,
            {name: Closed(value, above) for name, value in mapping(raw.get("properties")).items()},
            Closed(items, above) if isinstance(items, dict) and items else None,
            True if free == {} else others,
        )

    def _joined(self, parts: list[Schema]) -> Schema:
        """Return the schema that satisfies all parts; the last part wins where two set a keyword."""
        joined = parts[0]
        for part in parts[1:]:
            members = dict(joined.members)
            for name, closed in part.members.items():
                members[name] = _both("allOf", members[name], closed) if name in members else closed
            required = list(dict.fromkeys([*joined.required, *part.required]))
            joined = Schema(
                self,
                {**joined.words, **part.words, **({"required": required} if required else {})},
                members,
                part.inner or joined.inner,
                joined.others if part.others is None else part.others,
                joined.is_cut or part.is_cut,
                (*joined.alternatives, *part.alternatives),
                (*joined.choices, *part.choices),
            )
        return joined

    def _united(self, parts: list[Schema]) -> Schema:
        """Return what the alternatives have in common, and every member that one of them has."""
        if not any(part.types for part in parts) and all(part.required for part in parts):
            return Schema(self, alternatives=tuple(parts))  # rules alone, for the members beside them
        known = [part for part in parts if part.types]
        is_nullable = any(part.is_nullable for part in parts)
        known = [part for part in known if not part.is_cut] or known
        if len(known) < 2:  # noqa: PLR2004 - one is no choice
            one = known[0] if known else Schema(self)
            return replace(one, words={**one.words, "nullable": True}) if is_nullable else one
        first, *rest = known
        words = {
            word: value
            for word, value in first.words.items()
            if word not in _OWN_RULES and all(part.words.get(word) == value for part in rest)
        }
        words["type"] = list(dict.fromkeys(name for part in known for name in part.types))
        if all("enum" in part.words for part in known):
            words["enum"] = list(dict.fromkeys(value for part in known for value in part.words["enum"]))
        words |= {"nullable": True} if is_nullable else {}
        words["required"] = [name for name in first.required if all(name in part.required for part in rest)]
        united = Schema(self, words, alternatives=tuple(known))
        for part in known:
            members = dict(united.members)
            for name, closed in part.members.items():
                is_known = name in members and members[name].raw != closed.raw
                members[name] = _both("anyOf", members[name], closed) if is_known else closed
            inner = _both("anyOf", united.inner, part.inner) if united.inner and part.inner else part.inner
            others = united.others if part.others is None else part.others
            united = replace(united, members=members, inner=inner or united.inner, others=others)
        return united

    def _referenced(self, reference: str) -> dict[str, Any]:
        found = self._lookup(reference)
        if not isinstance(found, dict):
            raise DescriptionError(f"the reference {reference} cannot be resolved")
        return found


def mapping(value: Any) -> dict[str, Any]:
    """Return a mapping unchanged, and an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def _schemas(raw: Mapping[str, Any], word: str) -> list[Any]:
    parts = raw.get(word)
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _choosing(word: str, united: Schema) -> Schema:
    """Return the union of alternatives with its choice; a list of requirements counts as ``oneOf``."""
    if not united.alternatives or (word == "anyOf" and not united.types):
        return united
    return replace(united, choices=(Choice(word, united.alternatives),))


def _both(word: str, one: Closed, other: Closed) -> Closed:
    """Return two schemas of one member as one, joined by ``allOf`` or ``anyOf``."""
    return Closed({word: [one.raw, other.raw]}, tuple(dict.fromkeys((*one.above, *other.above))))
