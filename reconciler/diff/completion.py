"""Members that a desired value omits inside objects, and pairs of desired and live list items. Pure.

A member that a file omits inside an object is not managed, like a field that it omits: neither in an object
nor in the items of a list.
"""

from __future__ import annotations

from collections import defaultdict, deque
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.alignment import IDENTIFYING, scalar_text
from reconciler.diff.alternatives import left_out
from reconciler.diff.normalize import NotNormalError, known
from reconciler.kinds.kind import Form
from reconciler.model.canonical import json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.kinds.shape import Shape

    Items = Sequence[Any]
    Pairs = dict[int, int]
    """The index of the live item of each desired item that has one."""

_SCALARS: Final = (str, int, float, bool)


def leaves_out(shape: Shape, want: Any) -> bool:
    """Return whether a desired value omits a member that its shape has."""
    if isinstance(want, dict) and shape.members:
        members = shape.members
        return not members.keys() <= want.keys() or any(
            leaves_out(inner, want[name]) for name, inner in members.items() if inner.members or inner.items
        )
    items = shape.items
    if not isinstance(want, list) or items is None or not (items.members or items.items):
        return False
    return any(leaves_out(items, item) for item in want)


def completed(form: Form, shape: Shape, want: Any, have: Any) -> Any:
    """Return a desired value with the members of its objects that it omits and ``have`` has.

    ``have`` is in normal form. The items of lists are completed from the live items that they are paired
    with.
    """
    if not leaves_out(shape, want):
        return want
    if isinstance(want, list) and isinstance(have, list) and shape.items is not None:
        items = _sorted(want) if form is Form.SET else want
        pairs = paired(form, shape.items, items, have)
        return [
            completed(Form.EXACT, shape.items, item, have[pairs[i]]) if i in pairs else item
            for i, item in enumerate(items)
        ]
    if not isinstance(want, dict) or not isinstance(have, dict):
        return want
    inside = {
        name: completed(Form.EXACT, shape.members[name], value, have.get(name))
        if name in shape.members
        else value
        for name, value in want.items()
    }
    return inside | {name: have[name] for name in left_out(shape, want, have)}


def declared_part(form: Form, shape: Shape, have: Any, want: Any) -> Any:
    """Return a live value without the members of its objects that the desired value omits.

    It is the inverse of :func:`completed`.
    """
    if not leaves_out(shape, want):
        return have
    if isinstance(want, list) and isinstance(have, list) and shape.items is not None:
        of_live = {j: i for i, j in paired(form, shape.items, want, have).items()}
        return [
            declared_part(Form.EXACT, shape.items, item, want[of_live[j]]) if j in of_live else item
            for j, item in enumerate(have)
        ]
    if not isinstance(want, dict) or not isinstance(have, dict):
        return have
    unmanaged = frozenset(left_out(shape, want, have))
    return {
        name: declared_part(Form.EXACT, shape.members[name], value, want[name])
        if name in shape.members and name in want
        else value
        for name, value in have.items()
        if name not in unmanaged
    }


def paired(form: Form, shape: Shape, want: Items, have: Items) -> Pairs:
    """Return the live item for each desired item of a list, as far as it is known.

    It is the one that is as declared; or else the one with the same id or name; or else the one at the same
    position, if as many items have changed as there were, none has a name, and both are lists or share a
    member. A set has no positions.
    """
    texts = [json_text(item) for item in have]

    def is_as_declared(i: int, j: int) -> bool:
        if not isinstance(want[i], dict | list):
            return json_text(want[i]) == texts[j]
        try:
            return json_text(known(shape, completed(Form.EXACT, shape, want[i], have[j]))) == texts[j]
        except NotNormalError:
            return False

    pairs: Pairs = {}
    if form is not Form.SET:
        pairs = _same_places(len(want), len(have), is_as_declared)
    _match(pairs, {i: [j for j in found if is_as_declared(i, j)] for i, found in _alike(pairs, want, have)})
    _match_named(pairs, want, have)
    if form is not Form.SET:
        _match_places(pairs, want, have)
    return pairs


def _sorted(items: Items) -> Items:
    """Return the items of a set in an order that does not depend on how it was written."""
    return sorted(items, key=json_text)


def _same_places(wanted: int, live: int, is_as_declared: Callable[[int, int], bool]) -> Pairs:
    """Return the pairs at the same positions: from the start of both lists, and from their ends.

    In lists of one length an item that changes does not affect the others.
    """
    if wanted == live:
        return {i: i for i in range(wanted) if is_as_declared(i, i)}
    shorter = min(wanted, live)
    start = next((i for i in range(shorter) if not is_as_declared(i, i)), shorter)
    from_end = range(1, shorter - start + 1)
    end = next((n - 1 for n in from_end if not is_as_declared(wanted - n, live - n)), shorter - start)
    return {i: i for i in range(start)} | {wanted - n: live - n for n in range(1, end + 1)}


def _alike(pairs: Pairs, want: Items, have: Items) -> Iterator[tuple[int, Items]]:
    """Yield each unpaired desired item, and the live ones that have its scalars.

    Comparing all pairs would take too long for a list of thousands.
    """
    left = _left(have, pairs.values())
    tables: dict[tuple[str, ...], dict[str, list[int]]] = {}
    for i in _left(want, pairs):
        item = want[i]
        scalars = (
            {n: item[n] for n in item if isinstance(item[n], _SCALARS)} if isinstance(item, dict) else {}
        )
        names = tuple(sorted(scalars))
        if names not in tables:
            tables[names] = defaultdict(list)
            for j in left:
                other = have[j] if isinstance(have[j], dict) else {}
                tables[names][json_text([other.get(name) for name in names])].append(j)
        yield i, tables[names].get(json_text([scalars[name] for name in names]), [])


def _match(pairs: Pairs, candidates: dict[int, list[int]]) -> None:
    """Add a pair for as many desired items as possible, each with one of its candidates."""
    of_live = dict[int, int]()
    for first in candidates:
        reached, waiting = dict[int, int](), deque([first])
        free: int | None = None
        while waiting and free is None:
            i = waiting.popleft()
            for j in candidates[i]:
                if j in reached:
                    continue
                reached[j] = i
                if j not in of_live:
                    free = j
                    break
                waiting.append(of_live[j])
        while free is not None:
            i = reached[free]
            before, pairs[i], of_live[free] = pairs.get(i), free, i
            free = before


def _match_named(pairs: Pairs, want: Items, have: Items) -> None:
    """Add a pair for each desired item whose id, or else whose name, exactly one live item has."""
    for name in IDENTIFYING:
        of_text = {
            scalar_text(have[j][name]): j
            for j in reversed(_left(have, pairs.values()))
            if isinstance(have[j], dict) and name in have[j]
        }
        for i in _left(want, pairs):
            if _key(want[i]) == name and (j := of_text.pop(scalar_text(want[i][name]), None)) is not None:
                pairs[i] = j


def _match_places(pairs: Pairs, want: Items, have: Items) -> None:
    """Add pairs for items between two paired ones, if both lists have equally many there."""
    taken = frozenset(pairs.values())
    ends = [(-1, -1), *sorted(pairs.items()), (len(want), len(have))]
    for (i, j), (next_i, next_j) in pairwise(ends):
        new, old = range(i + 1, next_i), [at for at in range(j + 1, next_j) if at not in taken]
        if len(new) == len(old):
            both = zip(new, old, strict=True)
            pairs |= {a: b for a, b in both if _key(want[a]) is None and _are_of_a_sort(want[a], have[b])}


def _are_of_a_sort(one: Any, other: Any) -> bool:
    """Return whether two items are lists, or share a member; items of different alternatives share none."""
    if isinstance(one, dict) and isinstance(other, dict):
        return not one.keys().isdisjoint(other)
    return isinstance(one, list) and isinstance(other, list)


def _key(item: Any) -> str | None:
    """Return the member that identifies an item of a list; None if it has none."""
    if not isinstance(item, dict):
        return None
    return next((name for name in IDENTIFYING if isinstance(item.get(name), str | int)), None)


def _left(items: Items, taken: Iterable[int]) -> list[int]:
    """Return the indexes of the items that are not in a pair."""
    pairs = frozenset(taken)
    return [place for place in range(len(items)) if place not in pairs]
