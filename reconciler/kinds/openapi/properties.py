"""The properties of a drafted kind: those that an update accepts and rows show can be declared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.kind import RESERVED
from reconciler.kinds.openapi.choices import alternatives_without
from reconciler.kinds.openapi.fields import READ_ONLY, FieldDrafter
from reconciler.kinds.openapi.likeness import PAIR, are_alike, kinds, shown_as, shown_pairs
from reconciler.kinds.openapi.scope import as_segment
from reconciler.kinds.openapi.words import words_of
from reconciler.kinds.paths import NAME_PATTERN
from reconciler.kinds.shape import ALTERNATIVES, type_names
from reconciler.model.expressions import expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.kinds.openapi.identity import Identity
    from reconciler.kinds.openapi.notes import Notes
    from reconciler.kinds.openapi.operations import Operations
    from reconciler.kinds.openapi.schemas import Schema
    from reconciler.kinds.openapi.shapes import Shape

_CREATED: Final = (
    *("created_at", "createdAt", "created", "creation_date", "date_created", "created_on", "dateCreated"),
    *("created_datetime", "time_created", "creation_time"),
)
_SECRETS: Final = frozenset(
    {"secret", "token", "key", "password", "passphrase", "credential", "credentials", "apikey"}
)
_PROPERTY: Final = expression(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_INNER: Final = ("id", "value", "name", "slug")
"""Members of a shown object that may be the value that is set."""
_OTHER_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "state": ("status", "phase"),
    "lifecycle": ("life_cycle", "life_cycle_policy"),
}
_TEXTS: Final = frozenset({"pattern", "minLength", "maxLength", "format"})


class Properties:
    """The properties by their names in files, and the members of ``x-reconciler`` about them.

    ``settable`` are the API's names of the properties that an update accepts and rows show.
    """

    def __init__(self, identity: Identity, notes: Notes) -> None:
        """Start without properties."""
        self.identity = identity.name
        self.path = identity.path
        self.inside = identity.inside
        self.properties: dict[str, dict[str, Any]] = {}
        self.settable: list[str] = []
        self.renamed: dict[str, str] = {}
        self.shown: dict[str, Any] = {}
        self.read_from: dict[str, str] = {}
        self.optional: dict[str, Any] = {}
        self.marked: dict[str, str] = {}
        self._drafter = FieldDrafter(notes)
        self._notes = notes

    @property
    def known(self) -> set[str]:
        """Return the API's names of all properties that are described."""
        return {self.renamed.get(name, name) for name in self.properties}

    @property
    def declared(self) -> set[str]:
        """Return the API's names of the properties that files can declare."""
        declared = [name for name, field in self.properties.items() if not field.get("readOnly")]
        return {self.renamed.get(name, name) for name in declared}

    @property
    def is_name_inside(self) -> bool:
        """Return whether requests carry the name inside a property that can be declared."""
        return self.inside is not None and self.inside.outer in self.declared

    def file_name(self, name: str) -> str:
        """Return the name in files of a property of the API."""
        return next((own for own, there in self.renamed.items() if there == name), name)

    def declare(self, name: str) -> None:
        """Make a read-only property declarable."""
        self.properties[name] = _declarable(self.properties[name])

    def without_null(self, maps: Iterable[str]) -> None:
        """Remove null from the allowed values of these maps."""
        for name in maps:
            values = self.properties[name].get("additionalProperties")
            if isinstance(values, dict) and "null" in type_names(values):
                types = [kind for kind in type_names(values) if kind != "null"]
                allowed = [value for value in values.get("enum", ()) if value is not None]
                named = {**values, "type": types[0] if len(types) == 1 else types}
                self.properties[name]["additionalProperties"] = named | ({"enum": allowed} if allowed else {})

    def add_identity(self, found: Operations, shape: Shape) -> None:
        """Add the identity, with the narrowest described lengths, and the id if there is one."""
        shown, creates, inside = shape.shown.member(self.identity), shape.create, self.inside
        if inside is not None:
            shown = inside.schema(shape.shown)
            creates = creates.member(inside.outer) if inside.is_sent else creates
            self.read_from[self.identity] = inside.place
        own = inside.inner if inside is not None and inside.is_sent else self.identity
        parts = [creates.member(own)] if own in creates.members else []
        if self.path == self.identity and found.named is not None:
            parts.append(found.named.schema)
        drafted = self._drafter.field(self.identity, _narrowest([*parts, shown]).never_null()) or {}
        name = {**drafted, "type": _scalar(shown)}
        if name["type"] == "integer":
            name = {word: value for word, value in name.items() if word not in _TEXTS}
        elif self.path == self.identity:
            name = as_segment(name, NAME_PATTERN)
        self.properties[self.identity] = _declarable(name)
        if self.path != self.identity:
            schema = shape.shown.member(self.path).never_null()
            drafted = FieldDrafter(None).field(self.path, schema) or {}
            self.properties[self.path] = {**drafted, "type": _scalar(schema), **READ_ONLY}

    def add_settable(self, found: Operations, shape: Shape) -> None:
        """Add the properties that an update accepts and rows show."""
        notes, method = self._notes, found.update.method
        then = "cannot be compared" if found.is_updated else "would be lost when a key is replaced"
        for name, taken in shape.update.properties.items():
            if name in {self.identity, self.path} or taken.words.get("readOnly"):
                continue
            if self.inside is not None and name == self.inside.outer and not self.inside.is_sent:
                notes.add(f"left out: {method} accepts {{}} without the name that responses have there", name)
                continue
            there = name if name in shape.shown.members else shown_as(name, found, shape)
            if there is None or shape.shown.at(there).words.get("writeOnly"):
                where = "only GET of one key returns" if name in shape.only_in_item else "no response returns"
                notes.add(f"left out: fields of {method} that {where}, and that {then}: {{}}", name)
                continue
            shown = shape.shown.at(there)
            if not self._fits(name, taken, shown):
                notes.add(f"left out: fields of {method} that have another type in responses: {{}}", name)
                continue
            wanted = taken if shown.is_nullable else taken.never_null()
            drafted = self._drafter.field(name, wanted, shown=shown)
            own = None if drafted is None else self._own_name(name, shape)
            if drafted is None or own is None:
                continue
            if shown.is_nullable and not taken.is_nullable:
                notes.add(f"optional: {method} does not accept null, which responses may have, for {{}}", own)
            if self.inside is not None and name == self.inside.outer:
                drafted, has_more = _around(drafted, self.inside.inner)
                self.properties[own] = drafted
                self.settable += [name] if has_more else []
                continue
            self.properties[own] = _declarable(drafted)
            if there != name:
                self.read_from[name] = there
                notes.add("read_from: responses return {}; are both the same?", f"{name} as {there}")
            self.settable.append(name)

    def _fits(self, name: str, taken: Schema, shown: Schema) -> bool:
        """Return whether a value can be compared, directly or with the conversion of ``shown``."""
        if are_alike(taken, shown):
            return True
        if "object" in taken.types and not taken.members and shown.items is not None:
            members = shown.items.properties
            is_pairs = members.keys() >= PAIR
            if is_pairs:
                self.shown[name] = shown_pairs(members)
            return is_pairs
        one, other = (taken.items, shown.items) if "array" in taken.types else (taken, shown)
        if one is None or other is None or other.types != ["object"]:
            return False
        scalars = kinds(one) - {"array", "object"}
        inner = (word for word in _INNER if word in other.members and kinds(other.member(word)) & scalars)
        member = next(inner, None)
        if member is None:
            return False
        self.shown[name] = member
        text = "shown: responses return {}; is that the member that requests send?"
        self._notes.add(text, f"{name} as an object with {member}")
        return True

    def _own_name(self, name: str, shape: Shape) -> str | None:
        """Return the name in files: another one for a reserved word, or for text that is not a name."""
        if name not in RESERVED and _PROPERTY.fullmatch(name):
            return name
        others = (
            *_OTHER_NAMES.get(name, ()),
            f"{re.sub(r'[^A-Za-z0-9_]', '_', name).strip('_')}_",
            f"{name}_value",
        )
        taken = {*shape.shown.members, *shape.update.members, *self.properties}
        own = next((one for one in others if one not in taken and _PROPERTY.fullmatch(one)), None)
        if own is None:
            self._notes.add("left out: no valid property name was found for {}", name)
            return None
        self.renamed[own] = name
        self._notes.add("as: some fields have another name in files than in the API: {}", f"{own} for {name}")
        return own

    def add_read_only(self, found: Operations, shape: Shape) -> None:
        """Add the other properties of responses, and those that only the response to a creation has.

        Properties that only GET of one key shows are added for a PUT of the full object, based on it.
        """
        shown = {**(shape.only_in_item if found.update.method == "PUT" else {}), **shape.shown.properties}
        for name, schema in {**shown, **_only_created(shape)}.items():
            taken = name in shape.update.members and not shape.update.member(name).words.get("readOnly")
            is_known = name in {*self.known, *self.renamed, *self.read_from.values()}
            if is_known or taken or not _PROPERTY.fullmatch(name) or schema.words.get("writeOnly"):
                continue
            drafted = FieldDrafter(None).field(name, schema)
            if drafted is not None:
                self.properties[name] = {**drafted, **READ_ONLY}

    def find_optional(self, shape: Shape) -> None:
        """Store the meaning of each property that a row may omit."""
        for name in self.settable:
            there = self.read_from.get(name, name)
            if there in shape.rows.required:
                continue
            own, value = self.file_name(name), shape.shown.at(there).default
            if value is None and "null" not in self.properties[own]["type"]:
                self._notes.add("optional: which value is meant if a response omits {}?", own)
            else:
                self.optional[own] = value

    def find_marked(self, shape: Shape) -> None:
        """Mark the secret, which only the response to a creation has, and the time of the creation."""
        secrets = [
            name
            for name, schema in _only_created(shape).items()
            if name in self.properties and schema.types == ["string"] and _SECRETS & {*words_of(name)[-1:]}
        ]
        if secrets:
            self.marked["secret"] = secrets[0]
            self._notes.add(f"secret: is {secrets[0]} a secret? Only the response to a creation has it")
        created = (name for name in _CREATED if self.properties.get(name, {}).get("readOnly"))
        texts = [name for name in created if "string" in self.properties[name]["type"]]
        self.marked |= {"created": texts[0]} if texts else {}


def properties_of(found: Operations, shape: Shape, identity: Identity, notes: Notes) -> Properties:
    """Draft the properties of a kind."""
    made = Properties(identity, notes)
    made.add_identity(found, shape)
    made.add_settable(found, shape)
    made.add_read_only(found, shape)
    made.find_optional(shape)
    made.find_marked(shape)
    return made


def _only_created(shape: Shape) -> dict[str, Schema]:
    """Return the properties that only the response to a creation has, if that describes the item."""
    created = shape.created.properties
    if not created.keys() & shape.shown.members.keys():
        return {}
    known = {*shape.shown.members, *shape.only_in_item}
    return {name: schema for name, schema in created.items() if name not in known}


def _around(field: dict[str, Any], name: str) -> tuple[dict[str, Any], bool]:
    """Return an object with a name declared beside it and read-only in it, and if it has more members."""
    members = field.get("properties", {})
    name_in_it = {**members.get(name, {"type": "string"}), **READ_ONLY}
    required = [one for one in field.get("required", ()) if one != name]
    left_out = {"required", "default", "examples", *ALTERNATIVES}
    plain = {word: value for word, value in field.items() if word not in left_out}
    around = {
        **plain,
        **alternatives_without(field, name),
        "type": "object",
        "properties": {**members, name: name_in_it},
        "additionalProperties": False,
    }
    return around | ({"required": required} if required else {}), len(members) > (name in members)


def _declarable(field: dict[str, Any]) -> dict[str, Any]:
    return {word: value for word, value in field.items() if word not in READ_ONLY}


def _scalar(schema: Schema) -> str:
    return "integer" if schema.types and "string" not in schema.types else "string"


def _narrowest(schemas: list[Schema]) -> Schema:
    """Return the first of several schemas of one name with the narrowest lengths of all.

    The pattern is that of the first that has one.
    """
    first = schemas[0]
    patterns = [schema.words["pattern"] for schema in schemas if "pattern" in schema.words]
    words = {**first.words, **({"pattern": patterns[0]} if patterns else {})}
    for word, narrowest in (("minLength", max), ("maxLength", min)):
        bounds = [schema.words[word] for schema in schemas if isinstance(schema.words.get(word), int)]
        if bounds:
            words[word] = narrowest(bounds)
    return type(first)(first.description, words)
