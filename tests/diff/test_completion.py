"""Items of lists are compared by what the file declares of them: a service may fill in the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.compare import desired_form
from reconciler.diff.completion import declared_part
from reconciler.diff.normalize import normalize
from tests.properties import examples
from tests.values import kind_with

if TYPE_CHECKING:
    from reconciler.kinds.kind import Field

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
INNER = {"type": "object", "properties": {"size": NUMBER, "unit": TEXT}}
ITEM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": TEXT,
        "port": NUMBER,
        "mode": {"type": ["string", "null"]},
        "limit": INNER,
        "parts": {"type": "array", "items": INNER},
    },
}
KIND = kind_with({
    "rules": {"type": "array", "items": ITEM},
    "set": {"type": "array", "items": ITEM, "uniqueItems": True},
    "nested": {"type": "object", "properties": {"rules": {"type": "array", "items": ITEM}}},
    "rows": {"type": "array", "items": {"type": "array", "items": ITEM}},
})  # fmt: skip
RULES, SET, NESTED, ROWS = (KIND.fields[name] for name in ("rules", "set", "nested", "rows"))
LIVE = [{"id": 1, "port": 80, "mode": "in"}, {"id": 2, "port": 443, "mode": "in"}]


def told(field: Field, want: Any, have: Any) -> Any:
    return desired_form(field, want, normalize(field, have))


@pytest.mark.parametrize(
    ("want", "after"),
    [
        ([{"port": 80}, {"port": 443}], LIVE),
        ([{"port": 443.0}, {"port": 80}], LIVE[::-1]),
        ([{"port": 443}], LIVE[1:]),
        ([{"port": 22}, {"port": 80}, {"port": 443}], [{"port": 22}, *LIVE]),
        ([{"port": 80}, {"port": 443}, {"port": 22}], [*LIVE, {"port": 22}]),
        ([{"port": 8080}, {"port": 443}], [{**LIVE[0], "port": 8080}, LIVE[1]]),
        ([{"port": 8080}, {"mode": "in"}], [{**LIVE[0], "port": 8080}, LIVE[1]]),
        ([{"port": 22}, {"port": 23}, {"mode": "in"}], [{"port": 22}, {"port": 23}, LIVE[1]]),
        ([{"port": 8080}], [{"port": 8080}]),
        ([{"port": 1}, {"port": 2}, {"port": 443}], [{"port": 1}, {"port": 2}, LIVE[1]]),
        ([{"id": 2, "port": 8080}], [{"id": 2, "port": 8080, "mode": "in"}]),
        ([{"id": 3, "port": 80}, {"port": 443}], [{"id": 3, "port": 80}, LIVE[1]]),
        ([{"port": 80, "mode": None}, {"port": 443}], [{"id": 1, "port": 80}, LIVE[1]]),
        ([{"limit": {"size": 1}}, {"port": 443}], [{"limit": {"size": 1}}, LIVE[1]]),
        ([], []),
    ],
)
def test_an_item_has_the_undeclared_members_of_the_live_one_that_it_stands_for(
    want: list[Any], after: list[Any]
) -> None:
    assert told(RULES, want, LIVE) == after
    assert desired_form(NESTED, {"rules": want}, {"rules": LIVE}) == {"rules": after}


def test_a_live_item_stands_for_the_declared_one_of_its_name() -> None:
    have = [{"name": name, "port": 1, "mode": "in"} for name in "abc"]
    want = [{"name": "c", "port": 1}, {"name": "d", "port": 1}, {"name": "a", "port": 2}]
    assert told(RULES, want, have) == [
        {"name": "c", "port": 1, "mode": "in"},
        {"name": "d", "port": 1},
        {"name": "a", "port": 2, "mode": "in"},
    ]


def test_objects_and_lists_inside_items_are_completed_too() -> None:
    have = [{"port": 1, "limit": {"size": 1, "unit": "k"}, "parts": [{"size": 1, "unit": "k"}]}]
    want = [{"limit": {"size": 2}, "parts": [{"size": 1}, {"size": 3}]}]
    assert told(RULES, want, have) == [
        {"port": 1, "limit": {"size": 2, "unit": "k"}, "parts": [{"size": 1, "unit": "k"}, {"size": 3}]}
    ]


def test_items_of_lists_in_lists_are_completed_too() -> None:
    have = [[LIVE[0]], LIVE]
    assert told(ROWS, [[{"id": 1}], [{"port": 80}, {"port": 443}]], have) == have
    assert told(ROWS, [[{"port": 80}, {"port": 443}]], have) == [LIVE]
    assert told(ROWS, [[{"port": 22}], [{}, {"port": 22}]], have) == [
        [{**LIVE[0], "port": 22}],
        [LIVE[0], {**LIVE[1], "port": 22}],
    ]


def test_the_items_of_a_set_have_no_places() -> None:
    assert told(SET, [{"port": 443}, {"port": 80}], LIVE) == normalize(SET, LIVE)
    assert told(SET, [{"mode": "in"}, {"port": 80}], LIVE) == normalize(SET, LIVE)
    assert told(SET, [{"port": 8080}, {"port": 443}], LIVE) == normalize(SET, [{"port": 8080}, LIVE[1]])


def test_what_an_item_declares_of_several_live_ones_is_shared_out_so_that_all_fit() -> None:
    have = [{"port": 1, "mode": "a"}, {"port": 1, "mode": "b"}, {"port": 2, "mode": "a"}]
    want = [{"port": 1}, {"mode": "a"}, {"port": 2}]
    assert told(SET, want, have) == normalize(SET, have)


STATUS = {"type": "object", "properties": {"status": NUMBER, "text": TEXT}}
ONE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "allow": STATUS,
        "block": STATUS,
        "note": TEXT,
    },
    "oneOf": [{"required": ["allow"]}, {"required": ["block"]}],
}
TOLD: dict[str, Any] = {
    "type": "object",
    "properties": {"how": TEXT, "address": TEXT, "url": TEXT, "wait": NUMBER, "note": TEXT},
    "anyOf": [
        {"required": ["address"], "properties": {"how": {"enum": ["ip"]}}},
        {"required": ["url"], "properties": {"how": {"enum": ["http", "https"]}, "wait": {}}},
    ],
}
SHARED: dict[str, Any] = {
    "type": "object",
    "properties": {"a": TEXT, "b": TEXT, "both": TEXT, "other": TEXT},
    "oneOf": [
        {"required": ["a"], "properties": {"both": {}}},
        {"required": ["b"], "properties": {"both": {}, "other": {}}},
    ],
}
CHOICES = kind_with({
    "one": ONE, "told": TOLD, "shared": SHARED, "list": {"type": "array", "items": TOLD},
    "set": {"type": "array", "items": ONE, "uniqueItems": True},
}).fields  # fmt: skip
HTTP = {"how": "http", "url": "x", "wait": 1, "note": "n"}


@pytest.mark.parametrize(
    ("field", "want", "have", "after"),
    [
        ("one", {"block": {}}, {"allow": {"status": 1}}, {"block": {}}),
        ("one", {"block": {}}, {"allow": {}, "note": "n"}, {"block": {}, "note": "n"}),
        ("one", {"block": {"text": "t"}}, {"block": {"status": 1}}, {"block": {"status": 1, "text": "t"}}),
        ("one", {"note": "m"}, {"block": {}, "note": "n"}, {"block": {}, "note": "m"}),
        ("one", {"block": {}}, {"block": {}, "allow": {}}, {"block": {}, "allow": {}}),
        ("told", {"how": "ip", "address": "a"}, HTTP, {"how": "ip", "address": "a", "note": "n"}),
        ("told", {"address": "a"}, HTTP, {"address": "a", "note": "n"}),
        ("told", {"how": "https"}, HTTP, {**HTTP, "how": "https"}),
        ("told", {"url": "y"}, {"how": "ip", "address": "a"}, {"url": "y"}),
        ("shared", {"a": "x"}, {"b": "y", "both": "z", "other": "o"}, {"a": "x", "both": "z"}),
        ("list", [{"how": "ip", "address": "a", "note": "n"}], [HTTP], None),
        ("list", [{"how": "https", "url": "x"}], [HTTP], [{**HTTP, "how": "https"}]),
        ("set", [{"block": {}}, {"allow": {}}], [{"allow": {"status": 1}}, {"block": {}}], None),
    ],
)
def test_an_object_does_not_leave_out_the_members_of_another_alternative(
    field: str, want: Any, have: Any, after: Any
) -> None:
    if after is None:
        after = normalize(CHOICES[field], want if field == "list" else have)
    assert told(CHOICES[field], want, have) == after


SHORT = st.sampled_from("ab")
ALTERNATIVES = st.fixed_dictionaries({}, optional={"wait": st.just(1), "note": SHORT, "address": SHORT}) | (
    st.fixed_dictionaries(
        {"how": st.sampled_from(["ip", "http"])}, optional={"url": SHORT, "wait": st.just(2)}
    )
)


@examples(75)
@given(ALTERNATIVES, ALTERNATIVES)
def test_one_of_several_alternatives_is_sent_as_declared_and_differs_no_more(
    want: dict[str, Any], have: dict[str, Any]
) -> None:
    field = CHOICES["told"]
    after = told(field, want, have)
    assert want.items() <= after.items()
    assert told(field, want, after) == after
    taken = declared_part(field.form, field.shape, have, want)
    assert told(field, taken, have) == have


SMALL = st.sampled_from([1, 2])
ITEMS = st.fixed_dictionaries(
    {"port": SMALL, "mode": st.sampled_from("ab")},
    optional={"name": st.sampled_from("ab"), "limit": st.fixed_dictionaries({"size": SMALL}), "id": SMALL},
)


def less(data: st.DataObject, value: Any) -> Any:
    """Draw a part of what a value holds."""
    if not isinstance(value, dict):
        return value
    names = data.draw(st.lists(st.sampled_from(sorted(value)), unique=True))
    return {name: less(data, value[name]) for name in names}


@examples(40)
@given(st.sampled_from([RULES, SET]), st.lists(ITEMS, max_size=5), st.data())
def test_a_list_of_which_parts_are_declared_does_not_differ(
    field: Field, items: list[Any], data: st.DataObject
) -> None:
    have = normalize(field, items)
    want = [less(data, item) for item in have]
    if field is SET:
        want = data.draw(st.permutations(want))
    expected = have if field is RULES or len(normalize(SET, want)) == len(have) else None
    assert expected is None or told(field, want, have) == expected


@examples(40)
@given(st.sampled_from([RULES, SET]), st.lists(ITEMS, max_size=5), st.lists(ITEMS, max_size=5), st.data())
def test_what_is_sent_of_a_list_holds_all_that_is_declared_and_differs_no_more(
    field: Field, items: list[Any], live: list[Any], data: st.DataObject
) -> None:
    want, have = [less(data, item) for item in items], normalize(field, live)
    after = told(field, want, have)
    assert told(field, want, after) == after
    if field is RULES:
        assert [item | found for item, found in zip(after, want, strict=True)] == after
        assert all(found.items() <= item.items() for item, found in zip(after, want, strict=True))


@examples(40)
@given(st.lists(ITEMS, max_size=5), st.lists(ITEMS, max_size=5), st.data())
def test_a_file_that_takes_the_live_list_does_not_differ_from_it(
    items: list[Any], live: list[Any], data: st.DataObject
) -> None:
    want = [less(data, item) for item in items]
    taken = declared_part(RULES.form, RULES.shape, live, want)
    assert told(RULES, taken, live) == live
