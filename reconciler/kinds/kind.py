"""A kind of key, derived from its schema file, which is the single source of truth.

A kind's schema describes the fields of one declared key with standard JSON Schema keywords. Its one
``x-reconciler`` block describes the rest: the path of the collection, the identity, the page size, the fields
that every PATCH must carry, the keys managed elsewhere, immutable fields, and effects on access.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.paths import item_template, placeholders, segment
from reconciler.kinds.rest import (
    UNPAGED,
    Envelope,
    Listing,
    Shown,
    Update,
    envelope_of,
    listing_of,
    shown_of,
    update_of,
)
from reconciler.kinds.shape import Shape, holds_only_text, python_types, shape_of, type_names
from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.frozen import dataclass
from reconciler.model.request import Encoding
from reconciler.model.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

EXTENSION: Final = "x-reconciler"
RESERVED: Final = frozenset({"state", "lifecycle"})
"""Members of a declared key that are instructions to this program, not fields."""
_NUMBER: Final[Mapping[str, Any]] = {"type": "integer", "minimum": 1}
_DIGITS: Final = "0|-?[1-9][0-9]{0,308}"


class Form(StrEnum):
    """How two values of a field are compared."""

    EXACT = "exact"
    INSTANT = "instant"
    SET = "set"


class EffectRule(StrEnum):
    """How a change of a field affects access."""

    NONE = "none"
    EXPIRY = "expiry"
    SWITCH_OFF = "switch-off"
    BINDING = "binding"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind: how it is compared, the Python types of its values, and its effect on access.

    ``plainly_equal`` is true if equal Python values of one type are equal JSON values: not so for lists and
    objects that may hold numbers or booleans, because 1 == True in Python. ``shape`` is the structure of its
    values. ``read_only`` fields are set by the service: they cannot be declared, and are never sent or
    compared. In a field that ``is_merged``, null removes a member, so that no member has the value null.
    """

    name: str
    form: Form
    types: tuple[type, ...]
    effect: EffectRule
    plainly_equal: bool
    shape: Shape
    read_only: bool = False
    is_merged: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A family of keys of one API, with one collection path and one schema.

    ``scope`` has the schemas of the path parameters of the collection. ``item`` is the path of one key, with
    ``{}`` for the value of ``path_field``: the identity, unless the service makes ids. ``always_sent`` are
    fields that every update must carry, ``sent_with`` those that certain values of others require; of each
    group in ``sent_one_of`` one is sent. ``immutable`` fields are set at creation only: all fields, if there
    are no updates. ``foreign`` has values of fields that mark a key as managed elsewhere. ``optional`` maps a
    field that a response may lack, or give as null, to the value that this means. ``secret`` is returned by
    creations only, at the time ``created``; they require the identity and ``create_requires`` (None: none are
    sent), not ``create_later``. ``listing`` is how keys are listed, ``update`` how they change, ``envelope``
    the members around an object. ``read_from`` maps a field to the dotted member that shows it, ``shown`` to
    its shape there; maps in ``merged`` are sent by RFC 7396. ``renamed`` maps names in files to those of the
    API. ``query`` and ``headers`` are sent with each request; accepted writes are read back for ``wait``
    seconds. Its API ``api`` is at ``server``, or not configured: ``api_fault``. ``is_plain``: no conversion.
    """

    name: str
    api: str
    schema: Mapping[str, Any]
    collection: str
    identity: str
    path_field: str
    item: str
    page_limit: int
    update: Update
    envelope: Envelope
    always_sent: tuple[str, ...]
    sent_with: Mapping[str, Mapping[str, Sequence[Any]]]
    sent_one_of: Sequence[Sequence[str]]
    immutable: frozenset[str]
    foreign: Mapping[str, tuple[Any, ...]]
    optional: Mapping[str, Any]
    secret: str | None
    created: str | None
    create_requires: tuple[str, ...] | None
    create_later: frozenset[str]
    scope: Mapping[str, Mapping[str, Any]]
    fields: Mapping[str, Field]
    listing: Listing
    shown: Mapping[str, Shown]
    read_from: Mapping[str, str]
    merged: frozenset[str]
    renamed: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    wait: float
    shown_api: str
    is_custom: bool
    is_plain: bool
    api_fault: str = ""
    server: str = ""

    @property
    def has_ids(self) -> bool:
        """Return whether the path of a key contains an id that the service assigns."""
        return self.path_field != self.identity

    @property
    def settable(self) -> tuple[str, ...]:
        """Return the names of the fields that can be declared, in the order of the schema."""
        return tuple(name for name, field in self.fields.items() if not field.read_only)

    def collection_path(self, scope: Scope) -> str:
        """Return the path that lists the keys of ``scope``, each path parameter percent-encoded.

        Raises UnaddressableError if one cannot be one segment of a path.
        """
        return self.collection.format(**{name: segment(str(value)) for name, value in scope.parameters})

    def item_path(self, scope: Scope, path_id: str) -> str:
        """Return the path of one key, with the percent-encoded id, or the name if the service makes no ids.

        Raises UnaddressableError if the id cannot be one segment of a path.
        """
        return self._path(self.item, scope, path_id)

    def update_path(self, scope: Scope, path_id: str) -> str:
        """Return the path for updates of one key: the path of the key, unless the kind has another."""
        named = self.update.path
        template = self.item if named is None else item_template(self.collection, named)
        return self._path(template, scope, path_id)

    def _path(self, template: str, scope: Scope, path_id: str) -> str:
        parameters = {name: segment(str(value)) for name, value in scope.parameters}
        return template.format(segment(path_id), **parameters)

    def name_of(self, live: Mapping[str, Any]) -> str | None:
        """Return the name of a live key; None where its identity is neither a string nor an integer."""
        return self._text(live.get(self.identity), self.identity)

    def id_of(self, live: Mapping[str, Any]) -> str | None:
        """Return the id in the path of a live key; None if it is neither a string nor an integer."""
        return self._text(live.get(self.path_field), self.path_field)

    def _text(self, value: Any, field: str) -> str | None:
        if type(value) is str:
            return value if str in self.fields[field].types else None
        return str(value) if type(value) is int and int in self.fields[field].types else None

    def identity_value(self, name: str) -> str | int:
        """Return the value of the identity of the key ``name``."""
        return name if str in self.fields[self.identity].types else int(name)

    def scope_of(self, values: Iterable[int | str], names: Sequence[str] = ()) -> Scope:
        """Return the scope with these values of the path parameters, or with ``names`` in place of ids."""
        names = names or tuple(self.scope)
        return Scope(self.name, *values, names=names, api=self.api, shown_api=self.shown_api)

    def parse_address(self, address: str) -> tuple[Scope, str] | None:
        """Return the scope and name of an address of this kind, or None if it is not one."""
        numbers = [described["type"] == "integer" for described in self.scope.values()]
        patterns = ["([0-9]{1,309})" if is_number else "([^/]+)" for is_number in numbers]
        # The names of live keys may hold line breaks.
        found = re.fullmatch("/".join([re.escape(self.name), *patterns, "(.+)"]), address, re.DOTALL)
        if found is None:
            return None
        *texts, name = found.groups()
        if str not in self.fields[self.identity].types and not re.fullmatch(_DIGITS, name):
            return None
        parameters = zip(texts, numbers, strict=True)
        return self.scope_of(int(text) if is_number else text for text, is_number in parameters), name

    def with_response_defaults(self, response: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a live key with the value of each field that is missing or null."""
        missing = {name: value for name, value in self.optional.items() if response.get(name) is None}
        return {**response, **missing} if missing else response

    def owner(self, live: Mapping[str, Any]) -> str | None:
        """Return the ``field value`` that marks a live key as managed elsewhere, or None."""
        for field, values in self.foreign.items():
            found = live.get(field)
            # In Python 1 == True.
            if found in values and any(found == value and type(found) is type(value) for value in values):
                return f"{field} {found}"
        return None


def kind_from_schema(name: str, schema: Mapping[str, Any], api: str = BUILT_IN_API) -> Kind:
    """Derive a kind of ``api`` from its parsed schema.

    Raises KeyError where ``x-reconciler`` lacks a member.
    """
    extension = schema[EXTENSION]
    effects = extension.get("effects", {})
    described, create = extension.get("scope", {}), extension.get("create")
    collection, sent = extension["collection"], extension.get("send", {})
    shown, renamed = shown_of(extension.get("shown", {})), extension.get("as", {})
    envelope, read_from = envelope_of(extension), extension.get("read_from", {})
    merged, update = frozenset(extension.get("merge", ())), update_of(extension)
    fields = _fields(schema, effects, merged, update)
    settable = {name for name, field in fields.items() if not field.read_only} - {extension["identity"]}
    return Kind(
        name=name,
        api=api,
        schema=schema,
        collection=collection,
        identity=extension["identity"],
        path_field=extension.get("path", extension["identity"]),
        item=item_template(collection, extension.get("item")),
        page_limit=extension.get("page_limit", UNPAGED),
        update=update,
        envelope=envelope,
        always_sent=tuple(extension.get("always_sent", ())),
        sent_with=extension.get("sent_with", {}),
        sent_one_of=extension.get("sent_one_of", ()),
        immutable=frozenset(settable if update.method is None else extension.get("immutable", ())),
        foreign={field: tuple(values) for field, values in extension.get("foreign", {}).items()},
        optional=extension.get("optional", {}),
        secret=extension.get("secret"),
        created=extension.get("created"),
        create_requires=None if create is None else tuple(create["requires"]),
        create_later=frozenset(create.get("later", ()) if create else ()),
        scope={name: described.get(name, _NUMBER) for name in placeholders(collection)},
        fields=fields,
        listing=listing_of(extension.get("list", {}), extension.get("style")),
        shown=shown,
        read_from=read_from,
        merged=merged,
        renamed=renamed,
        query=sent.get("query", {}),
        headers=sent.get("headers", {}),
        wait=extension.get("wait", 0),
        shown_api="",
        is_custom=False,
        is_plain=not (shown or renamed or read_from or envelope.api_type),
    )


def _fields(
    schema: Mapping[str, Any], effects: Mapping[str, str], merged: frozenset[str], update: Update
) -> dict[str, Field]:
    described = {name: words for name, words in schema["properties"].items() if name not in RESERVED}
    if update.encoding is Encoding.MERGE_PATCH:
        merged |= {name for name, words in described.items() if "object" in type_names(words)}
    return {
        name: _field(name, words, EffectRule(effects.get(name, "none")), merged)
        for name, words in described.items()
    }


def _field(name: str, keywords: Mapping[str, Any], effect: EffectRule, merged: frozenset[str]) -> Field:
    form = Form.EXACT
    if keywords.get("format") == "date-time":
        form = Form.INSTANT
    elif keywords.get("uniqueItems"):
        form = Form.SET
    return Field(
        name=name,
        form=form,
        types=python_types(keywords),
        effect=effect,
        plainly_equal={"array", "object"}.isdisjoint(type_names(keywords)) or holds_only_text(keywords),
        shape=shape_of(keywords),
        read_only=bool(keywords.get("readOnly")),
        is_merged=name in merged,
    )
