"""Numbers of JSON mean their values, however they are written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.normalize import NotNormalError, normalize
from reconciler.kinds.kind import kind_from_schema
from reconciler.kinds.packaged import load_kinds
from reconciler.model.canonical import json_text
from reconciler.model.numbers import UnreadableNumber, by_value, number, replace_whole
from reconciler.model.strict_json import parse_json, parse_strictly
from tests.kinds.test_rules import PLAIN, changed

EXACT = [
    ("5.0", 5),
    ("50e-1", 5),
    ("1e2", 100),
    ("1E+2", 100),
    ("-0.0", 0),
    ("0e99", 0),
    ("1e22", 10**22),
    ("1e23", 10**23),
    ("9007199254740993.0", 9007199254740993),
    ("9223372036854775807.0", 2**63 - 1),
    ("123456789012345678.5", 123456789012345680),
    ("0.1", 0.1),
    ("1.5e-3", 0.0015),
]
PARSERS = pytest.mark.parametrize("parse", [parse_json, parse_strictly])


@pytest.mark.parametrize(("text", "value"), EXACT)
@PARSERS
def test_an_integral_number_is_an_int_in_every_notation(parse: Any, text: str, value: float) -> None:
    assert json_text(number(text)) == json_text(value)
    assert json_text(parse(f'{{"a": [{text}]}}'.encode())) == json_text({"a": [value]})


@pytest.mark.parametrize(
    "text",
    ["1e309", "-1e999", "1e99999999999", "1e-400", "1e-99999999999", "0e" + "9" * 30, "1." + "0" * 900],
)
def test_a_number_beyond_double_range_is_refused_in_a_file_and_odd_in_a_response(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        parse_strictly(f'{{"a": {text}}}'.encode())
    assert isinstance(parse_json(f'{{"a": {text}}}'.encode())["a"], UnreadableNumber)


def test_a_value_that_contains_such_a_number_is_not_a_field_value() -> None:
    field = load_kinds()["caas"].fields["containers"]
    value = parse_json(b'[{"name": "web", "namespace": "shop", "more": [{"a": 1e999}]}]')
    with pytest.raises(NotNormalError, match="holds 1e999, a number that cannot be read exactly"):
        normalize(field, value)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
@PARSERS
def test_a_number_outside_json_is_refused(parse: Any, text: str) -> None:
    with pytest.raises(ValueError, match="is not JSON"):
        parse(text.encode())


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_is_read_as_its_value(value: float) -> None:
    assert float(number(repr(value))) == value


@given(st.integers(-(10**300), 10**300))
def test_every_integer_is_read_exactly(value: int) -> None:
    assert json.loads(json_text(by_value(value))) == value == number(f"{value}.0")


def test_integral_numbers_are_replaced_in_place_once() -> None:
    shared = [1.0, 2.5, True]
    value: Any = {"a": shared, "b": {"c": 3.0, "d": "4.0", "e": shared}}
    assert sorted(replace_whole(value, ("x",)), key=str) == [("x", "b", "c"), ("x", "b", "e", 0)]
    assert json_text(value) == '{"a":[1,2.5,true],"b":{"c":3,"d":"4.0","e":[1,2.5,true]}}'


def field_with(keywords: Any) -> Any:
    return kind_from_schema("thing", changed("properties.it", keywords)).fields["it"]


ITEM = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "port": {"type": "integer"},
        "note": {"type": ["string", "null"]},
        "id": {"type": "integer", "readOnly": True},
    },
}
SETS = field_with({"type": "array", "uniqueItems": True, "items": ITEM})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([{"name": "a"}], [{"name": "a"}]),
        ([{"name": "a"}], [{"name": "a", "note": None, "port": None}]),
        ([{"name": "a", "note": None}], [{"name": "a"}]),
        ([{"name": "a", "port": 5}], [{"name": "a", "port": 5.0, "id": 7, "other": 1}]),
        ([{"name": "a", "port": 5}, {"name": "a"}], [{"name": "a"}, {"port": 5, "name": "a"}]),
    ],
)
def test_optional_members_of_set_items_are_optional(one: Any, other: Any) -> None:
    assert normalize(SETS, one) == normalize(SETS, other)


@pytest.mark.parametrize(
    "item",
    [{}, {"port": 1}, {"name": None}, {"name": "a", "port": True}, {"name": "a", "port": 1.5}, "a", None],
)
def test_a_set_item_without_a_required_member_has_no_normal_form(item: Any) -> None:
    with pytest.raises(NotNormalError):
        normalize(SETS, [item])


@pytest.mark.parametrize(
    ("keywords", "one", "other"),
    [
        ({"type": "number"}, 5, 5.0),
        ({"type": "integer"}, 5, 5.0),
        ({"type": "object"}, {"a": [1.0, {"b": -0.0}]}, {"a": [1, {"b": 0}]}),
        ({"type": "array"}, [1, 2.0], [1.0, 2]),
        ({"type": "array", "uniqueItems": True}, [1, 2.5, 1.0], [2.5, 1]),
    ],
)
def test_five_equals_five_point_zero(keywords: Any, one: Any, other: Any) -> None:
    field = field_with(keywords)
    assert json_text(normalize(field, one)) == json_text(normalize(field, other))


def test_one_and_true_are_different_owners() -> None:
    kind = kind_from_schema("thing", changed("x-reconciler.foreign", {"off": [1, False]}))
    assert kind.owner({"off": True}) is None
    assert kind.owner({"off": 0}) is None
    assert kind.owner({"off": False}) == "off False"


@pytest.mark.parametrize("digits", [18, 19, 20, 309])
def test_numbers_in_addresses_have_no_digit_limit(digits: int) -> None:
    value = "9" * digits
    found = kind_from_schema("thing", PLAIN).parse_address(f"thing/acme/{value}/web")
    assert found is not None
    assert found[0].parameters == (("owner", "acme"), ("project_id", int(value)))


@pytest.mark.parametrize("text", ["9" * 310, "\u0663", "1.0", "1e2", "-1", ""])
def test_an_address_requires_a_valid_number(text: str) -> None:
    assert kind_from_schema("thing", PLAIN).parse_address(f"thing/acme/{text}/web") is None
