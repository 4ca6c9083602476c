"""Kinds: everything that is known of a family of keys comes from its schema file."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.kinds import EffectRule, Form, kind_from_schema
from reconciler.model import Scope
from reconciler.resources import load_kinds
from tests.core.values import CAAS, SCOPE, kind_with, live

PAIR = {"type": "object", "properties": {"name": {"type": "string"}}}


def test_every_kind_is_named_like_its_schema_file() -> None:
    assert {name: kind.name for name, kind in load_kinds().items()} == {"caas": "caas"}


def test_the_documented_facts_about_caas_keys() -> None:
    assert (CAAS.identity, CAAS.page_limit, CAAS.always_sent) == ("name", 1000, ())
    assert CAAS.collection_path(SCOPE) == "/cloud/v1/caas/keys/1/76"


@pytest.mark.parametrize(
    ("field", "form", "effect"),
    [
        ("name", Form.EXACT, EffectRule.NONE),
        ("description", Form.EXACT, EffectRule.NONE),
        ("is_disabled", Form.EXACT, EffectRule.SWITCH_OFF),
        ("expire", Form.INSTANT, EffectRule.EXPIRY),
        ("containers", Form.SET, EffectRule.BINDING),
    ],
)
def test_a_field_is_compared_and_judged_as_its_schema_says(
    field: str, form: Form, effect: EffectRule
) -> None:
    assert (CAAS.fields[field].form, CAAS.fields[field].effect) == (form, effect)


@pytest.mark.parametrize(
    ("collection", "scope"),
    [
        ("/a/{project_id}/{region_id}", ["project_id", "region_id"]),
        ("/a/{project_id}", ["project_id"]),
        ("/repos/{owner}/{repo}/labels", ["owner", "repo"]),
        ("/labels", []),
    ],
)
def test_a_scope_has_what_the_path_of_its_kind_leaves_open(collection: str, scope: list[str]) -> None:
    assert list(kind_with({}, collection=collection).scope) == scope


TEXT = {"type": "string"}


def test_an_address_is_read_back_from_its_text() -> None:
    kind = kind_with({}, collection="/repos/{owner}/{number}/labels", scope={"owner": TEXT})
    scope = kind.scope_of(["acme", 7])
    assert kind.parse_address(scope.address("kind/bug")) == (scope, "kind/bug")
    assert kind.item_path(scope, "kind/bug") == "/repos/acme/7/labels/kind%2Fbug"
    assert kind.parse_address("thing/acme/seven/bug") is None


def test_what_an_answer_lacks_or_gives_as_null_stands_for_something() -> None:
    kind = kind_with({"description": TEXT}, optional={"description": ""})
    assert kind.completed({"name": "x"}) == {"name": "x", "description": ""}
    assert kind.completed({"name": "x", "description": None}) == {"name": "x", "description": ""}
    assert kind.completed({"name": "x", "description": "y"}) == {"name": "x", "description": "y"}


def test_a_kind_without_regions_has_a_path_without() -> None:
    assert kind_with({}).item_path(Scope("thing", 7), "a.b") == "/things/7/a.b"


@pytest.mark.parametrize(
    ("source", "owner"), [("iate", "source iate"), ("cloud", None), ("IATE", None), (None, None)]
)
def test_the_owner_of_a_live_key_is_told_by_its_source(source: Any, owner: str | None) -> None:
    assert CAAS.owner(live(source=source)) == owner


def test_a_kind_without_a_source_owns_all_its_keys() -> None:
    assert kind_with({}).owner({"name": "x", "source": "iate"}) is None


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, True),
        ({"type": "boolean"}, True),
        ({"type": ["string", "null"]}, True),
        ({"type": "array", "items": {"type": "string"}}, True),
        ({"type": "array", "items": PAIR}, True),
        ({"type": "array", "items": {"type": "integer"}}, False),
        ({"type": "array"}, False),
        ({"type": "object"}, False),
        ({"type": "object", "properties": {"on": {"type": "boolean"}}}, False),
        ({"type": ["array", "null"], "items": {"type": "string"}}, False),
    ],
)
def test_only_values_of_text_can_be_compared_plainly(schema: Any, *, expected: bool) -> None:
    assert kind_with({"field": schema}).fields["field"].plainly_equal is expected


def test_a_schema_without_the_extension_is_no_kind() -> None:
    with pytest.raises(KeyError, match="x-reconciler"):
        kind_from_schema("plan", {"properties": {}})
