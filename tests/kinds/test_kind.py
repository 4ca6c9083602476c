"""Kinds: everything known about a family of keys is read from its schema file."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from jsonschema import Draft7Validator

from reconciler.errors import UnaddressableError
from reconciler.kinds.kind import EffectRule, Form, kind_from_schema
from reconciler.kinds.packaged import load_kinds
from reconciler.kinds.rest import BodyRule
from reconciler.model.scope import Scope
from tests.values import CAAS, kind_with, live

KINDS = load_kinds()
PAIR = {"type": "object", "properties": {"name": {"type": "string"}}}


def test_every_kind_is_named_like_its_schema_file() -> None:
    assert {name: kind.name for name, kind in KINDS.items()} == {
        "caas": "caas",
        "faas": "faas",
        "inference": "inference",
    }


@pytest.mark.parametrize(
    ("name", "path", "always_sent", "immutable", "optional"),
    [
        ("caas", "/cloud/v1/caas/keys/1/76", (), set(), {}),
        ("faas", "/cloud/v1/faas/keys/1/76", ("functions",), set(), {"description": "", "expire": None}),
        (
            "inference",
            "/cloud/v3/inference/1/api_keys",
            (),
            {"expires_at"},
            {"description": "", "expires_at": None},
        ),
    ],
)
def test_the_documented_facts_about_each_family(
    name: str, path: str, always_sent: tuple[str, ...], immutable: set[str], optional: dict[str, Any]
) -> None:
    kind = KINDS[name]
    assert (kind.identity, kind.page_limit, kind.secret, kind.created) == (
        "name",
        1000,
        "secret",
        "created_at",
    )
    assert kind.collection_path(kind.scope_of([1, 76][: len(kind.scope)])) == path
    assert (kind.always_sent, set(kind.immutable), kind.optional) == (always_sent, immutable, optional)


@pytest.mark.parametrize(
    ("kind", "name", "allowed"),
    [
        ("caas", "ab", False),  # a create takes it, the path of one key does not
        ("caas", "abc", True),
        ("caas", "a" * 64, True),
        ("caas", "a" * 65, False),
        ("faas", "a", False),
        ("faas", "ab", True),
        ("faas", "a" * 26, True),
        ("faas", "a" * 27, False),
        ("faas", "1ab", False),
        ("inference", "abc", False),
        ("inference", "1abc", True),
        ("inference", "a" * 63, True),
        ("inference", "a" * 64, False),
        ("inference", "chat.key", False),  # a create takes it, the path of one key does not
    ],
)
def test_a_name_must_be_valid_for_both_create_and_the_request_path(
    kind: str, name: str, *, allowed: bool
) -> None:
    assert Draft7Validator(KINDS[kind].schema["properties"]["name"]).is_valid(name) is allowed


@pytest.mark.parametrize(
    ("kind", "field", "form", "effect"),
    [
        ("caas", "name", Form.EXACT, EffectRule.NONE),
        ("caas", "description", Form.EXACT, EffectRule.NONE),
        ("caas", "is_disabled", Form.EXACT, EffectRule.SWITCH_OFF),
        ("caas", "expire", Form.INSTANT, EffectRule.EXPIRY),
        ("caas", "containers", Form.SET, EffectRule.BINDING),
        ("faas", "description", Form.EXACT, EffectRule.NONE),
        ("faas", "expire", Form.INSTANT, EffectRule.EXPIRY),
        ("faas", "functions", Form.SET, EffectRule.BINDING),
        ("inference", "description", Form.EXACT, EffectRule.NONE),
        ("inference", "expires_at", Form.INSTANT, EffectRule.EXPIRY),
    ],
)
def test_a_field_is_compared_and_classified_by_its_schema(
    kind: str, field: str, form: Form, effect: EffectRule
) -> None:
    assert (KINDS[kind].fields[field].form, KINDS[kind].fields[field].effect) == (form, effect)


@pytest.mark.parametrize(
    ("kind", "declarable"),
    [
        ("caas", ["name", "description", "expire", "is_disabled", "containers"]),
        ("faas", ["name", "description", "expire", "functions"]),
        ("inference", ["name", "description", "expires_at"]),
    ],
)
def test_fields_set_by_the_service_cannot_be_declared(kind: str, declarable: list[str]) -> None:
    fields = KINDS[kind].schema["properties"]
    declared = [name for name, keywords in fields.items() if not keywords.get("readOnly")]
    assert declared == [*declarable, "state", "lifecycle"]
    assert not {"state", "lifecycle"} & KINDS[kind].fields.keys()


@pytest.mark.parametrize(
    ("collection", "scope"),
    [
        ("/a/{project_id}/{region_id}", ["project_id", "region_id"]),
        ("/a/{project_id}", ["project_id"]),
        ("/repos/{owner}/{repo}/labels", ["owner", "repo"]),
        ("/labels", []),
    ],
)
def test_a_scope_has_the_parameters_of_the_path_of_its_kind(collection: str, scope: list[str]) -> None:
    assert list(kind_with({}, collection=collection).scope) == scope


TEXT = {"type": "string"}


@pytest.mark.parametrize("name", ["kind/bug", "a\nb", "\n", "a\r\n", "\u2028", " "])
def test_an_address_is_read_back_from_its_text(name: str) -> None:
    kind = kind_with({}, collection="/repos/{owner}/{number}/labels", scope={"owner": TEXT})
    scope = kind.scope_of(["acme", 7])
    assert kind.parse_address(scope.address(name)) == (scope, name)
    assert kind.item_path(scope, "kind/bug") == "/repos/acme/7/labels/kind%2Fbug"
    assert kind.parse_address("thing/acme/seven/bug") is None


def test_an_absent_or_null_response_member_has_its_documented_default() -> None:
    kind = kind_with({"description": TEXT}, optional={"description": ""})
    assert kind.with_response_defaults({"name": "x"}) == {"name": "x", "description": ""}
    assert kind.with_response_defaults({"name": "x", "description": None}) == {"name": "x", "description": ""}
    assert kind.with_response_defaults({"name": "x", "description": "y"}) == {"name": "x", "description": "y"}


def test_a_kind_without_regions_has_no_region_in_its_path() -> None:
    assert kind_with({}).item_path(Scope("thing", 7), "a.b") == "/things/7/a.b"


@pytest.mark.parametrize(
    ("source", "owner"), [("iate", "source iate"), ("cloud", None), ("IATE", None), (None, None)]
)
def test_the_owner_of_a_live_key_is_determined_by_its_source(source: Any, owner: str | None) -> None:
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
def test_only_text_fields_can_use_plain_comparison(schema: Any, *, expected: bool) -> None:
    assert kind_with({"field": schema}).fields["field"].plainly_equal is expected


def test_a_schema_without_the_extension_is_not_a_kind() -> None:
    with pytest.raises(KeyError, match="x-reconciler"):
        kind_from_schema("plan", {"properties": {}})


NO_SEGMENTS = [
    "",
    ".",
    "..",
    "/",
    "a/",
    "/a",
    "a//b",
    "../a",
    "a/..",
    "a/./b",
    "a/../b",
    "a\\..\\b",
    "..\\a",
    "\ud800",
]
SEGMENTS = {
    "a": "a",
    "...": "...",
    ".a": ".a",
    "a..b": "a..b",
    "..a": "..a",
    " ": "%20",
    "kind/bug": "kind%2Fbug",
    "%2e%2e": "%252e%252e",
    ".%2e": ".%252e",
    "..;": "..%3B",
    "..?": "..%3F",
    "..#": "..%23",
    "ü": "%C3%BC",
    "a\n": "a%0A",
}


@pytest.mark.parametrize("name", NO_SEGMENTS, ids=ascii)
def test_a_value_that_is_not_one_path_segment_is_refused(name: str) -> None:
    kind = kind_with({}, collection="/repos/{owner}/labels", scope={"owner": TEXT})
    with pytest.raises(UnaddressableError, match="cannot be one segment of a request path"):
        kind.item_path(kind.scope_of(["acme"]), name)
    with pytest.raises(UnaddressableError, match="cannot be one segment of a request path"):
        kind.collection_path(kind.scope_of([name]))


@pytest.mark.parametrize(("name", "encoded"), SEGMENTS.items(), ids=ascii)
def test_every_name_is_encoded_as_one_path_segment(name: str, encoded: str) -> None:
    path = kind_with({}).item_path(Scope("thing", 7), name)
    assert path == f"/things/7/{encoded}"
    assert httpx.Client(base_url="http://x").build_request("GET", path).url.raw_path.decode() == path


def test_an_update_is_a_patch_unless_the_kind_names_another_method() -> None:
    schema = kind_with({}).schema
    other = {**schema, "x-reconciler": {**schema["x-reconciler"], "update": {"method": "PUT"}}}
    changed, whole = (kind_from_schema("thing", one).update for one in (schema, other))
    assert (changed.method, changed.body) == ("PATCH", BodyRule.CHANGED)
    assert (whole.method, whole.body) == ("PUT", BodyRule.WHOLE)
