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
from reconciler.kinds.openapi.notes import NOT_CREATED, ONLY_SETS, Notes
from reconciler.kinds.openapi.operations import Operations, operations_of
from reconciler.kinds.openapi.properties import Properties, properties_of
from reconciler.kinds.openapi.scope import scope_of
from reconciler.kinds.openapi.shapes import Shape, shape_of
from reconciler.kinds.openapi.undecided import note_guesses, undecided
from reconciler.kinds.openapi.ways import Way, ways_of
from reconciler.kinds.openapi.words import plain_segments
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    Schema = Mapping[str, Any]

_DRAFT_07: Final = "http://json-schema.org/draft-07/schema#"
_PARTIAL: Final = (
    "list: the listing does not return the fields that can be set, so each declared key is also read at its"
    " own path: one more request per key"
)
_ALONE: Final = (
    "update: no update is described, so a changed key is replaced (deleted and created again), if its file"
    " allows it with `lifecycle: {replace: true}`"
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
        message = f"the description of {collection} does not follow the OpenAPI specification ({error})"
        raise DescriptionError(message) from error
    except RecursionError as error:
        raise DescriptionError("the description is nested too deeply") from error


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
        raise refusal or DescriptionError(f"no described operation changes {found.item_path}")
    way, made = min(spare, key=lambda one: one[0].found.is_updated)
    return _with_reason(made, found, way, refusal)


def _with_reason(made: Draft, found: Operations, way: Way, refusal: DescriptionError | None) -> Draft:
    """Return a draft with the reason why it does not have the likeliest update."""
    if way.found.update is found.update:
        return made
    why = f"{found.update} sets no field that the listing returns"
    if way.found.is_updated:
        why = f"{why}; the draft sends updates by {way.found.update.method}"
    else:
        why = f"{refusal or why}; the draft has no update: does the service accept one for some field?"
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
    note_guesses(found, shape, notes)
    identity = identity_of(found, shape, notes, chosen)
    if way.by_id:
        if not identity.has_id:
            return None
        notes = Notes()
        notes.add(
            f"identity: {found.update}{ONLY_SETS}{identity.name}; so that files can change it, they identify"
            f" a key by {identity.path}"
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
        message = f"{found.update} takes {taken}, but the listing returns none of these except the identity"
        causes = (text for text in notes if text.startswith("create:") or NOT_CREATED in text)
        message = message if found.is_updated else f"no update is described; {next(causes, message)}"
        raise DescriptionError(f"no field can be set: {message}")
    if not found.is_updated:
        notes.add(_ALONE)
    elif not made.settable:
        notes.add(
            f"update: {found.update} sets no field that can be compared, so keys are only created and deleted"
        )
    extension = _extension(parts, notes)
    note_base_url(description, notes)
    for text in undecided(found, shape, made):
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
        notes.add(f"type: the JSON:API resource type is not described; {shape.api_type} is a guess: check it")
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


def _title(collection: str) -> str:
    words = plain_segments(collection)
    return (words[-1] if words else "key").replace("_", " ").replace("-", " ").capitalize()
