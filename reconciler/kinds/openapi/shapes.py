"""Where the responses and bodies of a collection hold rows and items: lists, envelopes, JSON:API."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.errors import DescriptionError
from reconciler.kinds.openapi.rows import are_ids, inside, listed_as, names_in, rows_of
from reconciler.kinds.openapi.schemas import Closed, Schema
from reconciler.kinds.openapi.words import last_segment, singular
from reconciler.kinds.wire import ONLY, RELATED
from reconciler.model.frozen import dataclass
from reconciler.model.request import Encoding

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.kinds.openapi.operations import Operation, Operations

_RESOURCE: Final = frozenset({"id", "type", "attributes", "relationships", "links", "meta"})
"""Members of a resource of JSON:API."""
_ENOUGH: Final = 0.5
"""Share of its properties that an envelope's member has to have in common with a row."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The properties of a collection, without their envelopes.

    ``results`` is the dotted member of a listing that is the list, None if the response is the list;
    ``item``, ``body`` and ``create_body`` are the same for one item. ``rows`` is the schema of list items;
    ``shown`` has the properties that every response has, described as fully as known; ``one`` is an item as
    returned by its own GET; ``created`` is the response to a creation. ``api_type`` is the type of a JSON:API
    resource, else None, and ``sends_id`` is true if an update carries the id. Where no response describes an
    item, ``source`` names the schema used instead; where nothing describes the body of an update, ``guess``
    names the one used for that. If it ``has_ids``, rows are ids and not objects. ``relationships`` are
    properties that JSON:API has beside the attributes.
    """

    results: str | None
    item: str | None
    body: str | None
    rows: Schema
    shown: Schema
    update: Schema
    create: Schema
    created: Schema
    one: Schema
    api_type: str | None
    create_body: str | None = None
    is_typeless: bool = False
    sends_id: bool = True
    source: str = ""
    guess: str = ""
    has_ids: bool = False
    relationships: frozenset[str] = frozenset()

    @property
    def only_in_item(self) -> Mapping[str, Schema]:
        """Return the properties that a response about one item has, and rows lack."""
        return {name: part for name, part in self.one.properties.items() if name not in self.rows.members}

    @property
    def of_one(self) -> Shape | None:
        """Return the shape where each item is read by itself; None where that shows no more than a row."""
        if not self.only_in_item:
            return None
        whole = replace(self.one, members={**self.rows.members, **self.one.members})
        return replace(self, rows=whole, shown=whole)

    @property
    def taken(self) -> set[str]:
        """Return the names of the fields that an update accepts, without those described as read-only."""
        members = self.update.properties.items()
        return {name for name, schema in members if not schema.words.get("readOnly")}


def shape_of(found: Operations) -> Shape:
    """Find the properties in the schemas of operations. Raises DescriptionError where there are none."""
    results, rows = rows_of(found)
    has_ids = are_ids(rows)
    one = found.item.response if found.item is not None else Schema(rows.description)
    if not _is_object(one):
        one = found.update.response
    if _is_resource(rows) or (not rows.members and _is_resource(one.member("data"))):
        return _json_api(found, results, rows, one)
    item, shown = _unwrapped(one, rows, results)
    source = ""
    if not rows.members:
        item, shown, source = _described(found, one, results)
        rows = shown
    if not shown.members or not names_in(rows) & names_in(shown):
        item, shown = item if shown.members else None, rows
    if not rows.members:
        where = f"in {results} " if results else ""
        raise DescriptionError(
            f"the items {where}of {found.listing} are not described, and no operation describes a single item"
        )
    create_body, create = _body(found.create, found, shown)
    update, guess = _settable(found, shown)
    if found.create is not None and found.create.is_open:
        create = replace(shown, words={})
    return Shape(
        results=results,
        item=item,
        body=_body(found.update, found, shown)[0],
        rows=rows,
        shown=replace(
            shown, members={name: shown.members.get(name, rows.members[name]) for name in rows.members}
        ),
        update=update,
        create=create,
        created=_unwrapped(found.create.response, rows)[1]
        if found.create is not None
        else Schema(rows.description),
        api_type=None,
        create_body=create_body,
        one=shown,
        source=source,
        guess=guess,
        has_ids=has_ids,
    )


def _described(found: Operations, one: Schema, results: str | None) -> tuple[str | None, Schema, str]:
    """Return where an item is in a response about ``one``, its schema, and the name of a body used instead.

    This is for lists that do not describe their items. The schema comes from another response, or from a body
    with read-only members, which describes a complete item. Without any, the schema has no members.
    """
    nothing = Schema(one.description)
    writes = [operation for operation in (found.update, found.create) if operation is not None]
    sent = {name for operation in writes for name in operation.body.members}
    for response in (one, *(operation.response for operation in writes)):
        item, shown = _unwrapped(response, nothing, results)
        is_item = item is not None or results not in shown.members
        if shown.members and is_item and (response is one or sent & names_in(shown)):
            return item, shown, ""
    around = results if results is not None and "object" in one.member(results).types else None
    for operation in writes:
        if any(member.words.get("readOnly") for member in operation.body.properties.values()):
            return around, operation.body, f"the body of {operation}"
    return None, nothing, ""


def _is_object(schema: Schema) -> bool:
    return bool(schema.members or (schema.items is not None and schema.items.members))


def _is_resource(schema: Schema) -> bool:
    """Return whether a schema is a JSON:API resource: only its members, and described attributes."""
    is_like = {"attributes", "type"} <= schema.members.keys() <= _RESOURCE
    return is_like and bool(schema.member("attributes").members)


def _unwrapped(response: Schema, rows: Schema, results: str | None = None) -> tuple[str | None, Schema]:
    """Return the member of a response about one item that is the item, None if the response is the item.

    It may be the only element of a list, if no other member resembles the item.
    """
    expected = names_in(rows)
    best: tuple[str | None, Schema] = (None, response)
    most = len(names_in(response) & expected) / max(len(expected), 1)
    if most >= _ENOUGH:
        return best
    for name, inner in inside(response, 1):
        share = len(names_in(inner) & expected) / max(len(expected), 1)
        is_only = not expected and inner.members and (len(response.members) == 1 or name == results)
        if "object" in inner.types and (share > most or is_only):
            best, most = (name, inner), share
    lists = [(name, inner.items) for name, inner in (("", response), *inside(response, 1)) if inner.items]
    for name, items in lists if expected else ():
        share = len(names_in(items) & expected) / len(expected)
        if share >= _ENOUGH and share > most:
            best, most = (f"{name}{ONLY}", items), share
    return best


def _body(operation: Operation | None, found: Operations, shown: Schema) -> tuple[str | None, Schema]:
    """Return the member of a body that holds the fields, None if the body does, and these fields.

    No other member may be required. The member is an object, or a list of one object that is called like the
    listed type: other lists are fields.
    """
    body = Schema(shown.description) if operation is None else operation.body
    own = len(names_in(body) & names_in(shown))
    inside = [(name, inner) for name, inner in body.properties.items() if {name}.issuperset(body.required)]
    lists = [
        (f"{name}{ONLY}", inner.items)
        for name, inner in (("", body), *inside)
        if name.lower() in {"", listed_as(found)} and inner.items is not None
    ]
    of_objects = [(name, inner) for name, inner in inside if "object" in inner.types]
    listed = {listed_as(found), singular(listed_as(found))}
    likely = (
        (name, one)
        for name, one in (*of_objects, *lists)
        if len(names_in(one) & names_in(shown)) > own
        if not own or name.removesuffix(ONLY).lower() in listed  # what is beside it may be in rows, too
    )
    return next(likely, (None, body))


def _settable(found: Operations, shown: Schema) -> tuple[Schema, str]:
    """Return the fields of an update, and the name of their source if the body is not described.

    The source is a creation, or else rows. A JSON Patch never describes them.
    """
    body = _body(found.update, found, shown)[1]
    is_guess = found.update.is_open
    if found.update.encoding is not Encoding.JSON_PATCH and not is_guess:
        if body.members:
            return body, ""
        if not {"object"}.issuperset(body.types):
            raise DescriptionError(f"the body of {found.update} is not an object")
        raise DescriptionError(f"the body of {found.update} is not an object with properties")
    create = _body(found.create, found, shown)[1]
    what = "a creation accepts" if create.members else "the listing returns and the service does not set"
    return replace(create if create.members else shown, words={}), what if is_guess else ""


def _json_api(found: Operations, results: str | None, rows: Schema, one: Schema) -> Shape:
    """Return the shape of a JSON:API collection: the attributes are the properties, beside the id."""
    resource = one.member("data") if _is_resource(one.member("data")) else rows
    body = found.update.body.member("data")
    # Beside attributes many are the service's own, such as the author: these are left to people.
    related = set() if "attributes" in body.members else _related(rows).keys() & _related(body).keys()
    if not _is_resource(body) and "attributes" not in body.members and not related:
        raise DescriptionError(
            f"responses follow JSON:API, with type and attributes, but the body of {found.update} does not"
        )
    rows = rows if rows.members else resource
    created = Schema(rows.description) if found.create is None else found.create.response.member("data")
    create = Schema(rows.description) if found.create is None else found.create.body.member("data")
    create = replace(
        create,
        members={name: part for name, part in create.members.items() if name != "id"}
        if "id" not in create.required
        else create.members,
    )
    kind = next((name for name in map(_type, (body, resource, rows, create)) if name), None)
    in_rows, shown = _attributes(rows, related), _attributes(resource, related)
    if not in_rows.members:
        raise DescriptionError(f"the attributes of the items of {found.listing} are not described")
    known = {name: shown.members.get(name, part) for name, part in in_rows.members.items()}
    return Shape(
        results=results,
        item=None,
        body=None,
        rows=in_rows,
        shown=replace(shown, members=known),
        update=_with_related(body.member("attributes"), body, related),
        create=_attributes(create, related),
        created=_attributes(created, related),
        api_type=kind or last_segment(found.listing.path),
        is_typeless=kind is None,
        sends_id="id" in body.members,
        one=shown,
        relationships=frozenset(related),
    )


def _related(resource: Schema) -> dict[str, Closed]:
    """Return the described targets of the relationships of a resource."""
    attributes = resource.member("attributes").members
    return {
        name: one.members[RELATED]
        for name, one in resource.member("relationships").properties.items()
        if name not in attributes and one.member(RELATED).types in (["object"], ["array"])
    }


def _with_related(attributes: Schema, resource: Schema, names: Collection[str]) -> Schema:
    """Return the attributes of a resource, and those of its relationships with these names."""
    links = {name: one for name, one in _related(resource).items() if name in names}
    required = [name for name in resource.member("relationships").required if name in links]
    required = [*attributes.required, *(required if "relationships" in resource.required else ())]
    words = {"type": "object", **attributes.words, **({"required": required} if required else {})}
    return replace(attributes, members={**attributes.members, **links}, words=words)


def _attributes(resource: Schema, related: Collection[str]) -> Schema:
    attributes = _with_related(resource.member("attributes"), resource, related)
    own = {"id": resource.members["id"]} if "id" in resource.members else {}
    required = [*attributes.required, *(name for name in own if name in resource.required)]
    return replace(
        attributes, members={**attributes.members, **own}, words={**attributes.words, "required": required}
    )


def _type(resource: Schema) -> str | None:
    words = resource.member("type").words
    values = [value for value in words.get("enum", ()) if isinstance(value, str)]
    known = [*(values if len(values) == 1 else ()), words.get("default"), words.get("example")]
    return next((value for value in known if isinstance(value, str) and value), None)
