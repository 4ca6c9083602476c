"""The lines in which two texts differ. Pure."""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Group = tuple[int, list[str], list[str]]
"""A number counted from 1, the old lines from there, and the new ones."""


def changed_lines(before: str, after: str) -> Iterator[Group]:
    """Yield the differing lines, in groups."""
    return _groups(before.splitlines(), after.splitlines(), 1)


def _groups(old: Sequence[str], new: Sequence[str], number: int) -> Iterator[Group]:
    """Yield the groups of lines, the first of which has the number ``number``.

    SequenceMatcher takes time by the square of a length, so it gets only the lines between those that occur
    once in both: such as the names of keys.
    """
    shortest = min(len(old), len(new))
    head = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    rest = shortest - head
    tail = next((i for i in range(rest) if old[-1 - i] != new[-1 - i]), rest)
    old, new = old[head : len(old) - tail], new[head : len(new) - tail]
    number += head
    anchors = _anchors(old, new)
    if not anchors:
        for tag, start, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag != "equal":
                yield number + start, [*old[start:end]], [*new[first:last]]
        return
    start = first = 0
    for end, last in (*anchors, (len(old), len(new))):
        yield from _groups(old[start:end], new[first:last], number + start)
        start, first = end + 1, last + 1


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return the positions of lines that occur once in both texts: their longest chain in the same order."""
    counts, others = Counter(old), Counter(new)
    places = {line: place for place, line in enumerate(new) if others[line] == 1}
    pairs = [(place, places[line]) for place, line in enumerate(old) if counts[line] == 1 and line in places]
    ends: list[int] = []  # of the chains of each length, the smallest place at which one ends
    chain: list[int] = []  # the pair there
    before: list[int] = []
    for index, (_, place) in enumerate(pairs):
        length = bisect(ends, place)
        ends[length : length + 1] = [place]
        chain[length : length + 1] = [index]
        before.append(chain[length - 1] if length else -1)
    found: list[tuple[int, int]] = []
    index = chain[-1] if chain else -1
    while index >= 0:
        found.append(pairs[index])
        index = before[index]
    return found[::-1]
