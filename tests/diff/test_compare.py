"""Differences of single fields, for every form that a kind may declare."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.compare import compare, equality, field_changes, reversed_change
from reconciler.diff.normalize import normalize
from reconciler.kinds.kind import Form
from reconciler.model.canonical import json_text
from reconciler.model.members import Edit
from tests.properties import examples
from tests.values import API, CAAS, LATER, WEB, kind_with

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.members import MemberChange

ANY = kind_with(
    {
        "number": {"type": "number"},
        "settings": {"type": "object"},
        "list": {"type": "array"},
        "set": {"type": ["array", "null"], "uniqueItems": True},
        "texts": {"type": "array", "items": {"type": "string"}},
    }
)


def differs(kind: Any, field: str, want: Any, have: Any) -> bool:
    found = tuple(compare(kind, {field: want}, {field: have}).pairs)
    assert not (found and equality(kind)({field: want}, {field: have}))
    return found == (field,)


@pytest.mark.parametrize(
    ("field", "want", "have", "expected"),
    [
        ("number", 1, 1, False),
        ("number", 1, 2, True),
        ("number", 1, 1.0, False),
        ("settings", {"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        ("settings", {"a": 1}, {"a": True}, True),
        ("settings", {"a": True}, {"a": 1}, True),
        ("settings", {"a": None}, {}, True),
        ("settings", {"a": ""}, {"a": None}, True),
        ("settings", {"a": [1, 2]}, {"a": [2, 1]}, True),
        ("list", [1, 2], [2, 1], True),
        ("list", [0], [False], True),
        ("list", [False], [0], True),
        ("list", [{"a": 1}], [{"a": 1}], False),
        ("set", [1, 2], [2, 1, 2], False),
        ("set", [1], [True], True),
        ("set", None, None, False),
        ("set", None, [], True),
        ("set", [{"a": [1, 2]}], [{"a": [2, 1]}], True),
        ("texts", ["a", "b"], ["a", "b"], False),
        ("texts", ["a", "b"], ["b", "a"], True),
    ],
)
def test_a_field_differs_if_its_meaning_does(field: str, want: Any, have: Any, *, expected: bool) -> None:
    assert differs(ANY, field, want, have) is expected


def test_only_declared_fields_are_compared_and_named_in_order() -> None:
    want = {"is_disabled": True, "expire": None, "description": "same"}
    have = {"is_disabled": False, "expire": LATER, "description": "same", "containers": [WEB]}
    assert set(compare(CAAS, want, have).pairs) == {"expire", "is_disabled"}


def test_a_declared_field_must_exist_on_the_live_key() -> None:
    found = compare(CAAS, {"expire": None}, {})
    assert (found.odd, found.pairs) == ({"expire": "it has no expire"}, {})


def test_the_items_that_a_set_gains_and_loses_are_named() -> None:
    (change,) = field_changes(CAAS, {"containers": [API]}, {"containers": [WEB]})
    assert (change.added, change.removed) == ((WEB,), (API,))


def test_items_are_named_in_one_order() -> None:
    old, new = ([{"name": name, "namespace": "shop"} for name in names] for names in ("zxvwyu", "cfadbe"))
    (change,) = field_changes(CAAS, {"containers": old}, {"containers": new})
    assert "".join(item["name"] for item in change.added) == "abcdef"
    assert "".join(item["name"] for item in change.removed) == "uvwxyz"


def test_an_ordered_list_has_no_gained_or_lost_set_items() -> None:
    (change,) = field_changes(ANY, {"list": [1, 2]}, {"list": [2, 1]})
    assert (change.before, change.after, change.added, change.removed) == ([1, 2], [2, 1], (), ())


def test_a_set_that_was_null_gains_all_its_items() -> None:
    (change,) = field_changes(ANY, {"set": None}, {"set": [1]})
    assert (change.before, change.after, change.added) == (None, [1], (1,))


def test_each_field_that_differs_is_described_by_itself_in_order() -> None:
    before = {"is_disabled": False, "containers": [WEB], "description": "", "expire": None}
    after = {"containers": [API, WEB], "expire": None, "description": "x", "is_disabled": True}
    changes = field_changes(CAAS, before, after)
    assert [change.field for change in changes] == ["containers", "description", "is_disabled"]
    assert [change.added for change in changes] == [(API,), (), ()]


def members(field: str, before: Any, after: Any) -> list[tuple[Any, ...]]:
    (change,) = field_changes(ANY, {field: before}, {field: after})
    return [(one.path, one.edit.value, one.before, one.after) for one in change.members]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [(("b",), "changed", 2, 3)]),
        ({"a": 1}, {"a": True}, [(("a",), "changed", 1, True)]),
        ({"a": None}, {}, [(("a",), "removed", None, None)]),
        ({}, {"a": None, "__b": 1}, [(("__b",), "added", None, 1), (("a",), "added", None, None)]),
        ({"a": {"b": {"c": "x"}}}, {"a": {"b": {"c": "y"}}}, [(("a", "b", "c"), "changed", "x", "y")]),
        ({"a": {"b": 1}}, {"a": [1]}, [(("a",), "changed", {"b": 1}, [1])]),
        ({"'\"]": "\ud800\n"}, {"'\"]": "\ud801\n"}, [(("'\"]",), "changed", "\ud800\n", "\ud801\n")]),
        ({"a": 1, "b": 2, "c": 3}, {"d": 4}, [
            (("a",), "removed", 1, None), (("b",), "removed", 2, None), (("c",), "removed", 3, None),
            (("d",), "added", None, 4),
        ]),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, [(("a", (1, 1), "b"), "changed", 2, 3)]),
    ],
)  # fmt: skip
def test_the_members_of_an_object_that_differ_are_named(
    before: Any, after: Any, expected: list[tuple[Any, ...]]
) -> None:
    assert members("settings", before, after) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([1, 2], [2, 1], [(((None, 0),), "added", None, 2), (((1, None),), "removed", 2, None)]),
        ([0], [False], [(((None, 0),), "added", None, False), (((0, None),), "removed", 0, None)]),
        ([{"a": 1}, {"b": 1}], [{"new": 1}, {"a": 1}, {"b": 1}], [(((None, 0),), "added", None, {"new": 1})]),
        ([{"a": 1}, {"b": 1}, {"c": 1}], [{"a": 1}, {"c": 2}], [
            (((1, 1), "b"), "removed", 1, None), (((1, 1), "c"), "added", None, 2),
            (((2, None),), "removed", {"c": 1}, None),
        ]),
        ([[1, 2], "x"], [[1], "x"], [(((0, 0), (1, None)), "removed", 2, None)]),
        ([{"a": 1, "b": 2}, 1], [{"b": 2, "a": 1}, 2], [
            (((None, 1),), "added", None, 2), (((1, None),), "removed", 1, None),
        ]),
        ([{"id": 1, "a": 1}], [{"id": 1, "a": 2}], [(((0, 0), "a"), "changed", 1, 2)]),
        ([{"id": 1, "a": 1}], [{"id": 2, "a": 1}], [
            (((None, 0),), "added", None, {"id": 2, "a": 1}),
            (((0, None),), "removed", {"id": 1, "a": 1}, None),
        ]),
        ([{"id": 2, "a": 1}], [{"id": 1, "a": 1}], [
            (((None, 0),), "added", None, {"id": 1, "a": 1}),
            (((0, None),), "removed", {"id": 2, "a": 1}, None),
        ]),
        ([{"name": "x"}, {"name": "y", "a": 1}], [{"name": "y", "a": 2}], [
            (((0, None),), "removed", {"name": "x"}, None), (((1, 0), "a"), "changed", 1, 2),
        ]),
    ],
)  # fmt: skip
def test_the_items_of_a_list_that_differ_are_named_by_their_positions_on_both_sides(
    before: Any, after: Any, expected: list[tuple[Any, ...]]
) -> None:
    assert members("list", before, after) == expected


def test_items_of_long_lists_are_paired_by_position() -> None:
    before = [{"n": number} for number in range(1000)]
    after = [before[0], *({"n": -one["n"]} for one in before[1:-1]), before[-1]]
    assert len(members("list", before, after)) == 998
    assert members("list", before, [{"n": -1}, *before]) == [(((None, 0),), "added", None, {"n": -1})]


SCALARS = (
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from([0.5, 1.5]) | st.text("01a_", max_size=3)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("ab_", max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS = st.fixed_dictionaries({
    "number": st.integers(0, 2) | st.sampled_from([0.0, 1.0, 0.5]),
    "settings": st.dictionaries(st.sampled_from(["a", "b", "__c"]), VALUES, max_size=3),
    "list": st.lists(VALUES, max_size=5),
    "set": st.none() | st.lists(VALUES, max_size=5),
    "texts": st.lists(st.sampled_from("abc"), max_size=4),
})  # fmt: skip


def normal(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: normalize(ANY.fields[name], value) for name, value in values.items()}


def applied(before: Any, changes: Iterable[MemberChange]) -> Any:
    """Carry out the changes of members on a value of a field that is not a set."""
    by_step: dict[Any, list[MemberChange]] = defaultdict(list)
    for one in changes:
        if not one.path:
            return one.after
        by_step[one.path[0]].append(replace(one, path=one.path[1:]))
    if isinstance(before, dict):
        gone = {
            step for step, inner in by_step.items() if inner[0].edit is Edit.REMOVED and not inner[0].path
        }
        after = {name: value for name, value in before.items() if name not in gone}
        return after | {
            step: applied(before.get(step), inner) for step, inner in by_step.items() if step not in gone
        }
    kept = [
        applied(item, by_step[step]) if (step := paired.get(index)) else item
        for paired in [{step.before: step for step in by_step if step.after is not None}]
        for index, item in enumerate(before)
        if (index, None) not in by_step
    ]
    for step in sorted((step for step in by_step if step.before is None), key=lambda step: step.after):
        kept.insert(step.after, by_step[step][0].after)
    return kept


@examples(30)
@given(KEYS, KEYS)
def test_the_fields_that_deepdiff_names_are_those_that_are_not_equal(
    want: dict[str, Any], have: dict[str, Any]
) -> None:
    changes = field_changes(ANY, normal(have), normal(want))
    assert [change.field for change in changes] == sorted(compare(ANY, want, have).pairs)


@examples(40)
@given(KEYS, KEYS)
def test_certainly_equal_values_have_no_change(want: dict[str, Any], have: dict[str, Any]) -> None:
    is_surely_equal = equality(ANY)
    assert is_surely_equal(want, deepcopy(want))
    assert not (is_surely_equal(want, have) and compare(ANY, want, have).pairs)


@examples(30)
@given(KEYS, KEYS)
def test_applying_the_member_changes_to_one_side_yields_the_other(
    want: dict[str, Any], have: dict[str, Any]
) -> None:
    found = field_changes(ANY, normal(have), normal(want))
    for change in (*found, *(reversed_change(ANY, one) for one in found)):
        if ANY.fields[change.field].form is Form.SET:
            texts = {json_text(item) for item in change.before or ()} - set(map(json_text, change.removed))
            assert texts | set(map(json_text, change.added)) == {
                json_text(item) for item in change.after or ()
            }
        elif change.members:
            assert json_text(applied(change.before, change.members)) == json_text(change.after)


@pytest.mark.parametrize(
    ("before", "after"), [([{"a": 1}], {"a": 1}), (None, []), ({}, []), ("", None), (1, True)]
)
def test_values_of_different_types_differ_entirely(before: Any, after: Any) -> None:
    kind = kind_with({"any": {"type": ["array", "object", "string", "boolean", "integer", "null"]}})
    (change,) = field_changes(kind, {"any": before}, {"any": after})
    assert (change.before, change.after, change.members) == (before, after, ())


@examples(40)
@given(
    st.lists(
        st.fixed_dictionaries({"namespace": st.text(max_size=2), "name": st.text(' !"#\\ab-', max_size=3)})
    )
)
def test_a_set_of_objects_of_texts_is_sorted_by_their_json(items: list[dict[str, str]]) -> None:
    assert normalize(CAAS.fields["containers"], items) == [
        json.loads(text) for text in sorted({json_text(item) for item in items})
    ]


def test_a_scalar_that_differs_is_a_change_as_a_whole_without_deepdiff() -> None:
    script = (
        "import sys; from reconciler.diff.compare import field_changes;"
        "from reconciler.kinds.packaged import load_kinds; kind = load_kinds()['caas'];"
        "(found,) = field_changes(kind, {'description': 'a'}, {'description': 'b'});"
        "print((found.before, found.after, found.members), 'deepdiff' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout == "('a', 'b', ()) False\n"
