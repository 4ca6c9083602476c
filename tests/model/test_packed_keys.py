"""Packed keys: what comes out is what went in, however many parts are joined."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.model.desired import DesiredKey, Lifecycle, PackedKeys, joined, packed
from tests.properties import examples
from tests.values import declared

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXTS = st.text("aZ0 \n\x00\u00e9\u0416\u20ac\ud800\udfff\U0001f511", max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
LIFECYCLES = st.builds(
    Lifecycle, st.booleans(), st.booleans(), st.frozensets(TEXTS, max_size=2), st.booleans()
)
KEYS = st.builds(
    DesiredKey,
    TEXTS,
    st.dictionaries(TEXTS, VALUES, max_size=3),
    TEXTS,
    st.integers(0, 2**50),
    st.booleans(),
    LIFECYCLES,
    st.lists(TEXTS, max_size=2).map(tuple),
    st.dictionaries(TEXTS, st.integers(0, 2**50), max_size=2),
)
HOSTILE = DesiredKey("\ud800", {"\udfff": ["\ud800", 1.0, 1, True]}, "a\udcff.yaml", 0, own=("\ud800",))


@examples(40)
@given(st.lists(KEYS, max_size=4))
@example([HOSTILE])
def test_what_is_unpacked_is_what_was_packed(keys: list[DesiredKey]) -> None:
    found = packed(keys)
    assert len(found) == len(keys)
    for _ in range(2):  # they can be iterated over more than once
        again = tuple(found)
        assert again == tuple(keys)
        assert [repr(key.fields) for key in again] == [
            repr(key.fields) for key in keys
        ]  # 1, 1.0 and true differ
        assert [key.position for key in again] == [key.position for key in keys]
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 - what was just written


@examples(25)
@given(st.lists(st.lists(KEYS, max_size=2), max_size=3))
def test_joined_keys_are_those_of_all_parts_in_order(parts: list[list[DesiredKey]]) -> None:
    every = tuple(key for part in parts for key in part)
    found = joined(map(packed, parts))
    assert (tuple(found), len(found)) == (every, len(every))
    assert found == packed(every)
    assert joined([found, packed([HOSTILE])]) == (*every, HOSTILE)


def test_counting_and_joining_unpack_nothing() -> None:
    parts = [PackedKeys((b"not packed",), 3), PackedKeys((b"nor this", b""), 4)]
    assert (len(parts[0]), len(joined(parts))) == (3, 7)


def test_some_keys_are_found_by_index() -> None:
    keys = [declared("web"), declared("api"), declared("job")]
    found: Sequence[DesiredKey] = packed(keys)
    assert (found[0], found[-1], found[1:]) == (keys[0], keys[2], tuple(keys[1:]))
    assert keys[1] in found
    assert found.index(keys[2]) == 2


def test_keys_that_differ_are_not_equal() -> None:
    found = packed([declared("web")])
    others: list[Any] = [packed([]), packed([declared("api")]), (), (declared("web", line=2),), None, 1]
    assert [other for other in others if other == found] == []
    assert found == (declared("web"),)


def test_a_mapping_that_many_keys_share_is_there_once() -> None:
    defaults = {f"field{number}": number for number in range(50)}
    shared = {"text": "x" * 1000}
    keys = [
        DesiredKey(f"key-{number}", {"hook": shared}, "keys.yaml", number, defaults=defaults)
        for number in range(100)
    ]
    again = tuple(packed(keys))
    assert len({id(key.defaults) for key in again}) == 1
    assert len({id(key.fields["hook"]) for key in again}) == 1
    assert len({id(key.source) for key in again}) == 1
