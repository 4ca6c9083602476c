"""What a kind of key is: derived from its schema file, which is the single source of truth.

A kind's schema describes the fields of one declared key with standard JSON Schema keywords; its one
``x-reconciler`` block says what those keywords cannot: where the collection is, which field is the
identity, how large a page may be, which fields every PATCH must carry, which keys belong to another
system, which fields cannot change, and what each field does to access.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from reconciler.errors import UnaddressableError
from reconciler.model.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EXTENSION: Final = "x-reconciler"
RESERVED: Final = frozenset({"state", "lifecycle"})
"""Members of a declared key that say something about it, and are no fields of it."""
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_NO_SEGMENT: Final = re.compile(r"(?:\A|[/\\])\.{0,2}(?:\Z|[/\\])|[\ud800-\udfff]")
"""Texts that lead a path elsewhere, also where a server or proxy decodes it first and then removes ``..`` and
``//``; and half characters, which cannot be encoded."""
_DOTS: Final = frozenset({"", ".", ".."})
_LONGEST: Final = 80
_NUMBER: Final[Mapping[str, Any]] = {"type": "integer", "minimum": 1}
_JSON_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


class Form(StrEnum):
    """How two values of a field are compared."""

    EXACT = "exact"
    INSTANT = "instant"
    SET = "set"


class EffectRule(StrEnum):
    """How a change of a field changes access."""

    NONE = "none"
    EXPIRY = "expiry"
    SWITCH_OFF = "switch-off"
    BINDING = "binding"


class ListStyle(StrEnum):
    """How the pages of a collection are asked for."""

    OFFSET = "offset"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class Listing:
    """How a collection is listed.

    ``limit`` and ``position`` name the query parameters of the size of a page and of where it begins: how
    many keys come before it, or the number of the page. ``results`` and ``count`` name the members of an
    answer: where ``results`` is None the answer itself is the list, where ``count`` is nothing is counted.
    """

    style: ListStyle
    limit: str
    position: str
    results: str | None
    count: str | None


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind: how it is compared, which Python types its values have, what it does.

    ``plainly_equal`` tells that two equal Python values of one type are surely equal JSON values:
    not so for lists and objects that may hold numbers or booleans, because 1 == True in Python.
    ``members`` are the members of the objects in a list that can be set, with their types; it is empty for
    others. ``optional_members`` are those that an object may lack, which means the same as null.
    """

    name: str
    form: Form
    types: tuple[type, ...]
    effect: EffectRule
    plainly_equal: bool
    members: Mapping[str, tuple[type, ...]]
    optional_members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Kind:
    """A family of keys with one collection path and one schema.

    ``scope`` gives the schema of each value that the path of the collection leaves open, by name.
    ``always_sent`` are fields that the service requires in every PATCH, ``immutable`` those that only a
    creation can set. ``foreign`` maps a field to the values that mark a key as another system's.
    ``optional`` maps a field that an answer may lack, or give as null, to what that stands for. ``secret``
    names the member that only the answer to a creation has, ``created`` the one that says when a key was
    made. ``create_requires`` are the fields that a creation must have besides the identity; None if keys of
    this kind are not created. ``listing`` says how keys are listed.
    """

    name: str
    schema: Mapping[str, Any]
    collection: str
    identity: str
    page_limit: int
    always_sent: tuple[str, ...]
    immutable: frozenset[str]
    foreign: Mapping[str, tuple[Any, ...]]
    optional: Mapping[str, Any]
    secret: str | None
    created: str | None
    create_requires: tuple[str, ...] | None
    scope: Mapping[str, Mapping[str, Any]]
    fields: Mapping[str, Field]
    listing: Listing

    @property
    def described(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the schema of each field by its name."""
        return {name: self.schema["properties"][name] for name in self.fields}

    @property
    def settable(self) -> tuple[str, ...]:
        """Name the fields that can be declared, in the order of the schema."""
        return tuple(name for name, keywords in self.described.items() if not keywords.get("readOnly"))

    def collection_path(self, scope: Scope) -> str:
        """Return the path that lists the keys of ``scope``, each part percent-encoded.

        Raises UnaddressableError if a part cannot be one segment of a path.
        """
        return self.collection.format(**{name: segment(str(value)) for name, value in scope.parameters})

    def item_path(self, scope: Scope, name: str) -> str:
        """Return the path of one key, its name percent-encoded.

        Raises UnaddressableError if the name cannot be one segment of a path.
        """
        return f"{self.collection_path(scope)}/{segment(name)}"

    def scope_of(self, values: Iterable[int | str]) -> Scope:
        """Return the scope with these values for what the path of the collection leaves open."""
        return Scope(self.name, *values, names=tuple(self.scope))

    def parse_address(self, address: str) -> tuple[Scope, str] | None:
        """Return the scope and name that an address of this kind stands for, or None if it is none."""
        patterns = ["([0-9]{1,309})" if _is_number(part) else "([^/]+)" for part in self.scope.values()]
        # The names of live keys are other people's: they may hold line breaks.
        found = re.fullmatch("/".join([re.escape(self.name), *patterns, "(.+)"]), address, re.DOTALL)
        if found is None:
            return None
        *texts, name = found.groups()
        parts = zip(texts, self.scope.values(), strict=True)
        return self.scope_of(int(text) if _is_number(part) else text for text, part in parts), name

    def with_response_defaults(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a live key with what it stands for where a field is missing or null."""
        missing = {name: value for name, value in self.optional.items() if answer.get(name) is None}
        return {**answer, **missing} if missing else answer

    def owner(self, observed: Mapping[str, Any]) -> str | None:
        """Name the other system that a live key belongs to, as ``field value``, or None."""
        for field, values in self.foreign.items():
            found = observed.get(field)
            # In Python 1 == True.
            if found in values and any(found == value and type(found) is type(value) for value in values):
                return f"{field} {observed[field]}"
        return None


def kind_from_schema(name: str, schema: Mapping[str, Any]) -> Kind:
    """Derive a kind from its parsed schema. Raises KeyError where the extension lacks a member."""
    extension = schema[EXTENSION]
    effects = extension.get("effects", {})
    collection = extension["collection"]
    described = extension.get("scope", {})
    return Kind(
        name=name,
        schema=schema,
        collection=collection,
        identity=extension["identity"],
        page_limit=extension["page_limit"],
        always_sent=tuple(extension.get("always_sent", ())),
        immutable=frozenset(extension.get("immutable", ())),
        foreign={field: tuple(values) for field, values in extension.get("foreign", {}).items()},
        optional=extension.get("optional", {}),
        secret=extension.get("secret"),
        created=extension.get("created"),
        create_requires=_create_requires(extension),
        scope={part: described.get(part, _NUMBER) for part in placeholders(collection)},
        fields={
            field: _field(field, keywords, EffectRule(effects.get(field, "none")))
            for field, keywords in schema["properties"].items()
            if field not in RESERVED
        },
        listing=_listing(extension.get("list", {})),
    )


def is_segment(text: str) -> bool:
    """Return whether ``text`` can be one segment of a path, and is still about itself once it is decoded."""
    if text.isascii() and "/" not in text and "\\" not in text:  # all but a few, and five times as fast
        return text not in _DOTS
    return _NO_SEGMENT.search(text) is None


def segment(text: str) -> str:
    """Return ``text`` percent-encoded as one segment of a path. Raises UnaddressableError if it cannot be."""
    if not is_segment(text):
        shown = json.dumps(text[:_LONGEST])
        raise UnaddressableError(
            f"{shown} cannot be one segment of a request path, so it cannot be addressed"
        )
    return quote(text, safe="")


def placeholders(collection: str) -> list[str]:
    """Name what the path of a collection leaves open, in its order."""
    return _PLACEHOLDER.findall(collection)


def _listing(described: Mapping[str, Any]) -> Listing:
    style = ListStyle(described.get("style", "offset"))
    by_page = style is ListStyle.PAGE
    return Listing(
        style=style,
        limit=described.get("limit", "limit"),
        position=described.get(style.value, style.value),
        results=described.get("results", None if by_page else "results"),
        count=described.get("count", None if by_page else "count"),
    )


def _create_requires(extension: Mapping[str, Any]) -> tuple[str, ...] | None:
    create = extension.get("create")
    return None if create is None else tuple(create["requires"])


def _is_number(described: Mapping[str, Any]) -> bool:
    return bool(described["type"] == "integer")


def _field(name: str, keywords: Mapping[str, Any], effect: EffectRule) -> Field:
    names = _type_names(keywords)
    form = Form.EXACT
    if keywords.get("format") == "date-time":
        form = Form.INSTANT
    elif keywords.get("uniqueItems"):
        form = Form.SET
    plainly_equal = not {"array", "object"}.intersection(names) or _holds_only_text(keywords)
    items = keywords.get("items", {})
    settable = {
        member: _python_types(described)
        for member, described in items.get("properties", {}).items()
        if not described.get("readOnly")
    }
    optional = frozenset(settable).difference(items.get("required", ()))
    return Field(name, form, _python_types(keywords), effect, plainly_equal, settable, optional)


def _type_names(keywords: Mapping[str, Any]) -> list[str]:
    declared = keywords["type"]
    return [declared] if isinstance(declared, str) else declared


def _python_types(keywords: Mapping[str, Any]) -> tuple[type, ...]:
    return tuple(kind for entry in _type_names(keywords) for kind in _JSON_TYPES[entry])


def _holds_only_text(keywords: Mapping[str, Any]) -> bool:
    """Return whether every value inside the described one is a text."""
    match keywords.get("type"):
        case "string":
            return True
        case "array":
            return _holds_only_text(keywords.get("items", {}))
        case "object":
            return all(map(_holds_only_text, keywords.get("properties", {"": {}}).values()))
        case _:
            return False
