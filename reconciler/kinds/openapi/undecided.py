"""Notes about what a description does not say: the assumptions of a draft, and the decisions of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.kinds.shape import type_names
from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.kinds.openapi.notes import Notes
    from reconciler.kinds.openapi.operations import Operations
    from reconciler.kinds.openapi.properties import Properties
    from reconciler.kinds.openapi.shapes import Shape


def note_guesses(found: Operations, shape: Shape, notes: Notes) -> None:
    """Add a note about each part that the description lacks and the draft assumes."""
    if shape.source:
        notes.add(
            f"rows: no response describes a key; the draft assumes that responses have the fields of"
            f" {shape.source}: check them"
        )
    if shape.has_ids:
        notes.add(
            "list: the listing has only ids, so each key is read at its own path: one more request per key"
        )
    if shape.guess:
        notes.add(
            f"update: the body of {found.update} is not described; the draft assumes the fields that"
            f" {shape.guess}: remove those that cannot be updated"
        )
    if found.create is not None and found.create.is_open:
        notes.add(
            f"create: the body of {found.create} is not described; the draft assumes the fields that the"
            " listing returns: remove those that cannot be set"
        )


def undecided(found: Operations, shape: Shape, made: Properties) -> Iterable[str]:
    """Yield notes about decisions that no description contains."""
    settable = [made.file_name(name) for name in made.settable]
    if settable:
        yield (
            f"effects: does a change of {listed(settable, 12)} grant or revoke access? For each field that"
            " does, write expiry, switch-off or binding"
        )
    fields = {name: made.properties[name] for name in settable}
    lists = [
        name
        for name, field in fields.items()
        if "array" in type_names(field) and not field.get("uniqueItems")
    ]
    if lists:
        yield (
            f"sets: does the order of {listed(lists, 12)} matter? If not, add"
            ' "uniqueItems": true to compare it as a set'
        )
    fixed = [
        name
        for name in shape.create.members
        if made.properties.get(name, {}).get("readOnly") and name != made.path
    ]
    if fixed and found.is_updated:
        yield (
            f"immutable: only a creation sets {listed(fixed, 12)}; to declare it in files, list it under"
            " immutable and remove readOnly"
        )
    yield (
        "foreign: are some keys managed by another system? If so, write the property and the values that"
        " identify them under foreign"
    )
