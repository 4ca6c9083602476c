"""The member of responses that shows a field of an update, and whether the two can be compared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.openapi.words import plain_segments, singular
from reconciler.kinds.wire import PAIRS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.kinds.openapi.operations import Operations
    from reconciler.kinds.openapi.schemas import Schema
    from reconciler.kinds.openapi.shapes import Shape

_DEPTH: Final = 5
"""Levels at which what is set and what is shown are compared."""
PAIR: Final = frozenset({"key", "value"})
_FIXED: Final = frozenset({"readonly", "isreadonly"})
"""Members of a pair that say that it is the service's own, without punctuation and capitals."""


def kinds(schema: Schema) -> set[str]:
    """Return the types, with one name for all numbers."""
    return {"number" if name == "integer" else name for name in schema.types}


def are_alike(taken: Schema, shown: Schema, depth: int = _DEPTH) -> bool:
    """Return whether the set and the shown value have a type in common, also inside.

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


def shown_as(name: str, found: Operations, shape: Shape) -> str | None:
    """Return the dotted member of responses that shows the field ``name`` under another name, or None.

    The other name is another spelling, has a version suffix, as ``tags_v2``, or the listed type as prefix; or
    it is another form of the verb, as ``advertised`` for ``advertise``; or it is inside the object that its
    first word names, as ``role.slug`` for ``role_slug``.
    """
    words = plain_segments(found.listing.path)
    letters, noun = letters_of(name), letters_of(singular(words[-1])) if words else ""
    done = rf"(?:{letters}d|{letters}ed|{letters}s|{re.sub('^is', '', letters)})"
    others = [other for other in shape.shown.members if other not in shape.update.members]
    inside = [
        f"{outer}.{inner}"
        for outer in others
        if letters.startswith(letters_of(outer)) and shape.shown.member(outer).types == ["object"]
        for inner in shape.shown.member(outer).members
    ]
    patterns = (letters, rf"{letters}v\d+", f"{noun}{letters}", done)
    for among, pattern in (*((others, one) for one in patterns), (inside, letters)):
        same = [other for other in among if re.fullmatch(pattern, letters_of(other))]
        if same:
            return same[0] if len(same) == 1 else None
    return None


def letters_of(name: str) -> str:
    """Return a name in lower case without punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def shown_pairs(members: Mapping[str, Schema]) -> Any:
    """Return the member of a kind file for a map that is shown as pairs with these members."""
    fixed = [one for one in members if letters_of(one) in _FIXED and members[one].types == ["boolean"]][:1]
    unless = {"unless": fixed[0]} if fixed else {}
    set_there = [one for one in members if members[one].words.get("readOnly") and one not in {*PAIR, *fixed}]
    read_only = {"read_only": set_there} if set_there else {}
    return {"shape": PAIRS, **unless, **read_only} if unless or read_only else PAIRS
