"""The pieces of a change: whatever is left out, what differs can be seen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.model.plan import Effect, FieldChange
from reconciler.render.lines import Bound, cut, field_view
from tests.values import items

BOUND = Bound(characters=300, items=2)
SHARED = st.text("ab", max_size=400)
DIFFERENT = st.text("abc", max_size=1000)


def change(before: Any, after: Any) -> FieldChange:
    return FieldChange("field", before, after, Effect.NEUTRAL, "access unchanged")


@given(SHARED, DIFFERENT, DIFFERENT, SHARED, st.sampled_from([str, list]))
def test_truncation_never_hides_a_difference(
    start: str, one: str, other: str, end: str, kind: type[str | list[str]]
) -> None:
    assume(one != other)
    (line,) = field_view(change(kind(start + one + end), kind(start + other + end)), BOUND).lines
    assert line.before != line.after
    assert all(text is not None and len(text) < 400 for text in (line.before, line.after))


def test_a_value_that_becomes_null_is_truncated_with_the_omitted_amount() -> None:
    (line,) = field_view(change("a" * 1000, None), BOUND).lines
    assert (line.before, line.after) == (f'"{"a" * 299}…(702 more characters left out)', "null")


def test_set_items_beyond_the_limit_are_counted() -> None:
    removed, added = tuple("abc"), tuple("defg")
    field = FieldChange("set", list("abcx"), list("defgx"), Effect.BOTH, "", items(added, removed))
    view = field_view(field, BOUND)
    assert [f"{line.mark}{line.text}" for line in view.lines] == [
        '-"a"',
        '-"b"',
        '+"d"',
        '+"e"',
        "#(1 unchanged element hidden)",
    ]
    assert view.left_out == 3


@pytest.mark.parametrize("length", [10, 300, 349])
def test_a_text_slightly_over_the_limit_is_not_truncated(length: int) -> None:
    assert cut("a" * length, 300) == "a" * length
