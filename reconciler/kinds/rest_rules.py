"""The rules for the members of a kind file about the protocol of its API. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.field_rules import Fault, field_faults, is_whole
from reconciler.kinds.kind import EXTENSION, Kind
from reconciler.kinds.paths import path_fault, placeholders
from reconciler.kinds.rest import ListStyle
from reconciler.kinds.wire import JSON_API_ID, ONLY
from reconciler.model.expressions import expression
from reconciler.model.request import Encoding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Path = tuple[str | int, ...]

_FORBIDDEN_HEADERS: Final = expression(
    r"authorization|cookie2?|host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-.*|if-.*"
    r"|user-agent|expect|range|accept-encoding|via|max-forwards|forwarded|proxy-.*|x-forwarded.*|x-host"
    r"|x-(original|rewrite|http|method)-.*|(x-)?(real|client|true-client|cluster-client)-ip|cf-connecting-.*",
    re.IGNORECASE,
)
"""Headers that authenticate, route or frame a request, so that no kind may set them."""
_METHOD_PARAMETER: Final = "_method"
"""A query parameter that some frameworks take for the method."""
_UPDATE_PATH: Final = (EXTENSION, "update", "path")
_OF_STYLES: Final[Mapping[str, tuple[ListStyle, ...]]] = {
    "offset": (ListStyle.OFFSET,),
    "page": (ListStyle.PAGE,),
    "first": (ListStyle.OFFSET, ListStyle.PAGE),
    **dict.fromkeys(("cursor", "next", "link", "last", "more"), (ListStyle.CURSOR,)),
}


def is_constant(header: str) -> bool:
    """Return whether a header may have a constant value: not one for authentication, routing or framing."""
    return not _FORBIDDEN_HEADERS.fullmatch(header)


def rest_faults(kind: Kind) -> Iterator[Fault]:
    """Yield the faults in the members of a kind file about the protocol of its API."""
    for rule in (_path, _item, _list, _update, _send, field_faults, _style):
        yield from rule(kind)


def _path(kind: Kind) -> Iterator[Fault]:
    """Check that the id is a property that the service sets."""
    field = kind.fields.get(kind.path_field)
    place = (EXTENSION, "path")
    if not kind.has_ids:
        if "path" in kind.schema[EXTENSION]:
            yield Fault(place, "is the identity, which the path takes anyway; remove it")
    elif field is None:
        yield Fault(place, f"{kind.path_field} is not a property; describe the id that the service makes")
    elif not field.read_only:
        yield Fault(place, f'{field.name} is made by the service; give it "readOnly": true')
    elif field.types not in {(str,), (int,)}:
        yield Fault(place, f'{field.name} must be a text or a whole number; give it "type": "string"')


def _item(kind: Kind) -> Iterator[Fault]:
    """Check that the path of one key has exactly one parameter of its own."""
    for place, path in (((EXTENSION, "item"), _described_item(kind)), (_UPDATE_PATH, kind.update.path)):
        if path is None:
            continue
        if unclear := path_fault(path):
            yield Fault(place, unclear)
            continue
        own = [name for name in placeholders(path) if name not in kind.scope]
        if len(own) != 1:
            found = "none" if not own else " and ".join(f"{{{name}}}" for name in own)
            message = f"must have one parameter that the collection lacks, for the id, and has {found}"
            yield Fault(place, f"{message}; write a path such as /things/{{id}}")
            continue
        missing = [f"{{{name}}}" for name in kind.scope if name not in placeholders(path)]
        if missing and not kind.has_ids:
            message = f"lacks {' and '.join(missing)}, so that keys of one name in two scopes would share it"
            yield Fault(place, f"{message}; add it, or name under path the id that the service makes")


def _described_item(kind: Kind) -> str | None:
    item: str | None = kind.schema[EXTENSION].get("item")
    return item


def _list(kind: Kind) -> Iterator[Fault]:
    extension = kind.schema[EXTENSION]
    described, listing = extension.get("list", {}), kind.listing
    place: Path = (EXTENSION, "list")
    for name, styles in _OF_STYLES.items():
        if name in described and listing.style not in styles:
            which = f"the style{'s' * (len(styles) > 1)} {' and '.join(styles)}"
            yield Fault((*place, name), f"is for {which}, and the style is {listing.style}")
    is_whole = listing.style is ListStyle.WHOLE
    if is_whole and "limit" in described:
        yield Fault((*place, "limit"), "is for pages, and the style whole has none; remove it")
    if "page_limit" not in extension and not is_whole and listing.limit is not None:
        yield Fault(
            (EXTENSION,), "has no page_limit; write the largest size of a page that the service gives"
        )
    if listing.has_ids and (listing.is_partial or listing.cursor.last is not None):
        name = "partial" if listing.is_partial else "last"
        yield Fault(
            (*place, name), "is for rows that are objects, and ids says that they are none; remove one"
        )
    yield from _outside(kind, place)
    if listing.limit is not None and listing.limit == listing.position:
        yield Fault((*place, "limit"), f"is the name of two query parameters: {listing.limit}")
    if listing.style is ListStyle.CURSOR:
        yield from _cursor(place, described)


def _outside(kind: Kind, place: Path) -> Iterator[Fault]:
    """Check that the members of a response beside its list are possible in this style."""
    listing = kind.listing
    outside = {"count": listing.count, "next": listing.cursor.next, "more": listing.cursor.more}
    for name, member in outside.items():
        if member is not None and listing.results is None:
            yield Fault((*place, name), "needs an object around the list; name its list under results")
        elif member is not None and member == listing.results:
            yield Fault((*place, name), "is the list itself; use another member")


def _cursor(place: Path, described: Mapping[str, Any]) -> Iterator[Fault]:
    ways = [name for name in ("next", "link", "last") if described.get(name)]
    if len(ways) != 1:
        found = "none" if not ways else " and ".join(ways)
        message = f"the style cursor needs one of next, link and last, and has {found}"
        yield Fault(place, f"{message}; write where the next cursor is")
    if ("more" in described) != ("last" in described):
        yield Fault(place, "last and more belong together: the last row's cursor, and whether there is more")


def _update(kind: Kind) -> Iterator[Fault]:
    place: Path = (EXTENSION, "update")
    update = kind.update
    if update.method is None:
        yield from _without_update(kind)
    if update.encoding.is_patch and is_whole(kind):
        yield Fault((*place, "encoding"), f"{update.encoding} says what changes; give the body as changed")
    if update.encoding.is_patch and update.method == "PUT":
        yield Fault((*place, "encoding"), f"{update.encoding} is for PATCH, and the method is PUT")
    if update.encoding is Encoding.JSON_PATCH and kind.always_sent:
        yield Fault((EXTENSION, "always_sent"), "has no use where a JSON Patch names each field; remove it")
    if update.encoding is Encoding.JSON_PATCH and kind.envelope.body is not None:
        yield Fault(
            (EXTENSION, "envelope"), "a JSON Patch has no envelope; remove the envelope or the encoding"
        )
    elif (kind.envelope.body or "").endswith(ONLY):
        others = {update.encoding, update.creation} - {Encoding.JSON}
        if others:
            message = f"{min(others)} cannot send a list of one; remove {ONLY}, or the encoding"
            yield Fault((EXTENSION, "envelope", "body"), message)


def _without_update(kind: Kind) -> Iterator[Fault]:
    """Check that creations set all settable fields, and that no member about updates is used."""
    extension = kind.schema[EXTENSION]
    if "create" not in extension:
        message = (
            'is null, so that only creations set anything; add "create", or describe how keys are changed'
        )
        yield Fault((EXTENSION, "update"), message)
    if extension.get("immutable"):
        message = "is every property that can be set, because update is null; remove it here"
        yield Fault((EXTENSION, "immutable"), message)
    of_updates = [
        word for word in ("always_sent", "sent_with", "sent_one_of", "merge") if extension.get(word)
    ]
    for place in (*((word,) for word in of_updates), *([("create", "later")] if kind.create_later else ())):
        message = "is for updates, and update is null; remove it, or describe how keys are changed"
        yield Fault((EXTENSION, *place), message)


def _send(kind: Kind) -> Iterator[Fault]:
    place: Path = (EXTENSION, "send", "headers")
    same: dict[str, str] = {}
    for name in kind.headers:
        if not is_constant(name):
            yield Fault(place, f"{name} is not a constant of a kind; remove it, and use another header")
        if same.setdefault(name.lower(), name) != name:
            yield Fault(place, f"{same[name.lower()]} and {name} are one header; keep one of them")
    for name in kind.query:
        if name == _METHOD_PARAMETER:
            yield Fault((EXTENSION, "send", "query"), f"{name} is not a constant of a kind; remove it")
        if name in {kind.listing.limit, kind.listing.position}:
            yield Fault((EXTENSION, "send", "query"), f"{name} asks for the page; remove it here")


def _style(kind: Kind) -> Iterator[Fault]:
    extension = kind.schema[EXTENSION]
    if "style" in extension:
        yield from _json_api(kind, extension)
        return
    if "type" in extension:
        yield Fault((EXTENSION, "type"), 'is for JSON:API; add "style": "json-api"')
    if "relationships" in extension:
        yield Fault((EXTENSION, "relationships"), 'are of JSON:API; add "style": "json-api"')
    if kind.update.has_id and not kind.has_ids:
        message = f"the path takes no id, but {kind.identity}, which always_sent can name; remove it"
        yield Fault((EXTENSION, "update", "id"), message)


def _json_api(kind: Kind, extension: Mapping[str, Any]) -> Iterator[Fault]:
    if "type" not in extension:
        yield Fault((EXTENSION, "style"), 'JSON:API needs the type of the resource; add "type"')
    if "envelope" in extension:
        yield Fault((EXTENSION, "envelope"), "JSON:API has its own; remove it, or the style")
    if kind.listing.has_ids:
        yield Fault((EXTENSION, "list", "ids"), "JSON:API lists resources; remove it, or the style")
    if kind.listing.results != "data":
        yield Fault((EXTENSION, "list", "results"), "is data in JSON:API; remove it, or the style")
    if kind.renamed.get(kind.path_field, kind.path_field) != JSON_API_ID:
        message = f"{kind.path_field} is not the id of JSON:API, which is called {JSON_API_ID}; name that"
        if kind.has_ids:
            yield Fault((EXTENSION, "path"), message)
        elif "type" in extension and kind.update.has_id:
            message = 'JSON:API has ids in its paths; add "path", the property that is the id, or "id": false'
            message = f"{message} to update, where the path takes the identity"
            yield Fault((EXTENSION, "style"), message)
    yield from _relationships(kind, extension.get("relationships", ()))
    for name, encoding in (("update", kind.update.encoding), ("create", kind.update.creation)):
        if encoding is not Encoding.JSON and "encoding" in (extension.get(name) or {}):
            message = "JSON:API is JSON; remove the encoding, or the style"
            yield Fault((EXTENSION, name, "encoding"), message)


def _relationships(kind: Kind, names: Iterable[str]) -> Iterator[Fault]:
    """Check that the target of a relationship is described: an object, or a list of objects."""
    for name in names:
        field = kind.fields.get(name)
        if field is None:
            yield Fault((EXTENSION, "relationships"), f"{name} is not a property; describe what it leads to")
        elif not {dict, list}.intersection(field.types):
            message = f'{name} must be an object with "type" and "id", or a list of these; describe it so'
            yield Fault((EXTENSION, "relationships"), message)
