"""Two values in the form that deepdiff compares: members and items of one paired with those of the other."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from reconciler.model.members import Index

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Path = tuple["str | Index | SetItem", ...]

_MOST_PAIRS: Final = 40_000
"""The largest number of pairs of items to align; items of longer lists are paired by position."""
IDENTIFYING: Final = ("id", "name")
"""Members that identify an object in a list."""
_ABSENT: Final = object()
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class SetItem(NamedTuple):
    """An item of a set, by its text: it has no position."""

    text: str


def scalar_text(value: Any) -> str:
    """Return the text of a value for deepdiff: 1 differs from True, surrogates and breaks are escaped."""
    return str(value) if value.__class__ is int else _ENCODER.encode(value)  # at a tenth of the cost


def aligned(before: Any, after: Any) -> tuple[Any, Any]:
    """Return two values in the form that deepdiff compares: objects of texts, with lists as objects of items.

    deepdiff pairs objects in lists by position alone, so that an item inserted at the front would change all.
    """
    pairs: Iterable[tuple[str | Index, Any, Any]]
    if before is after:
        return "", ""
    if isinstance(before, list) and isinstance(after, list):
        steps = _alignment(before, after)
        pairs = ((step, _at(before, step.before), _at(after, step.after)) for step in steps)
    elif isinstance(before, dict) and isinstance(after, dict):
        names = before.keys() | after.keys()
        pairs = ((name, before.get(name, _ABSENT), after.get(name, _ABSENT)) for name in names)
    else:
        return scalar_text(before), scalar_text(after)
    return beside(((step,), *_sides(old, new)) for step, old, new in pairs)


def _sides(old: Any, new: Any) -> tuple[Any, Any]:
    if old is not _ABSENT and new is not _ABSENT:
        # Most members are equal; repr tells 1 from True at the speed of C.
        return ("", "") if old == new and repr(old) == repr(new) else aligned(old, new)
    return old if old is _ABSENT else scalar_text(old), new if new is _ABSENT else scalar_text(new)


def beside(parts: Iterable[tuple[Path, Any, Any]]) -> tuple[dict[Path, Any], dict[Path, Any]]:
    """Return two flat objects of the differences in ``parts``: texts by their full paths.

    deepdiff takes longer for a level than for a member.
    """
    left: dict[Path, Any] = {}
    right: dict[Path, Any] = {}
    for path, old, new in parts:
        if old == new:
            continue
        for side, value in ((left, old), (right, new)):
            if isinstance(value, dict):
                side.update({(*path, *inner): text for inner, text in value.items()})
            elif value is not _ABSENT:
                side[path] = value
    return left, right


def _alignment(before: Sequence[Any], after: Sequence[Any]) -> Iterator[Index]:
    """Yield the items that differ: in pairs where one replaces the other, else one by one."""
    old, new = ([*map(scalar_text, items)] for items in (before, after))
    start, end = common_ends(old, new)
    left, right = ([*map(_identity, items[start : len(items) - end])] for items in (before, after))
    blocks: Sequence[tuple[str, int, int, int, int]] = [("replace", 0, len(left), 0, len(right))]
    if left != right and 1 < len(left) * len(right) <= _MOST_PAIRS:
        blocks = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    for _, first, last, new_first, new_last in blocks:
        for a, b in zip_longest(range(first, last), range(new_first, new_last)):
            i, j = (None if index is None else index + start for index in (a, b))
            if i is None or j is None:
                yield Index(i, j)
            elif old[i] != new[j]:
                is_same = left[a] == right[b] or not (_is_named(before[i]) or _is_named(after[j]))
                if is_same and isinstance(before[i], dict | list) and type(before[i]) is type(after[j]):
                    yield Index(i, j)
                else:
                    yield from (Index(i, None), Index(None, j))


def _at(items: Sequence[Any], index: int | None) -> Any:
    return _ABSENT if index is None else items[index]


def _identity(item: Any) -> str:
    """Return the text that identifies an item: the names of an object, or else its JSON."""
    return scalar_text(
        {name: item[name] for name in IDENTIFYING if name in item} if _is_named(item) else item
    )


def _is_named(item: Any) -> bool:
    """Return whether an item of a list is an object with a name or an ID."""
    return isinstance(item, dict) and any(isinstance(item.get(name), str | int) for name in IDENTIFYING)


def common_ends(one: Sequence[Any], other: Sequence[Any]) -> tuple[int, int]:
    """Return how many characters, or items, two sequences have in common at the start, then at the end."""
    start = _common(one, other)
    return start, _common(one[start:][::-1], other[start:][::-1])


def _common(one: Sequence[Any], other: Sequence[Any]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
