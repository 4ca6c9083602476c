"""What a kind of key is: derived from its schema file, which is the single source of truth.

A kind's schema describes the fields of one declared key with standard JSON Schema keywords; its one
``x-reconciler`` block says what those keywords cannot: where the collection is, which field is the
identity, how large a page may be, which fields every PATCH must carry, which keys are managed
elsewhere, which fields cannot change, and what each field does to access.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.paths import placeholders, segment
from reconciler.model.scope import ALIASES, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EXTENSION: Final = "x-reconciler"
RESERVED: Final = frozenset({"state", "lifecycle"})
"""Members of a declared key that say something about it, and are not fields of it."""
HEADER_WORDS: Final = frozenset({"kind", "exclusive", "defaults", "keys", *ALIASES.values()})
"""Members of a document besides its path parameters, which therefore have other names."""
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
    many keys come before it, or the number of the page. ``results`` and ``count`` name members of a response:
    where ``results`` is None the response itself is the list, where ``count`` is None nothing is counted.
    """

    style: ListStyle
    limit: str
    position: str
    results: str | None
    count: str | None


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind: how it is compared, which Python types its values have, what it does.

    ``plainly_equal`` says that two equal Python values of one type are surely equal JSON values:
    not so for lists and objects that may hold numbers or booleans, because 1 == True in Python.
    ``members`` are the members of the objects in a list that can be set, with their types; it is empty for
    others. ``optional_members`` are those that an object may lack, which means the same as null.
    ``read_only`` fields are set by the service: they cannot be declared, and are never sent or compared.
    """

    name: str
    form: Form
    types: tuple[type, ...]
    effect: EffectRule
    plainly_equal: bool
    members: Mapping[str, tuple[type, ...]]
    optional_members: frozenset[str] = frozenset()
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A family of keys with one collection path and one schema.

    ``scope`` gives the schema of each path parameter of the collection, by name. ``update_method`` is the
    method of an update. ``always_sent`` are fields that the service requires in every update, ``immutable``
    those that only a creation can set. ``foreign`` maps a field to the values that mark a key as managed
    elsewhere. ``optional`` maps a field that a response may lack, or give as null, to what that means.
    ``secret`` names the member that only the response to a creation has, ``created`` the time of creation.
    ``create_requires`` are the fields that a creation must have besides the identity; None if keys of this
    kind are not created. ``listing`` says how keys are listed.
    """

    name: str
    schema: Mapping[str, Any]
    collection: str
    identity: str
    page_limit: int
    update_method: str
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
    def settable(self) -> tuple[str, ...]:
        """Return the names of the fields that can be declared, in the order of the schema."""
        return tuple(name for name, field in self.fields.items() if not field.read_only)

    def collection_path(self, scope: Scope) -> str:
        """Return the path that lists the keys of ``scope``, each path parameter percent-encoded.

        Raises UnaddressableError if one cannot be one segment of a path.
        """
        return self.collection.format(**{name: segment(str(value)) for name, value in scope.parameters})

    def item_path(self, scope: Scope, name: str) -> str:
        """Return the path of one key, its name percent-encoded.

        Raises UnaddressableError if the name cannot be one segment of a path.
        """
        return f"{self.collection_path(scope)}/{segment(name)}"

    def scope_of(self, values: Iterable[int | str]) -> Scope:
        """Return the scope with these values of the path parameters."""
        return Scope(self.name, *values, names=tuple(self.scope))

    def parse_address(self, address: str) -> tuple[Scope, str] | None:
        """Return the scope and name of an address of this kind, or None if it is not one."""
        numbers = [described["type"] == "integer" for described in self.scope.values()]
        patterns = ["([0-9]{1,309})" if is_number else "([^/]+)" for is_number in numbers]
        # The names of live keys may hold line breaks.
        found = re.fullmatch("/".join([re.escape(self.name), *patterns, "(.+)"]), address, re.DOTALL)
        if found is None:
            return None
        *texts, name = found.groups()
        parameters = zip(texts, numbers, strict=True)
        return self.scope_of(int(text) if is_number else text for text, is_number in parameters), name

    def with_response_defaults(self, response: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a live key with the value of each field that is missing or null."""
        missing = {name: value for name, value in self.optional.items() if response.get(name) is None}
        return {**response, **missing} if missing else response

    def owner(self, live: Mapping[str, Any]) -> str | None:
        """Return what marks a live key as managed elsewhere, as ``field value``, or None."""
        for field, values in self.foreign.items():
            found = live.get(field)
            # In Python 1 == True.
            if found in values and any(found == value and type(found) is type(value) for value in values):
                return f"{field} {found}"
        return None


def kind_from_schema(name: str, schema: Mapping[str, Any]) -> Kind:
    """Derive a kind from its parsed schema. Raises KeyError where the extension lacks a member."""
    extension = schema[EXTENSION]
    effects = extension.get("effects", {})
    described = extension.get("scope", {})
    create = extension.get("create")
    return Kind(
        name=name,
        schema=schema,
        collection=extension["collection"],
        identity=extension["identity"],
        page_limit=extension["page_limit"],
        update_method=extension.get("update", {}).get("method", "PATCH"),
        always_sent=tuple(extension.get("always_sent", ())),
        immutable=frozenset(extension.get("immutable", ())),
        foreign={field: tuple(values) for field, values in extension.get("foreign", {}).items()},
        optional=extension.get("optional", {}),
        secret=extension.get("secret"),
        created=extension.get("created"),
        create_requires=None if create is None else tuple(create["requires"]),
        scope={name: described.get(name, _NUMBER) for name in placeholders(extension["collection"])},
        fields={
            field: _field(field, keywords, EffectRule(effects.get(field, "none")))
            for field, keywords in schema["properties"].items()
            if field not in RESERVED
        },
        listing=_listing(extension.get("list", {})),
    )


def type_names(keywords: Mapping[str, Any]) -> list[str]:
    """Return the types that a schema names, as a list; none if it names none."""
    declared: str | list[str] = keywords.get("type", [])
    return [declared] if isinstance(declared, str) else declared


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


def _field(name: str, keywords: Mapping[str, Any], effect: EffectRule) -> Field:
    form = Form.EXACT
    if keywords.get("format") == "date-time":
        form = Form.INSTANT
    elif keywords.get("uniqueItems"):
        form = Form.SET
    items = keywords.get("items", {})
    settable = {
        member: _python_types(described)
        for member, described in items.get("properties", {}).items()
        if not described.get("readOnly")
    }
    return Field(
        name=name,
        form=form,
        types=_python_types(keywords),
        effect=effect,
        plainly_equal={"array", "object"}.isdisjoint(type_names(keywords)) or _holds_only_text(keywords),
        members=settable,
        optional_members=frozenset(settable).difference(items.get("required", ())),
        read_only=bool(keywords.get("readOnly")),
    )


def _python_types(keywords: Mapping[str, Any]) -> tuple[type, ...]:
    return tuple(kind for entry in type_names(keywords) for kind in _JSON_TYPES[entry])


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
