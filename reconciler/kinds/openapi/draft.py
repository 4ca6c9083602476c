"""From what a description says to the draft of a kind, and to what somebody has to decide.

The draft is a beginning: a person decides what a description leaves open, and reads the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import DescriptionError
from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.openapi.fields import FieldDrafter, is_nullable, merged_name
from reconciler.kinds.openapi.operations import mapping, operations_of
from reconciler.kinds.paths import NAME_PATTERN, SEGMENT_PATTERN, placeholders
from reconciler.model.scope import SCOPE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.kinds.openapi.operations import Operations

    Schema = Mapping[str, Any]

_DRAFT_07: Final = "http://json-schema.org/draft-07/schema#"
_LIMITS: Final = (
    "limit",
    "per_page",
    "page_size",
    "pageSize",
    "perPage",
    "max_results",
    "maxResults",
    "size",
)
_OFFSETS: Final = ("offset", "skip")
_PAGES: Final = ("page", "page_number", "pageNumber")
_COUNTS: Final = ("count", "total", "total_count", "totalCount")
_BIRTHS: Final = ("created_at", "createdAt", "created", "creation_date")
_NAMES: Final = ("name", "id")
_PLAIN_LIMIT: Final = 100
_OFFSET_LIST: Final = {"style": "offset", "limit": "limit", "offset": "offset"} | {
    "results": "results",
    "count": "count",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A kind's schema, and what somebody has to decide or to look at before it is used."""

    schema: Schema
    decisions: tuple[str, ...]


def draft(description: Any, collection: str, title: str | None = None) -> Draft:
    """Draft the kind whose keys are listed at the path ``collection``.

    Raises DescriptionError if the description has not what a kind needs, or not the shape of one.
    """
    path = collection.rstrip("/")
    try:
        return _draft(operations_of(description, path), path, title)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # Others write descriptions: instead of looking at each value before its use, all are distrusted here.
        message = f"what it says of {path} has not the shape that OpenAPI wants ({error})"
        raise DescriptionError(message) from error
    except RecursionError as error:
        raise DescriptionError("it is nested too deeply") from error


def _draft(found: Operations, collection: str, title: str | None) -> Draft:
    drafter = FieldDrafter(found.notes)
    identity = _identity(found)
    properties = _properties(found, identity, drafter)
    insisted = [name for name in found.update.get("required", ()) if name in properties and name != identity]
    extension = {
        "collection": collection,
        "identity": identity,
        "page_limit": _page_limit(found),
        **_scope(found, collection, drafter),
        **_listing(found),
        "always_sent": insisted,
        **_optional(found, properties),
        **_marked(found, properties),
        **_creation(found, properties, identity),
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
    return Draft(schema, (*found.notes, *_undecided(found, properties, identity)))


def _identity(found: Operations) -> str:
    known = found.item["properties"]
    for name in (found.last, *_NAMES):
        if name in known:
            if name != found.last:
                found.notes.append(f"identity: {{{found.last}}} is taken for the property {name}")
            return name
    raise DescriptionError(f"no property is the identity: none is named {found.last}, name or id")


def _properties(found: Operations, identity: str, drafter: FieldDrafter) -> dict[str, Any]:
    shown, settable = found.item["properties"], found.settable
    named = merged_name(
        found.create.get("properties", {}).get(identity), found.parameters.get(found.last), shown[identity]
    )
    name = drafter.field(f"properties.{identity}", named) or {"type": "string"}
    properties = {identity: {"pattern": NAME_PATTERN, **name}}
    for other, keywords in settable.items():
        if other == identity or other not in shown:
            reason = "renames the key" if other == identity else "is in no answer, so it cannot be compared"
            found.notes.append(f"properties.{other}: PATCH takes it, but it {reason}; it is left out")
            continue
        can_be_null = is_nullable(keywords) and is_nullable(shown[other])
        if is_nullable(shown[other]) and not can_be_null:
            found.notes.append(
                f"optional.{other}: an answer may give null, which PATCH does not take; say what it is"
            )
        field_schema = drafter.field(f"properties.{other}", keywords, can_be_null=can_be_null)
        if field_schema is not None:
            properties[other] = field_schema
    created = mapping(found.created.get("properties"))
    for other, keywords in {**shown, **created}.items():
        if other not in properties and other not in settable:
            read_only = drafter.field(f"properties.{other}", keywords)
            if read_only is not None:
                properties[other] = {**read_only, "readOnly": True, "not": {}, "doNotSuggest": True}
    return properties


def _parameter(found: Operations, names: Iterable[str]) -> Schema | None:
    by_name = {parameter["name"]: parameter for parameter in found.query}
    return next((by_name[name] for name in names if name in by_name), None)


def _page_limit(found: Operations) -> int:
    parameter = _parameter(found, _LIMITS)
    schema = {} if parameter is None else mapping(parameter.get("schema"))
    for word in ("maximum", "default"):
        if type(schema.get(word)) is int and schema[word] > 0:
            if word == "default":
                found.notes.append(f"page_limit: no maximum is described; {schema[word]} is the default")
            return int(schema[word])
    found.notes.append(f"page_limit: not described; {_PLAIN_LIMIT} is a guess, and must not be too large")
    return _PLAIN_LIMIT


def _scope(found: Operations, collection: str, drafter: FieldDrafter) -> dict[str, Any]:
    scope = {}
    for name in placeholders(collection):
        described = drafter.field(f"scope.{name}", found.parameters.get(name, {"type": "string"}))
        is_number = described is not None and described["type"] == "integer"
        if is_number and name in SCOPE_NAMES:
            continue
        scope[name] = {"minimum": 1, **(described or {})} if is_number else {
            "type": "string", "pattern": SEGMENT_PATTERN, **(described or {})}  # fmt: skip
    return {"scope": scope} if scope else {}


def _listing(found: Operations) -> dict[str, Any]:
    """Tell how the collection is listed by its parameters and the shape of its answer."""
    limit, offset, page = (_parameter(found, names) for names in (_LIMITS, _OFFSETS, _PAGES))
    members = mapping(found.listed.get("properties"))
    lists = [name for name, keywords in members.items() if "array" in _types(keywords)]
    count = next((name for name in _COUNTS if "integer" in _types(members.get(name, {}))), None)
    listing: dict[str, Any] = {"style": "offset" if offset or not page else "page"}
    position = offset or page
    if limit is None or position is None or ("array" not in _types(found.listed) and len(lists) != 1):
        found.notes.append(
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
        found.notes.append("list: the answer counts nothing, which the style offset needs")
    is_plain = all(_OFFSET_LIST.get(name) == value for name, value in listing.items())
    return {} if is_plain else {"list": listing}


def _types(keywords: Schema) -> list[str]:
    declared = keywords.get("type", [])
    return [declared] if isinstance(declared, str) else declared


def _optional(found: Operations, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Say what a property stands for that an answer may lack."""
    required = found.item.get("required", ())
    optional = {
        name: found.item["properties"][name].get("default")
        for name in found.settable
        if name in properties and name not in required
    }
    known = {}
    for name, value in optional.items():
        if value is None and "null" not in _types(properties[name]):
            found.notes.append(
                f"optional.{name}: an answer may lack it, and what that stands for is not described"
            )
        else:
            known[name] = value
    return {"optional": known} if known else {}


def _marked(found: Operations, properties: Mapping[str, Any]) -> dict[str, str]:
    """Name the secret, which only the answer to a creation has, and the moment of the creation."""
    marked = {}
    only = [name for name in mapping(found.created.get("properties")) if name not in found.item["properties"]]
    if len(only) == 1 and only[0] in properties:
        marked["secret"] = only[0]
        found.notes.append(f"secret: {only[0]} is only in the answer to a creation, so it is taken for one")
    born = next((name for name in _BIRTHS if properties.get(name, {}).get("readOnly")), None)
    if born is not None:
        marked["created"] = born
    return marked


def _creation(found: Operations, properties: Mapping[str, Any], identity: str) -> dict[str, Any]:
    """Say what a creation needs besides the identity, if keys can be created."""
    if not found.create.get("properties"):
        return {}
    needed = found.create.get("required", ())
    settable = [name for name in needed if name in properties and not properties[name].get("readOnly")]
    return {"create": {"requires": [name for name in settable if name != identity]}}


def _undecided(found: Operations, properties: Mapping[str, Any], identity: str) -> Iterable[str]:
    """List what no description can say."""
    settable = [name for name in properties if name != identity and not properties[name].get("readOnly")]
    rules = "expiry, switch-off, binding or none"
    yield f"effects: what does a change of {', '.join(settable)} do to access? {rules}"
    lists = [name for name in settable if "array" in _types(properties[name])]
    if lists:
        yield f'sets: is the order of {", ".join(lists)} of no account? then add "uniqueItems": true'
    fixed = [name for name in found.create.get("properties", {}) if properties.get(name, {}).get("readOnly")]
    if fixed:
        yield f"immutable: only a creation sets {', '.join(fixed)}; immutable, or read-only as drafted?"
    yield "foreign: are there keys that another system owns? name the property and the values that tell"


def _title(collection: str) -> str:
    words = [part for part in collection.split("/") if part and "{" not in part]
    return (words[-1] if words else "key").replace("_", " ").replace("-", " ").capitalize()
