"""Reading JSON from a service or a plan file: nothing that could be read in two ways."""

from __future__ import annotations

import json
from typing import Any, Final

_SMALL: Final = 16 * 1024


def parse_json(content: bytes) -> Any:
    """Read JSON in which no member stands twice, as one could hide the other.

    Looking costs half as much again as reading, so in a large page only the head is looked at.
    Raises ValueError for what is not JSON, RecursionError for what is nested too deeply.
    """
    is_small = len(content) <= _SMALL
    if is_small or content.count(b'"count"') > 1 or content.count(b'"results"') > 1:
        return parse_strictly(content)
    return json.loads(content, parse_constant=_no_constant)


def parse_strictly(content: bytes) -> Any:
    """Read JSON in which no member stands twice, wherever that is. Raises as :func:`parse_json` does."""
    return json.loads(content, parse_constant=_no_constant, object_pairs_hook=_members)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands in an object twice")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
