"""The fast check accepts only what the judge allows, and leaves to it what it does not know."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.patterns import Patterns
from reconciler.validate.fast import fast_check, not_accepted
from reconciler.validate.judge import judge
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
        "anyOf": st.lists(inner, min_size=1, max_size=2),
        "oneOf": st.lists(inner, min_size=1, max_size=2),
    }
    known = PLAIN | nested
    chosen = st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=4, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: known[name] for name in names}))


REFERENCE = st.just({"$ref": "#/definitions/thing"})
SCHEMAS = st.recursive(words(REFERENCE), words, max_leaves=4)


@examples(50)
@given(SCHEMAS, words(st.just({"type": "string"})), st.lists(VALUES, min_size=1, max_size=4))
def test_what_is_accepted_alone_or_together_is_what_the_judge_allows(
    schema: dict[str, Any], thing: dict[str, Any], values: list[Any]
) -> None:
    whole = {**schema, "definitions": {"thing": thing}}
    violations = judge(whole, Patterns())
    accepts = fast_check(whole, Patterns())
    accepted = [accepts([value]) for value in values]
    assert not any(
        violations(value) for value, is_accepted in zip(values, accepted, strict=True) if is_accepted
    )
    assert accepts(values) is all(accepted)
    assert not_accepted(accepts, values) == [i for i, is_accepted in enumerate(accepted) if not is_accepted]


@examples(50)
@given(words(st.just({})), st.lists(VALUES, min_size=1, max_size=4))
def test_what_the_judge_allows_is_accepted_by_schemas_of_known_words(
    schema: dict[str, Any], values: list[Any]
) -> None:
    violations = judge(schema, Patterns())
    assert fast_check(schema, Patterns())(values) is not any(map(violations, values))


@pytest.mark.parametrize(
    ("schema", "accepted", "refused"),
    [
        ({"uniqueItems": True}, [[], [1], [1, 2], [1, True, 2]], [[1, 1], [1, 2, 1]]),
        ({"type": "integer", "enum": [1, 2]}, [1, 2], [3]),
        ({"type": "boolean", "enum": [True]}, [True], [False]),
        ({"enum": ["a", None]}, ["a", None], ["b"]),
    ],
)
def test_values_are_accepted_or_refused_without_the_judge(
    schema: dict[str, Any], accepted: list[Any], refused: list[Any]
) -> None:
    accepts = fast_check(schema, Patterns())
    assert accepts(accepted)
    assert not_accepted(accepts, refused) == [*range(len(refused))]


def test_few_of_many_are_found_in_order() -> None:
    accepts = fast_check({"type": "integer"}, Patterns())
    assert not_accepted(accepts, [*range(7), "a", *range(20), None, "b"]) == [7, 28, 29]
    assert not_accepted(accepts, []) == []


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
        ({"unevaluatedItems": True}, []),
        ({"uniqueItems": True}, [dt.date(2036, 7, 31)] * 2),
        ({"enum": [1, True]}, 1),
        ({"enum": [1]}, True),
        ({"type": ["boolean", "integer"], "enum": [1]}, True),
        ({"$ref": "#"}, "a"),
        ({"$ref": "#/definitions/thing"}, "a"),
        ({"definitions": {"list": LIST}, **LIST}, NESTED),
    ],
)
def test_what_is_not_known_is_left_to_the_judge(schema: dict[str, Any], value: Any) -> None:
    assert not fast_check(schema, Patterns())([value])
