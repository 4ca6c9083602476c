"""The live members that a desired object omits, where it is one of several alternatives. Pure.

An object is either ``{allow: ...}`` or ``{block: ...}``: a file with one member does not omit the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.canonical import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.kinds.shape import Alternative, Shape

    Values = Mapping[str, Any]


def left_out(shape: Shape, want: Values, have: Values) -> list[str]:
    """Return the members of a live object that a desired one omits, except those of other alternatives.

    A live object of no alternative may be shown with all members: it is as desired if it has the desired
    ones.
    """
    names = [name for name in shape.members if name in have and name not in want]
    if not is_another(shape, want, have):
        return names
    own = _own(shape)
    chosen = [one for one in shape.alternatives if _takes(one, own, want)]
    fitting = [name for name in names if all(_fits(one, name, have[name]) for one in chosen)]
    return [name for name in fitting if name not in own or (chosen and _is_in_all(name, chosen))]


def is_another(shape: Shape, want: Values, have: Values) -> bool:
    """Return whether a desired object is of another alternative than a live one."""
    if not shape.alternatives:
        return False
    own = _own(shape)
    chosen = [one for one in shape.alternatives if _takes(one, own, want)]
    shown = [one for one in shape.alternatives if _takes(one, own, have)]
    return not (any(one in shown for one in chosen) or (not shown and own & want.keys() <= have.keys()))


def _own(shape: Shape) -> frozenset[str]:
    return frozenset[str]().union(*(one.members for one in shape.alternatives))


def _takes(one: Alternative, own: frozenset[str], value: Values) -> bool:
    """Return whether an object may be of an alternative: it has no member and no value of another one."""
    return own & value.keys() <= one.members and all(_fits(one, name, value[name]) for name in value)


def _fits(one: Alternative, name: str, value: Any) -> bool:
    return name not in one.values or json_text(value) in one.values[name]


def _is_in_all(name: str, alternatives: list[Alternative]) -> bool:
    return all(name in one.members for one in alternatives)
