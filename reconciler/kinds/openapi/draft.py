"""From a description to the draft of a kind, with notes about the decisions that a person must make."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import DescriptionError
from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.openapi.api import (
    constants_of,
    creation_of,
    merged_of,
    note_base_url,
    note_deletion,
    note_deprecated,
    update_of,
    wait_of,
)
from reconciler.kinds.openapi.carried import carried_of
from reconciler.kinds.openapi.identity import Identity, identity_of
from reconciler.kinds.openapi.listing import Listed, listing_of
from reconciler.kinds.openapi.notes import Notes
from reconciler.kinds.openapi.operations import Operations, operations_of
from reconciler.kinds.openapi.properties import Properties, properties_of
from reconciler.kinds.openapi.scope import scope_of
from reconciler.kinds.openapi.shapes import Shape, shape_of
from reconciler.kinds.openapi.ways import Way, ways_of
from reconciler.kinds.openapi.words import plain_segments
from reconciler.kinds.shape import type_names
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Schema = Mapping[str, Any]

_DRAFT_07: Final = "http://json-schema.org/draft-07/schema#"
_PARTIAL: Final = (
    "list: rows do not show what a request sets, so that each declared key is read at its own path, too: one"
    " more request for each"
)
_ALONE: Final = (
    "update: nothing updates a key, so that a difference replaces it: deleted and created again, where a file"
    " allows that"
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A kind's schema, and the notes that a person must read before it is used."""

    schema: Schema
    decisions: tuple[str, ...]


def draft(
    description: Any,
    collection: str,
    title: str | None = None,
    item: str | None = None,
    identity: str | None = None,
) -> Draft:
    """Draft the kind whose keys are listed at the path ``collection``; ``item`` is the path of one of them.

    ``identity`` is the member of rows that files use as the name, None for the likeliest. Raises
    DescriptionError if the description lacks what a kind needs, or does not follow OpenAPI.
    """
    try:
        return _draft(operations_of(description, collection, item), description, title, identity)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # Others write descriptions: instead of looking at each value before its use, all are distrusted here.
        message = f"what it says of {collection} does not match OpenAPI ({error})"
        raise DescriptionError(message) from error
    except RecursionError as error:
        raise DescriptionError("it is nested too deeply") from error


def _draft(found: Operations, description: Schema, title: str | None, chosen: str | None) -> Draft:
    """Draft the kind in the first way in which a field can be set, or else with the name alone.

    Raises the error of the first way if there is no draft.
    """
    refusal: DescriptionError | None = None
    spare: list[tuple[Way, Draft]] = []
    for way in ways_of(found, chosen):
        if way.by_id and spare:  # with the name that people choose, keys are created
            break
        try:
            made = _draft_with(way, description, title, chosen)
        except DescriptionError as error:
            refusal = refusal or error
            continue
        if made is not None and _is_set(made.schema):
            return _with_reason(made, found, way, refusal)
        spare += [] if made is None else [(way, made)]
    if not spare:
        raise refusal or DescriptionError(f"nothing changes {found.item_path}")
    way, made = min(spare, key=lambda one: one[0].found.is_updated)
    return _with_reason(made, found, way, refusal)


def _with_reason(made: Draft, found: Operations, way: Way, refusal: DescriptionError | None) -> Draft:
    """Return a draft with the reason why it does not have the likeliest update."""
    if way.found.update is found.update:
        return made
    why = f"{found.update} sets nothing that rows show"
    if way.found.is_updated:
        why = f"{why}; updates are sent by {way.found.update.method}"
    else:
        why = f"{refusal or why}; so no update is drafted: is there a field that one sets?"
    return replace(made, decisions=(*made.decisions, f"update: {why}"))


def _is_set(schema: Schema) -> bool:
    """Return whether a file can declare a field of a key: by an update, or a creation without one."""
    extension = schema[EXTENSION]
    fixed = {extension["identity"], *extension.get("immutable", ())}
    return any(
        name not in fixed and not field.get("readOnly") for name, field in schema["properties"].items()
    )


def _draft_with(way: Way, description: Schema, title: str | None, chosen: str | None) -> Draft | None:
    """Draft the kind in one way, None if that equals an earlier way."""
    notes, found = Notes(), way.found
    shape = shape_of(found)
    _note_guesses(found, shape, notes)
    identity = identity_of(found, shape, notes, chosen)
    if way.by_id:
        if not identity.has_id:
            return None
        notes = Notes()
        notes.add(
            f"identity: {found.update} sets nothing but {identity.name}; for it to be a field, people write"
            f" {identity.path}"
        )
        identity = Identity(identity.path, identity.path)
    if way.reads_items:
        if shape.of_one is None:
            return None
        shape = shape.of_one
        notes.add(_PARTIAL)
    parts = _Parts.of(way, shape, identity, notes)
    made = parts.made
    if not parts.can_be_set:
        taken = listed(shape.update.members, 12)
        message = f"{found.update} takes {taken}, and of it no row of the list shows more than the identity"
        causes = (text for text in notes if text.startswith("create:") or "create is left out" in text)
        message = message if found.is_updated else f"nothing updates it; {next(causes, message)}"
        raise DescriptionError(f"nothing can be set: {message}")
    if not found.is_updated:
        notes.add(_ALONE)
    elif not made.settable:
        notes.add(f"update: {found.update} sets nothing that is compared: keys are created and deleted alone")
    extension = _extension(parts, notes)
    note_base_url(description, notes)
    for text in _undecided(found, shape, made):
        notes.add(text)
    schema = {
        "$schema": _DRAFT_07,
        "title": title or _title(found.listing.path),
        "type": "object",
        "required": [made.identity],
        "additionalProperties": False,
        "properties": made.properties,
        EXTENSION: extension,
    }
    return Draft(schema, tuple(notes))


def _note_guesses(found: Operations, shape: Shape, notes: Notes) -> None:
    if shape.source:
        notes.add(f"rows: no response describes a key, so that {shape.source} is taken for what it shows")
    if shape.has_ids:
        notes.add("list: rows are ids, so that each key is read at its own path: one more request for each")
    if shape.guess:
        notes.add(f"update: the body of {found.update} is not described; what {shape.guess} may be too much")
    if found.create is not None and found.create.is_open:
        notes.add(f"create: the body of {found.create} is not described; what rows show may be too much")


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a draft; ``create`` is None where keys are not created."""

    way: Way
    shape: Shape
    made: Properties
    listed: Listed
    create: Mapping[str, Any] | None
    fixed: tuple[str, ...]

    @classmethod
    def of(cls, way: Way, shape: Shape, identity: Identity, notes: Notes) -> _Parts:
        """Draft the properties, the listing and the creation of keys with this identity."""
        found = way.found
        made = properties_of(found, shape, identity, notes)
        listing = listing_of(found, shape, identity.member, notes)
        create, fixed = creation_of(found, shape, made, notes)
        if not listing.is_certain:
            create, fixed = None, ()
        for name in fixed:
            made.declare(name)
        return cls(way, shape, made, listing, create, fixed)

    @property
    def found(self) -> Operations:
        """Return the operations of the kind."""
        return self.way.found

    @property
    def can_be_set(self) -> bool:
        """Return whether a file can declare fields of a key: by an update, or by its creation."""
        return (bool(self.made.settable) and self.found.is_updated) or self.create is not None


def _extension(parts: _Parts, notes: Notes) -> dict[str, Any]:
    found, shape, made, listing = parts.found, parts.shape, parts.made, parts.listed
    paths = scope_of(found, notes)
    update = _update(parts, paths.update, notes)
    paging = [listing.listing.get(word, word) for word in ("limit", "offset", "page", "cursor")]
    carried = carried_of(shape, update, made, notes) if found.is_updated else {}
    note_deprecated(found, notes)
    note_deletion(found, notes)
    envelope = {"item": shape.item, "body": shape.body}
    read = {"partial": parts.way.reads_items, "ids": shape.has_ids}
    if shape.is_typeless:
        notes.add(f"type: the type of the resource is not described; {shape.api_type} is a guess")
    optional: dict[str, Any] = {
        "path": made.path if made.path != made.identity else None,
        "item": paths.item,
        **({} if shape.api_type is None else {"style": "json-api", "type": shape.api_type}),
        "relationships": sorted({*map(made.file_name, shape.relationships)} & {*made.properties}),
        "envelope": {name: member for name, member in envelope.items() if member is not None},
        "send": constants_of(found, paging, notes),
        "as": made.renamed,
        "shown": {made.file_name(name): shape for name, shape in made.shown.items()},
        "read_from": {made.file_name(name): other for name, other in made.read_from.items()},
        **wait_of(found, shape, notes),
        "page_limit": listing.page_limit,
        "scope": paths.scope,
        "list": {**listing.listing, **{word: True for word, is_so in read.items() if is_so}},
        "merge": merged_of(found, made, notes),
        "update": {} if update == {"method": "PATCH"} else update,
    }
    fixed = list(parts.fixed) if found.is_updated else []
    return {
        "collection": paths.collection,
        "identity": made.identity,
        **{name: value for name, value in optional.items() if value},
        **carried,
        **({} if found.is_updated else {"update": None}),
        **({"immutable": fixed} if fixed else {}),
        **({"optional": made.optional} if made.optional else {}),
        **made.marked,
        **({} if parts.create is None else {"create": parts.create}),
        "foreign": {},
        "effects": {},
    }


def _update(parts: _Parts, path: str | None, notes: Notes) -> dict[str, Any]:
    """Return how keys are updated at ``path``, None for their own; empty where they are not."""
    if not parts.found.is_updated:
        return {}
    return update_of(parts.found, parts.shape, parts.made, notes) | ({"path": path} if path else {})


def _undecided(found: Operations, shape: Shape, made: Properties) -> Iterable[str]:
    """Yield notes about decisions that no description contains."""
    settable = [made.file_name(name) for name in made.settable]
    rules = "expiry, switch-off, binding or none"
    if settable:
        yield f"effects: what does a change of {listed(settable, 12)} do to access? {rules}"
    fields = {name: made.properties[name] for name in settable}
    lists = [
        name
        for name, field in fields.items()
        if "array" in type_names(field) and not field.get("uniqueItems")
    ]
    if lists:
        yield f'sets: is the order of {listed(lists, 12)} of no account? then add "uniqueItems": true'
    fixed = [
        name
        for name in shape.create.members
        if made.properties.get(name, {}).get("readOnly") and name != made.path
    ]
    if fixed and found.is_updated:
        yield f"immutable: only a creation sets {listed(fixed, 12)}; immutable, or read-only as drafted?"
    yield "foreign: are some keys managed elsewhere? name the property and the values that mark them"


def _title(collection: str) -> str:
    words = plain_segments(collection)
    return (words[-1] if words else "key").replace("_", " ").replace("-", " ").capitalize()
