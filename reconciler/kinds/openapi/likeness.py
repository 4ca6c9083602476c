"""Whether values that an update takes can be compared with what responses show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reconciler.kinds.openapi.schemas import Schema

_DEPTH: Final = 5
"""Levels at which what is set and what is shown are compared."""


def kinds(schema: Schema) -> set[str]:
    """Return the types, with one name for all numbers."""
    return {"number" if name == "integer" else name for name in schema.types}


def are_alike(taken: Schema, shown: Schema, depth: int = _DEPTH) -> bool:
    """Return whether what is set and what is shown have a type in common, also inside.

    Some members of an object may differ in that, if it can be set without them.
    """
    one, other = kinds(taken), kinds(shown)
    if not one or not other or not depth:
        return True
    if not one & other:
        return False
    if taken.items is not None and shown.items is not None:
        return are_alike(taken.items, shown.items, depth - 1)
    if shown.members and not shown.others and not shown.members.keys() >= {*taken.required}:
        return False
    common = taken.members.keys() & shown.members.keys()
    unlike = {name for name in common if not are_alike(taken.member(name), shown.member(name), depth - 1)}
    return not unlike & {*taken.required} and (not unlike or unlike != common)
