"""From what a description says to the draft of a kind, and to what a person has to decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import DescriptionError
from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.openapi.fields import FieldDrafter, is_nullable, merged_name
from reconciler.kinds.openapi.operations import Operations, mapping, operations_of
from reconciler.kinds.paths import NAME_PATTERN, SEGMENT_PATTERN, placeholders
from reconciler.kinds.shape import type_names
from reconciler.model.scope import SCOPE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Schema = Mapping[str, Any]

_DRAFT_07: Final = "http://json-schema.org/draft-07/schema#"
_LIMITS: Final = (
    *("limit", "per_page", "page_size", "pageSize"),
    *("perPage", "max_results", "maxResults", "size"),
)
_OFFSETS: Final = ("offset", "skip")
_PAGES: Final = ("page", "page_number", "pageNumber")
_COUNTS: Final = ("count", "total", "total_count", "totalCount")
_CREATED: Final = ("created_at", "createdAt", "created", "creation_date")
_NAMES: Final = ("name", "id")
_PLAIN_LIMIT: Final = 100
_LEFT_OUT: Final = {"style": "offset", **{name: name for name in ("limit", "offset", "results", "count")}}
"""What a listing is that is not described."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A kind's schema, and what a person has to decide or to look at before it is used."""

    schema: Schema
    decisions: tuple[str, ...]


def draft(description: Any, collection: str, title: str | None = None) -> Draft:
    """Draft the kind whose keys are listed at the path ``collection``.

    Raises DescriptionError if the description lacks what a kind needs, or does not follow OpenAPI.
    """
    path = collection.rstrip("/")
    try:
        return _draft(operations_of(description, path), path, title)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # Others write descriptions: instead of looking at each value before its use, all are distrusted here.
        message = f"what it says of {path} does not match OpenAPI ({error})"
        raise DescriptionError(message) from error
    except RecursionError as error:
        raise DescriptionError("it is nested too deeply") from error


def _draft(found: Operations, collection: str, title: str | None) -> Draft:
    drafter = FieldDrafter()
    identity = _identity(found, drafter)
    properties = _properties(found, identity, drafter)
    required = [name for name in found.update.get("required", ()) if name in properties and name != identity]
    extension = {
        "collection": collection,
        "identity": identity,
        "page_limit": _page_limit(found, drafter),
        **_scope(found, collection, drafter),
        **_listing(found, drafter),
        "always_sent": required,
        **_optional(found, properties, drafter),
        **_marked(found, properties, drafter),
        **_creation(found, _settable(properties, identity)),
        "foreign": {},
        "effects": {},
    }
    schema = {
        "$schema": _DRAFT_07,
        "title": title or _title(collection),
        "type": "object",
        "required": [identity],
        "additionalProperties": False,
        "properties": properties,
        EXTENSION: extension,
    }
    return Draft(schema, (*drafter.notes, *_undecided(found, properties, _settable(properties, identity))))


def _settable(properties: Schema, identity: str) -> list[str]:
    return [name for name in properties if name != identity and not properties[name].get("readOnly")]


def _identity(found: Operations, drafter: FieldDrafter) -> str:
    known = found.item["properties"]
    name = next((name for name in (found.last, *_NAMES) if name in known), None)
    if name is None:
        raise DescriptionError(f"no property is the identity: none is named {found.last}, name or id")
    if name != found.last:
        drafter.notes.append(f"identity: {{{found.last}}} is taken for the property {name}")
    return name


def _properties(found: Operations, identity: str, drafter: FieldDrafter) -> dict[str, Any]:
    shown, settable = found.item["properties"], found.settable
    named = merged_name(
        found.create.get("properties", {}).get(identity), found.parameters.get(found.last), shown[identity]
    )
    name = drafter.field(f"properties.{identity}", named) or {"type": "string"}
    properties = {identity: {"pattern": NAME_PATTERN, **name}}
    for other, keywords in settable.items():
        if other == identity or other not in shown:
            reason = "renames the key" if other == identity else "is in no response, so it cannot be compared"
            drafter.notes.append(f"properties.{other}: PATCH takes it, but it {reason}; it is left out")
            continue
        can_be_null = is_nullable(keywords) and is_nullable(shown[other])
        if is_nullable(shown[other]) and not can_be_null:
            drafter.notes.append(
                f"optional.{other}: a response may give null, which PATCH does not take; say what it is"
            )
        field_schema = drafter.field(f"properties.{other}", keywords, can_be_null=can_be_null)
        if field_schema is not None:
            properties[other] = field_schema
    for other, keywords in {**shown, **mapping(found.created.get("properties"))}.items():
        if other not in properties and other not in settable:
            read_only = drafter.field(f"properties.{other}", keywords)
            if read_only is not None:
                properties[other] = {**read_only, "readOnly": True, "not": {}, "doNotSuggest": True}
    return properties


def _parameter(found: Operations, names: Iterable[str]) -> Schema | None:
    by_name = {parameter["name"]: parameter for parameter in found.query}
    return next((by_name[name] for name in names if name in by_name), None)


def _page_limit(found: Operations, drafter: FieldDrafter) -> int:
    schema = mapping((_parameter(found, _LIMITS) or {}).get("schema"))
    for word in ("maximum", "default"):
        if type(schema.get(word)) is int and schema[word] > 0:
            if word == "default":
                drafter.notes.append(f"page_limit: no maximum is described; {schema[word]} is the default")
            return int(schema[word])
    drafter.notes.append(f"page_limit: not described; {_PLAIN_LIMIT} is a guess, and must not be too large")
    return _PLAIN_LIMIT


def _scope(found: Operations, collection: str, drafter: FieldDrafter) -> dict[str, Any]:
    scope = {}
    for name in placeholders(collection):
        described = drafter.field(f"scope.{name}", found.parameters.get(name, {"type": "string"})) or {}
        if described.get("type") != "integer":
            scope[name] = {"type": "string", "pattern": SEGMENT_PATTERN, **described}
        elif name not in SCOPE_NAMES:
            scope[name] = {"minimum": 1, **described}
    return {"scope": scope} if scope else {}


def _listing(found: Operations, drafter: FieldDrafter) -> dict[str, Any]:
    """Return how the collection is listed, by its parameters and the schema of its response."""
    limit, offset, page = (_parameter(found, names) for names in (_LIMITS, _OFFSETS, _PAGES))
    members = mapping(found.listed.get("properties"))
    lists = [name for name, keywords in members.items() if "array" in type_names(keywords)]
    count = next((name for name in _COUNTS if "integer" in type_names(members.get(name, {}))), None)
    listing: dict[str, Any] = {"style": "offset" if offset or not page else "page"}
    position = offset or page
    if limit is None or position is None or ("array" not in type_names(found.listed) and len(lists) != 1):
        drafter.notes.append(
            "list: how pages are asked for is not described as this tool knows it; see docs/kinds.md"
        )
    if limit is not None:
        listing["limit"] = limit["name"]
    if position is not None:
        listing[listing["style"]] = position["name"]
    if lists:
        listing["results"] = lists[0]
    if count is not None and lists:
        listing["count"] = count
    elif listing["style"] == "offset":
        drafter.notes.append("list: the response counts nothing, which the style offset needs")
    return {} if listing.items() <= _LEFT_OUT.items() else {"list": listing}


def _optional(found: Operations, properties: Schema, drafter: FieldDrafter) -> dict[str, Any]:
    """Return what a missing property means, of those that a response may lack."""
    required = found.item.get("required", ())
    known = {}
    for name in found.settable:
        if name not in properties or name in required:
            continue
        value = found.item["properties"][name].get("default")
        if value is None and "null" not in type_names(properties[name]):
            drafter.notes.append(
                f"optional.{name}: a response may lack it, and what that means is not described"
            )
        else:
            known[name] = value
    return {"optional": known} if known else {}


def _marked(found: Operations, properties: Schema, drafter: FieldDrafter) -> dict[str, str]:
    """Return the secret, which only the response to a creation has, and the time of the creation."""
    marked = {}
    only = [name for name in mapping(found.created.get("properties")) if name not in found.item["properties"]]
    if len(only) == 1 and only[0] in properties:
        marked["secret"] = only[0]
        drafter.notes.append(
            f"secret: {only[0]} is only in the response to a creation, so it is taken for one"
        )
    created = next((name for name in _CREATED if properties.get(name, {}).get("readOnly")), None)
    return marked if created is None else {**marked, "created": created}


def _creation(found: Operations, settable: list[str]) -> dict[str, Any]:
    """Return what a creation needs besides the identity, if keys can be created."""
    if not found.create.get("properties"):
        return {}
    return {"create": {"requires": [name for name in found.create.get("required", ()) if name in settable]}}


def _undecided(found: Operations, properties: Schema, settable: list[str]) -> Iterable[str]:
    """Yield what no description can say."""
    rules = "expiry, switch-off, binding or none"
    yield f"effects: what does a change of {', '.join(settable)} do to access? {rules}"
    lists = [name for name in settable if "array" in type_names(properties[name])]
    if lists:
        yield f'sets: is the order of {", ".join(lists)} of no account? then add "uniqueItems": true'
    fixed = [name for name in found.create.get("properties", {}) if properties.get(name, {}).get("readOnly")]
    if fixed:
        yield f"immutable: only a creation sets {', '.join(fixed)}; immutable, or read-only as drafted?"
    yield "foreign: are some keys managed elsewhere? name the property and the values that mark them"


def _title(collection: str) -> str:
    words = [part for part in collection.split("/") if part and "{" not in part]
    return (words[-1] if words else "key").replace("_", " ").replace("-", " ").capitalize()
