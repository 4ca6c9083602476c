"""Checking documents: the fast path accepts exactly what the schemas allow."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, FormatChecker
from referencing import Registry, Resource

from reconciler.kinds.packaged import document_schema, schema_texts
from reconciler.kinds.patterns import Patterns
from reconciler.model.canonical import is_date_time
from reconciler.validate.fast import fast_check
from reconciler.validate.schema import SchemaChecker, is_valid
from tests.properties import examples
from tests.values import API, CAAS, LATER, WEB, kind_with

FORMATS = FormatChecker(formats=())
FORMATS.checks("date-time")(lambda value: not isinstance(value, str) or is_date_time(value))
CHECKER = SchemaChecker(document_schema(), CAAS)


def plain_judge() -> Draft7Validator:
    """Judge by the schema files alone, the way an editor does."""
    kind = Resource.from_contents(json.loads(schema_texts()["caas"]))
    registry: Any = Registry().with_resource("caas.schema.json", kind)
    return Draft7Validator(document_schema(), registry=registry, format_checker=FORMATS)


JUDGE = plain_judge()
ODD = st.sampled_from([None, True, 0, 1, 1.0, 1.5, -1, "", "x", "web\n", [], {}, [None], {"name": "web"}])
NAMES = st.sampled_from(
    ["web-key", "api", "ab", "a" * 64, "a" * 65, "Web", "web-", "1ab", "web\n", "wéb", "a b"]
)
INSTANTS = st.sampled_from(
    [LATER, None, "2027-01-01", "2027-01-01T00:00:00", "2027-02-30T00:00:00Z", "2027-01-01t00:00:00.5+02:00"]
)
BOXES = st.fixed_dictionaries(
    {"name": NAMES | ODD}, optional={"namespace": st.just("shop") | ODD, "extra": ODD}
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "description": st.text(max_size=3) | ODD,
    "expire": INSTANTS | ODD,
    "is_disabled": st.booleans() | ODD,
    "containers": st.lists(st.sampled_from([WEB, API]) | BOXES, max_size=4) | ODD,
    "status": ODD,
    "descripton": ODD,
}
KEYS = st.fixed_dictionaries({"name": NAMES}, optional=FIELDS)
DEFAULTS = st.fixed_dictionaries({}, optional=FIELDS | {"name": NAMES})
DOCUMENTS = st.fixed_dictionaries(
    {"keys": st.lists(KEYS | ODD, max_size=3) | ODD},
    optional={
        "kind": st.just("caas") | ODD,
        "project_id": st.integers(-1, 2) | ODD,
        "regions": ODD,
        "region": st.just("Luxembourg-2") | ODD,
        "defaults": DEFAULTS | ODD,
    },
)


@examples(75)
@given(DOCUMENTS | ODD)
@example({"keys": [{"name": "web-key", "containers": [WEB, API, WEB]}]})
@example({"keys": [{"name": "web-key", "containers": [WEB, WEB]}]})
@example({"keys": [{"name": "web-key", "expire": []}]})
@example({"defaults": {"containers": [WEB, WEB]}, "keys": []})
@example({"defaults": {"expire": None, "is_disabled": False, "containers": [API, WEB]}, "keys": []})
def test_a_document_is_accepted_exactly_if_the_schemas_allow_it(document: Any) -> None:
    assert (CHECKER.violations(document) == ()) is JUDGE.is_valid(document)


def test_a_key_with_every_field_is_accepted() -> None:
    key = {
        "name": "web-key",
        "description": "",
        "expire": LATER,
        "is_disabled": True,
        "containers": [WEB, API],
    }
    assert CHECKER.violations({"kind": "caas", "project_id": 1, "region_id": 76, "keys": [key]}) == ()


@pytest.mark.parametrize(
    "schema", [{"const": "a"}, {"type": "boolean", "const": True}, {"type": "integer", "const": 1}]
)
@pytest.mark.parametrize("value", ["a", True, False, 1, 0, None, [], {}])
def test_a_constant_is_equal_in_value_and_type(schema: dict[str, Any], value: Any) -> None:
    is_equal = value == schema["const"] and type(value) is type(schema["const"])
    assert is_valid(value, schema) is fast_check(schema, Patterns())([value]) is is_equal


@pytest.mark.parametrize(
    "schema", [{"const": 1}, {"const": True}, {"const": 1, "enum": [1, 2]}, {"const": {}}]
)
def test_a_constant_that_could_be_mistaken_is_left_to_the_slow_check(schema: dict[str, Any]) -> None:
    assert not fast_check(schema, Patterns())([schema["const"]])
    assert is_valid(schema["const"], schema)


def found(document: Any) -> list[tuple[Any, str]]:
    return [(violation.path, violation.keyword) for violation in CHECKER.violations(document)]


@pytest.mark.parametrize(
    ("document", "violations"),
    [
        ([], [((), "type")]),
        ({}, [(("keys",), "required")]),
        ({"keys": None}, [(("keys",), "type")]),
        (
            {"keys": [], "kid": 1, "kin": 2},
            [(("kid",), "additionalProperties"), (("kin",), "additionalProperties")],
        ),
        ({"keys": [None]}, [(("keys", 0), "type")]),
        ({"keys": [], "defaults": None}, [(("defaults",), "type")]),
        ({"keys": [], "defaults": {"name": "web-key"}}, [(("defaults", "name"), "not")]),
        ({"keys": [], "defaults": {"status": "x"}}, [(("defaults", "status"), "not")]),
        ({"keys": [], "defaults": {"colour": "x"}}, [(("defaults", "colour"), "additionalProperties")]),
        (
            {"keys": [], "defaults": {"containers": [WEB, WEB]}},
            [(("defaults", "containers"), "uniqueItems")],
        ),
        ({"keys": [{}]}, [(("keys", 0, "name"), "required")]),
        ({"keys": [{"name": "web-key", "status": "x"}]}, [(("keys", 0, "status"), "not")]),
        (
            {"keys": [{"name": "web-key", "containers": [{"name": "web"}]}]},
            [(("keys", 0, "containers", 0, "namespace"), "required")],
        ),
    ],
)
def test_a_violation_names_the_path_and_the_broken_rule(document: Any, violations: Any) -> None:
    assert found(document) == violations


def test_every_violation_is_found() -> None:
    keys = [{"name": "A"}, {"name": "web-key", "is_disabled": "no"}, {"nam": "x"}]
    assert len(found({"project_id": 0, "keys": keys})) == 6


@pytest.mark.parametrize(
    ("items", "valid"),
    [
        (None, True),
        ([], True),
        ([1, 1], False),
        ([1, 2, 1], False),
        ([1, True], True),
        ([0, False, 2], True),
        ([[1], [1]], False),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], False),
    ],
)
def test_items_of_a_set_are_unique(items: Any, *, valid: bool) -> None:
    kind = kind_with({"set": {"type": ["array", "null"], "uniqueItems": True}})
    checker = SchemaChecker(document_schema(), kind)
    assert (checker.violations({"keys": [{"name": "x", "set": items}]}) == ()) is valid
