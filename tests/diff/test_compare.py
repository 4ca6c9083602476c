"""Differences of single fields, for every form that a kind may declare."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.diff.compare import differing, explain
from tests.values import API, CAAS, LATER, WEB, kind_with

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
    return differing(kind, {field: want}, {field: have}) == (field,)


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
    assert differing(CAAS, want, have) == ("expire", "is_disabled")


def test_a_declared_field_must_be_in_the_answer() -> None:
    with pytest.raises(KeyError, match="expire"):
        differing(CAAS, {"expire": None}, {})


def test_the_items_of_a_set_that_come_and_go_are_told() -> None:
    (change,) = explain([CAAS.fields["containers"]], {"containers": [API]}, {"containers": [WEB]})
    assert (change.added, change.removed) == ((WEB,), (API,))


def test_items_are_told_in_one_order() -> None:
    old, new = ([{"name": name, "namespace": "shop"} for name in names] for names in ("zxvwyu", "cfadbe"))
    (change,) = explain([CAAS.fields["containers"]], {"containers": old}, {"containers": new})
    assert "".join(item["name"] for item in change.added) == "abcdef"
    assert "".join(item["name"] for item in change.removed) == "uvwxyz"


def test_a_list_where_order_matters_has_no_items_that_come_and_go() -> None:
    (change,) = explain([ANY.fields["list"]], {"list": [1, 2]}, {"list": [2, 1]})
    assert (change.before, change.after, change.added, change.removed) == ([1, 2], [2, 1], (), ())


def test_a_set_that_was_null_gains_all_its_items() -> None:
    (change,) = explain([ANY.fields["set"]], {"set": None}, {"set": [1]})
    assert (change.before, change.after, change.added) == (None, [1], (1,))


def test_each_field_is_explained_by_itself() -> None:
    fields = [CAAS.fields[name] for name in ("containers", "description", "is_disabled")]
    before = {"containers": [WEB], "description": "", "is_disabled": False}
    after = {"containers": [API, WEB], "description": "x", "is_disabled": True}
    changes = explain(fields, before, after)
    assert [change.field for change in changes] == ["containers", "description", "is_disabled"]
    assert [change.added for change in changes] == [(API,), (), ()]
