"""Normal forms: equal meaning if and only if equal form."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.normalize import NotNormalError, normalize
from reconciler.model.canonical import json_text
from tests.values import API, CAAS, WEB

if TYPE_CHECKING:
    import random

EXPIRE, CONTAINERS = CAAS.fields["expire"], CAAS.fields["containers"]
DESCRIPTION, IS_DISABLED = CAAS.fields["description"], CAAS.fields["is_disabled"]
SECONDS = st.integers(0, 2**32)
OFFSETS = st.integers(-12, 12)
BOXES = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abc"), "namespace": st.sampled_from("xy")}), max_size=5
)


def spell(seconds: int, hours: int) -> str:
    zone = dt.timezone(dt.timedelta(hours=hours))
    return dt.datetime.fromtimestamp(seconds, zone).isoformat()


def as_set(boxes: list[dict[str, str]]) -> set[tuple[str, str]]:
    return {(box["name"], box["namespace"]) for box in boxes}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([WEB, API], [API, WEB]),
        ([WEB, WEB], [WEB]),
        ([{"namespace": "shop", "name": "web"}], [WEB]),
        ([], []),
    ],
)
def test_a_set_has_no_order_and_no_repetition(one: list[Any], other: list[Any]) -> None:
    assert json_text(normalize(CONTAINERS, one)) == json_text(normalize(CONTAINERS, other))


@pytest.mark.parametrize("text", ["", " ", "a ", "A", "é", "e\u0301", "12", "null"])
def test_a_text_is_not_changed(text: str) -> None:
    assert normalize(DESCRIPTION, text) == text


def test_null_stays_null_where_it_is_allowed() -> None:
    assert normalize(EXPIRE, None) is None


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (IS_DISABLED, 0, "is_disabled holds 0"),
        (IS_DISABLED, 1, "is_disabled holds 1"),
        (IS_DISABLED, None, "is_disabled holds null"),
        (IS_DISABLED, "true", 'is_disabled holds "true"'),
        (DESCRIPTION, None, "description holds null"),
        (DESCRIPTION, 12, "description holds 12"),
        (CONTAINERS, None, "containers holds null"),
        (CONTAINERS, {"name": "web"}, 'containers holds {"name":"web"}'),
        (EXPIRE, 1767225600, "expire holds 1767225600"),
        (EXPIRE, "", 'expire holds "", which is not a date and time'),
        (EXPIRE, "never", 'expire holds "never", which is not a date and time'),
        (EXPIRE, ["x" * 100], f'expire holds ["{"x" * 78}…'),
        (EXPIRE, "x" * 100, f'expire holds "{"x" * 79}…, which is not a date and time'),
        (CONTAINERS, ["web"], 'containers holds the item "web"'),
        (CONTAINERS, [{"name": "web"}], 'containers holds the item {"name":"web"}'),
        (
            CONTAINERS,
            [WEB, {"name": 1, "namespace": "x"}],
            'containers holds the item {"name":1,"namespace":"x"}',
        ),
        (CONTAINERS, ["x" * 100], f'containers holds the item "{"x" * 79}…'),
    ],
)
def test_a_value_of_another_type_has_no_normal_form(field: Any, value: Any, message: str) -> None:
    with pytest.raises(NotNormalError) as caught:
        normalize(field, value)
    assert str(caught.value) == message


def test_a_long_value_is_cut_short_in_the_message() -> None:
    with pytest.raises(NotNormalError) as caught:
        normalize(EXPIRE, "x" * 10_000)
    assert len(str(caught.value)) < 150


@given(SECONDS, OFFSETS, SECONDS, OFFSETS)
def test_instants_are_equal_if_their_normal_forms_are(one: int, here: int, other: int, there: int) -> None:
    forms = normalize(EXPIRE, spell(one, here)), normalize(EXPIRE, spell(other, there))
    assert (forms[0] == forms[1]) is (one == other)


@given(SECONDS, OFFSETS, OFFSETS)
def test_equal_instants_have_one_normal_form(seconds: int, here: int, there: int) -> None:
    assert normalize(EXPIRE, spell(seconds, here)) == normalize(EXPIRE, spell(seconds, there))


@given(BOXES, BOXES)
def test_sets_are_equal_if_their_normal_forms_are(one: list[Any], other: list[Any]) -> None:
    equal_forms = normalize(CONTAINERS, one) == normalize(CONTAINERS, other)
    assert equal_forms is (as_set(one) == as_set(other))


@given(BOXES, st.randoms(use_true_random=False))
def test_equal_sets_have_one_normal_form(boxes: list[Any], chance: random.Random) -> None:
    again = chance.sample(boxes * 2, len(boxes * 2))
    assert normalize(CONTAINERS, boxes) == normalize(CONTAINERS, again)


@given(BOXES, SECONDS, OFFSETS)
def test_normalization_is_idempotent(boxes: list[Any], seconds: int, hours: int) -> None:
    containers, expire = normalize(CONTAINERS, boxes), normalize(EXPIRE, spell(seconds, hours))
    assert normalize(CONTAINERS, containers) == containers
    assert normalize(EXPIRE, expire) == expire


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (0, False), (1, 1.0), (1, "1"), (None, "null"), ([], {}), ("", None)]
)
def test_json_texts_of_different_types_differ(one: Any, other: Any) -> None:
    assert json_text(one) != json_text(other)


def test_a_json_text_does_not_depend_on_the_order_of_keys() -> None:
    assert json_text({"a": 1, "b": [{"d": 1, "c": 2}]}) == json_text({"b": [{"c": 2, "d": 1}], "a": 1})


def test_a_json_text_can_be_read_in_any_script() -> None:
    assert json_text({"b": "ключ", "a": "é"}) == '{"a":"é","b":"ключ"}'
