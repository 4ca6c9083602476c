"""Convert between members of an API and fields of files: envelopes, JSON:API, names, shapes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.kinds.rest import Shown

PAIRS: Final = "pairs"
"""The shape of a map that responses show as a list of objects with ``key`` and ``value``."""
JSON_API_ID: Final = "id"
"""The member of a resource of JSON:API that is its id, beside its attributes."""
RELATED: Final = "data"
"""The member of a relationship of JSON:API that says to what it leads, and that updates set."""
OWN_NAME: Final = "{} of the API"
"""How a member is shown whose name at the API is that of another property in files."""
ONLY: Final = "[]"
"""Behind a member of an envelope: the object is the only element of a list there."""
_PAIR: Final = frozenset({"key", "value"})


def member(value: Any, dotted: str | None) -> Any:
    """Return the member of ``value`` at a dotted path, or None; without a path, ``value`` itself."""
    for step in dotted.split(".") if dotted else ():
        value = value.get(step) if isinstance(value, dict) else None
    return value


def object_of(kind: Kind, row: Any) -> Any:
    """Return a row of a listing with the names of fields in files; a value that is no object unchanged."""
    if not isinstance(row, dict) or kind.is_plain:
        return row
    if kind.envelope.api_type is not None:
        row = _flat(kind, row)
    elsewhere = {
        name: member(row, where) for name, where in kind.read_from.items() if where.split(".")[0] in row
    }
    if kind.identity in row and name_steps(kind):
        row = {OWN_NAME.format(name) if name == kind.identity else name: row[name] for name in row}
    if kind.renamed:
        own = {name: row[there] for name, there in kind.renamed.items() if there in row}
        others = {name: value for name, value in row.items() if name not in kind.renamed.values()}
        # What the API itself calls like a name of files is hidden by that, and must not be dropped unseen.
        row = {OWN_NAME.format(name) if name in kind.renamed else name: others[name] for name in others} | own
    row = {**row, **elsewhere}
    found = {name: _taken(value, kind.shown.get(name)) for name, value in row.items()}
    for name, shown in kind.shown.items():
        if name in row and found[name] is not row[name] and shown.shape == PAIRS:
            found |= _beside(name, shown, row[name])
    return found


def _flat(kind: Kind, resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a JSON:API resource, its relationships, and its id, as one object."""
    attributes, related = resource.get("attributes"), resource.get("relationships")
    found = dict(attributes) if isinstance(attributes, dict) else {}
    for name in kind.envelope.relationships:
        linked = related.get(name) if isinstance(related, dict) else None
        found.pop(name, None)
        if isinstance(linked, dict) and RELATED in linked:
            found[name] = linked[RELATED]
    return {**found, JSON_API_ID: resource.get(JSON_API_ID)}


def _parts(kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource with these values as attributes and relationships; an empty part is left out."""
    related = {name: {RELATED: values[name]} for name in values if name in kind.envelope.relationships}
    own = {name: value for name, value in values.items() if name not in related}
    return ({"attributes": own} if own or not related else {}) | (
        {"relationships": related} if related else {}
    )


def unwrapped(kind: Kind, response: Any) -> Any:
    """Return the object in the envelope of a response, None if it is missing.

    A list of one is an envelope too; in a longer list the object is unknown.
    """
    place = kind.envelope.item or ""
    found = member(response, place.removesuffix(ONLY))
    if not place.endswith(ONLY):
        return found
    return found[0] if isinstance(found, list) and len(found) == 1 else None


def item_of(kind: Kind, response: Any) -> Any:
    """Return the object in a response with the names of fields in files; another value is unchanged."""
    return object_of(kind, unwrapped(kind, response))


def body_of(kind: Kind, values: Mapping[str, Any], path_id: str | None = None) -> Any:
    """Return the body of a request with ``values`` of fields, as members of the API in its envelope.

    ``path_id`` is the id of an existing object, which some services require in the body of an update.
    """
    path_id = path_id if kind.update.has_id else None
    there = {kind.renamed.get(name, name): value for name, value in _with_name_inside(kind, values).items()}
    if kind.envelope.api_type is not None:
        path_id = there.pop(JSON_API_ID, path_id)
        known = {} if path_id is None else {JSON_API_ID: path_id}
        there = {"type": kind.envelope.api_type, **known, **_parts(kind, there)}
    elif path_id is not None:
        field = kind.fields[kind.path_field]
        own = kind.renamed.get(field.name, field.name)
        there = {own: path_id if str in field.types else int(path_id), **there}
    place = kind.envelope.body or ""
    body: Any = [there] if place.endswith(ONLY) else there
    for step in reversed([step for step in place.removesuffix(ONLY).split(".") if step]):
        body = {step: body}
    return body


def name_steps(kind: Kind) -> tuple[str, ...]:
    """Return the members that lead to the name, if it is inside a property that files can declare.

    Empty if it is not. The first is a name in files. Requests carry the name there, and otherwise under its
    own name.
    """
    outer, *inner = kind.read_from.get(kind.identity, kind.identity).split(".")
    own = next((name for name, there in kind.renamed.items() if there == outer), outer)
    field = kind.fields.get(own)
    return () if not inner or field is None or field.read_only else (own, *inner)


def with_name(kind: Kind, values: Mapping[str, Any], name: str | int) -> Mapping[str, Any]:
    """Return values with the name of their key, if they include the object around the name.

    A service that replaces the object would otherwise delete the name.
    """
    steps = name_steps(kind)
    return {**values, kind.identity: name} if steps and steps[0] in values else values


def _with_name_inside(kind: Kind, values: Mapping[str, Any]) -> Mapping[str, Any]:
    steps = name_steps(kind)
    if not steps or kind.identity not in values:
        return values
    others = {name: value for name, value in values.items() if name != kind.identity}
    return {**others, steps[0]: placed(others.get(steps[0]), steps[1:], values[kind.identity])}


def placed(value: Any, steps: Sequence[str], inner: Any) -> Any:
    """Return an object with a value at the end of ``steps`` inside it."""
    if not steps:
        return inner
    around = value if isinstance(value, dict) else {}
    return {**around, steps[0]: placed(around.get(steps[0]), steps[1:], inner)}


def _taken(value: Any, shown: Shown | None) -> Any:
    """Return a value in the shape that requests use; a value of another shape is unchanged."""
    if shown is None or value is None:
        return value
    if shown.shape == PAIRS:
        is_pairs = isinstance(value, list) and all(
            isinstance(pair, dict) and pair.keys() >= _PAIR and isinstance(pair["key"], str) for pair in value
        )
        own = _settable(shown, value) if is_pairs else []
        found = {pair["key"]: pair["value"] for pair in own}
        return found if is_pairs and len(found) == len(own) else value
    if isinstance(value, list):
        return [_taken(item, shown) for item in value]
    inner = member(value, shown.shape) if isinstance(value, dict) else None
    return value if inner is None else inner


def _settable(shown: Shown, pairs: list[Any]) -> list[Any]:
    """Return the pairs that do not belong to the service."""
    return [pair for pair in pairs if shown.unless is None or pair.get(shown.unless) is not True]


def _beside(name: str, shown: Shown, pairs: list[Any]) -> dict[str, Any]:
    """Return the additional members of pairs, by path: a map cannot hold them, and they must not be lost."""
    known = {*_PAIR, shown.unless, *shown.read_only}
    return {
        f"{name}[].{inner}": value
        for pair in _settable(shown, pairs)
        for inner, value in pair.items()
        if inner not in known
    }
