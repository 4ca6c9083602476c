"""A schema that is walked accepts exactly what the judge allows, or says that it does not know."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.patterns import Patterns
from reconciler.validate.fast import compile_fast
from reconciler.validate.judge import judge
from reconciler.validate.walk import UnsureError, Walk
from tests.properties import examples

NAMES = st.sampled_from(["a", "b", "c"])
LEAVES = st.sampled_from([None, True, False, 0, 1, 1.0, 1.5, -1, "", "a", "abc", "2036-07-31", 10**30])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["object", "array", "string", "integer", "number", "boolean", "null"])
SIZES = st.integers(0, 3)
BOUNDS = st.integers(-1, 2) | st.just(1.5)
PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
    "enum": st.lists(st.sampled_from([None, "a", "b"]), min_size=1, max_size=2, unique=True),
    "minLength": SIZES,
    "maxLength": SIZES,
    "minItems": SIZES,
    "maxItems": SIZES,
    "minProperties": SIZES,
    "maxProperties": SIZES,
    "uniqueItems": st.booleans(),
    "minimum": BOUNDS,
    "maximum": BOUNDS,
    "exclusiveMinimum": BOUNDS,
    "exclusiveMaximum": BOUNDS,
    "required": st.lists(NAMES, max_size=2, unique=True),
    "format": st.sampled_from(["date", "email"]),
    "pattern": st.sampled_from(["^a", "b$", "^.{2,}$"]),
}


def words(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Make schemas of a few words, some of which hold other schemas."""
    nested = {
        "properties": st.dictionaries(NAMES, inner, max_size=2),
        "additionalProperties": inner | st.booleans(),
        "propertyNames": inner,
        "items": inner,
        "not": inner,
        "if": inner,
        "then": inner,
    }
    known = PLAIN | nested
    chosen = st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=4, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: known[name] for name in names}))


REFERENCE = st.just({"$ref": "#/definitions/thing"})
SCHEMAS = st.recursive(words(REFERENCE), words, max_leaves=4)


@examples(100)
@given(SCHEMAS, words(st.just({"type": "string"})), st.lists(VALUES, min_size=1, max_size=4))
def test_both_fast_checks_accept_what_the_judge_allows_and_nothing_else(
    schema: dict[str, Any], thing: dict[str, Any], values: list[Any]
) -> None:
    whole = {**schema, "definitions": {"thing": thing}}
    violations = judge(whole, Patterns())
    walked, compiled = (compile_fast(whole, Patterns(), steps) for steps in (1000, 0))
    for value in values:
        is_valid = not violations(value)
        assert not (walked(value) and not is_valid)
        assert not (compiled(value) and not is_valid)
        assert walked(value) or not compiled(value)


@pytest.mark.parametrize("steps", range(12))
def test_what_takes_more_steps_is_compiled(steps: int) -> None:
    accepts = compile_fast({"type": "array", "items": {"type": "integer"}}, Patterns(), steps)
    assert [accepts(value) for value in ([1, 2, 3], [1, "2", 3], [1, 2, 3])] == [True, False, True]


LIST = {"items": {"$ref": "#/definitions/list"}}
NESTED: list[Any] = []
for _ in range(2000):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, dt.date(2036, 7, 31)),
        ({"type": "text"}, "a"),
        ({"format": "colour"}, "red"),
        ({"items": [{}]}, [1]),
        ({"uniqueItems": True}, [1, True]),
        ({"$ref": "#"}, "a"),
        ({"$ref": "#/definitions/thing"}, "a"),
        ({"definitions": {"list": LIST}, **LIST}, NESTED),
    ],
)
def test_what_is_not_known_is_left_to_another_check(schema: dict[str, Any], value: Any) -> None:
    with pytest.raises(UnsureError):
        Walk(schema, {}, 10**6).accepts(value)
