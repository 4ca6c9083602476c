"""Whether a kind with names can be written for a collection, from what a description says of it.

It can if the draft, or the draft with another member of rows as the identity (``kind init --identity``), is
a valid file of a kind with a name that people write, and an update can set at least one field beside that
name; or, of a kind without an update, a creation sets what can be set, and a deletion is described.

The other members that are tried are texts of rows, and of objects in rows, which an update or a creation
takes: people write what they send. A list of values or a time is no name. A whole number is one where it is
called like one that people give, such as a port, a priority, or the id of another object; the id of the
object itself is none, unless people choose it. Where none of these is one, but rows show a map of free names
that a creation takes, such as metadata, people may keep the name in it, as ``metadata.name``; these are
counted again by themselves. Whether the values differ from row to row is said by no description: that is
looked at when a plan is made.

Counted apart are kinds without an update, because none is described, or it sets nothing that rows show but
the name; collections whose rows have no such name; and those of which nothing is described that a kind is
made of: rows in a list, or the fields of an update.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import DescriptionError
from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.openapi.draft import draft
from reconciler.kinds.openapi.names import candidates
from reconciler.kinds.openapi.notes import NO_NAME, ONLY_SETS
from reconciler.kinds.openapi.operations import operations_of
from reconciler.kinds.openapi.shapes import shape_of
from reconciler.validate.custom_kinds import complaints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.kinds.openapi.draft import Draft
    from reconciler.kinds.openapi.shapes import Shape

_NAMELESS: Final = re.compile(f"{NO_NAME}|identity: .*{ONLY_SETS}")
"""What a draft notes where people have to write an id that the service makes."""
_NUMBERS: Final = frozenset(
    {"id", "index", "level", "number", "order", "port", "position", "priority", "rank"}
)
_TIMES: Final = frozenset({"date", "date-time", "time", "duration"})
_UNDESCRIBED: Final = re.compile(
    r"not described|is not an object with properties|takes no JSON|none of them is a list"
    r"|but not of objects|is a map"
)


class Group(StrEnum):
    """By what a kind with names can be written, or what is missing; each collection is in one group."""

    DRAFTED = "as drafted"
    OTHER = "by another member"
    MAP = "in a map"
    FIXED = "created and deleted alone"
    NAMELESS = "no name in rows"
    LACKING = "another lack"
    UNDESCRIBED = "not described"


UPDATED: Final = (Group.DRAFTED, Group.OTHER, Group.MAP)
"""Kinds whose updates set a field."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The group of a collection, and the name that a kind can be written with, or else why there is none."""

    group: Group
    name: str | None = None
    reason: str = ""


def verdict_of(content: Any, collection: str, item: str) -> Verdict:
    """Return whether a collection is expressible with a name that people write."""
    try:
        made = draft(content, collection, item=item)
    except DescriptionError as error:
        return _without_draft(content, collection, item, str(error))
    own = made.schema[EXTENSION]["identity"] if is_named(made) else None
    if own is not None and _is_useful(made):
        return Verdict(Group.DRAFTED, own)
    return (
        _of_another(content, collection, item)
        or (Verdict(Group.FIXED, own) if own is not None and _is_created(made) else None)
        or _of_another(content, collection, item, is_updated=False)
        or _without_another(made)
    )


def _without_draft(content: Any, collection: str, item: str, message: str) -> Verdict:
    group = Group.UNDESCRIBED if _UNDESCRIBED.search(message) else Group.LACKING
    return (
        _of_another(content, collection, item)
        or _of_another(content, collection, item, is_updated=False)
        or Verdict(group, reason=reason_of(message))
    )


def _of_another(content: Any, collection: str, item: str, *, is_updated: bool = True) -> Verdict | None:
    """Return the verdict where another member of rows than the likeliest is a name, None where none is."""
    try:
        found = operations_of(content, collection, item)
        shape = shape_of(found if is_updated else found.without_update or found)
        written = [name for name in candidates(shape) if is_written(name, shape)]
        in_maps = [f"{outer}.name" for outer in shape.shown.members if _is_free(outer, shape)]
    except DescriptionError:
        return None
    for name in (*written, *in_maps):
        try:
            made = draft(content, collection, item=item, identity=name)
        except DescriptionError:
            continue
        if "path" in made.schema[EXTENSION] and (_is_useful(made) if is_updated else _is_created(made)):
            group = Group.MAP if name in in_maps else Group.OTHER
            return Verdict(group if is_updated else Group.FIXED, name)
    return None


def _is_free(outer: str, shape: Shape) -> bool:
    """Return whether rows show a map in which a creation may bring a name."""
    maps = (shape.shown.member(outer), shape.create.member(outer))
    return all(one.is_map and not one.words.get("readOnly") for one in maps)


def _without_another(made: Draft) -> Verdict:
    if complaints("draft", made.schema):
        return Verdict(Group.LACKING, reason="the draft does not load")
    if is_named(made):
        return Verdict(Group.LACKING, reason="an update sets the name alone, and no DELETE is described")
    reason = "rows show no text that a request takes, beside what else an update sets"
    return Verdict(Group.NAMELESS, reason=reason)


def is_named(made: Draft) -> bool:
    """Return whether people write a name in the files of a draft, and no id that a service makes."""
    return not any(map(_NAMELESS.match, made.decisions))


def _is_useful(made: Draft) -> bool:
    """Return whether a draft is valid, and an update can set one of its fields."""
    extension: Mapping[str, Any] = made.schema[EXTENSION]
    if extension.get("update", {}) is None:
        return False
    fixed = {extension["identity"], *extension.get("immutable", ())}
    fields = made.schema["properties"].items()
    settable = (name for name, field in fields if name not in fixed and not field.get("readOnly"))
    return any(settable) and not complaints("draft", made.schema)


def _is_created(made: Draft) -> bool:
    """Return whether a draft is valid, and creations set what can be set."""
    extension: Mapping[str, Any] = made.schema[EXTENSION]
    return extension.get("update", {}) is None and not complaints("draft", made.schema)


def is_written(name: str, shape: Shape) -> bool:
    """Return whether a dotted member of rows is one that people write in a request."""
    shown = shape.shown.at(name)
    last = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name.rpartition(".")[2])[-1:]
    if shown.types == ["integer"] and not _NUMBERS.intersection(word.lower() for word in last):
        return False
    if "enum" in shown.words or shown.words.get("format") in _TIMES:
        return False
    bodies = (shape.create.at(name), shape.update.at(name))
    return any(body.types == shown.types and not body.words.get("readOnly") for body in bodies)


def reason_of(message: str) -> str:
    """Return a refusal without the names in it, so that equal ones can be counted."""
    plain = re.sub(r"\b(GET|PATCH|PUT|POST) /\S*", "an operation", message)
    plain = re.sub(r"\{[^{}]*\}", "{…}", plain)
    plain = re.sub(r"\bitems in \S+ of", "items of", plain)
    return re.sub(r"(takes|has|have) .*?(, and|, but|$)", r"\1 …\2", plain)
