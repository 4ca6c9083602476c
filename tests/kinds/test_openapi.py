"""Drafting kinds from OpenAPI: what a description says is drafted, what it cannot say is listed."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from reconciler.errors import DescriptionError
from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.openapi.draft import draft
from reconciler.kinds.packaged import load_kinds, resource
from reconciler.validate.custom_kinds import complaints
from tests.properties import examples
from tests.support import from_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DESCRIPTION = from_yaml(
    (Path(__file__).parents[1] / "gcore_emulator/openapi.yaml").read_text(encoding="utf-8")
)
KINDS = load_kinds()
FOR_PEOPLE = {"title", "description", "examples", "patternErrorMessage", "enumDescriptions", "errorMessage"}
OF_TEXTS = {"pattern", "minLength", "maxLength"}
DERIVED = (
    "collection",
    "identity",
    "page_limit",
    "always_sent",
    "secret",
    "created",
    "create",
    "list",
    "scope",
)
SAMPLES = [
    "a",
    "ab",
    "web",
    "web-key",
    "chat-frontend",
    "1ab",
    "a1",
    "Web",
    "web-",
    "a.b.c",
    "é",
    "",
    "a" * 26,
    "a" * 27,
    "a" * 63,
    "a" * 64,
    "a" * 65,
    "x" * 300,
    "x" * 301,
]


TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
AB: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"a": TEXT, "b": WHOLE},
}


def an_object(*, required: Sequence[str] = (), **members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": [*required]}


def drafted(name: str) -> Mapping[str, Any]:
    return draft(DESCRIPTION, KINDS[name].collection).schema


def plain(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Remove what no description knows: words for people, sets, and how narrow our patterns are."""
    kept = {
        name: value for name, value in keywords.items() if name not in {*FOR_PEOPLE, *OF_TEXTS, "uniqueItems"}
    }
    if "items" in kept:
        kept["items"] = plain(kept["items"])
    if "properties" in kept:
        kept["properties"] = {name: plain(value) for name, value in kept["properties"].items()}
    return kept


def packaged(name: str) -> dict[str, Any]:
    kind = KINDS[name]
    return {field: kind.schema["properties"][field] for field in kind.fields}


def compared(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of the draft and of our own kind, without what the description cannot know."""
    own = {field: plain(keywords) for field, keywords in packaged(name).items()}
    ours = {field: plain(keywords) for field, keywords in drafted(name)["properties"].items()}
    extension = KINDS[name].schema[EXTENSION]
    for field, keywords in own.items():
        # That a text is an instant, where no format is described.
        if "format" not in ours[field]:
            keywords.pop("format", None)
        # What null means, where it has a meaning.
        if extension.get("optional", {}).get(field) is not None and "null" in ours[field]["type"]:
            ours[field]["type"] = keywords["type"]
        # That a field which only a creation sets can be declared.
        if field in extension.get("immutable", ()):
            ours[field] = {word: ours[field][word] for word in keywords}
    return ours, own


@pytest.mark.parametrize("name", KINDS)
def test_a_draft_of_a_built_in_kind_has_its_fields(name: str) -> None:
    ours, own = compared(name)
    assert ours == own


@pytest.mark.parametrize("name", KINDS)
def test_a_draft_of_a_built_in_kind_has_every_documented_fact(name: str) -> None:
    ours, own = drafted(name), KINDS[name].schema
    assert {word: ours[EXTENSION].get(word) for word in DERIVED} == {
        word: own[EXTENSION].get(word) for word in DERIVED
    }
    assert ours["required"] == own["required"]
    assert ours["additionalProperties"] is own["additionalProperties"] is False


@pytest.mark.parametrize("name", KINDS)
def test_a_draft_leaves_undocumented_facts_open(name: str) -> None:
    extension = drafted(name)[EXTENSION]
    assert extension["effects"] == extension["foreign"] == {}
    assert "immutable" not in extension
    assert "uniqueItems" not in json.dumps(drafted(name))
    assert extension.get("optional", {}).keys() <= KINDS[name].schema[EXTENSION].get("optional", {}).keys()


@pytest.mark.parametrize("name", KINDS)
def test_packaged_descriptions_are_no_wider_than_the_drafted_ones(name: str) -> None:
    def check(own: Mapping[str, Any], ours: Mapping[str, Any], place: str) -> None:
        for sample in SAMPLES if own.get("type") == "string" and not own.get("readOnly") else ():
            rules = {word: value for word, value in own.items() if word in OF_TEXTS}
            if Draft7Validator(rules).is_valid(sample):
                wide = {word: value for word, value in ours.items() if word in OF_TEXTS}
                assert Draft7Validator(wide).is_valid(sample), (place, sample)
        for word in own.get("properties", {}):
            check(own["properties"][word], ours["properties"][word], f"{place}.{word}")
        if "items" in own:
            check(own["items"], ours["items"], f"{place}[]")

    check({"properties": packaged(name)}, drafted(name), name)


@pytest.mark.parametrize("name", KINDS)
def test_a_draft_satisfies_the_rules_for_kinds(name: str) -> None:
    assert complaints(name, drafted(name)) == []


def test_open_decisions_are_listed() -> None:
    fields = "description, expire, is_disabled, containers"
    assert list(draft(DESCRIPTION, KINDS["caas"].collection).decisions) == [
        "identity: the draft assumes that {key_name} is the property name: check it",
        "secret: is secret a secret? Only the response to a creation has it",
        "base URL: set base_url of the API to https://api.gcore.com, to which the paths are relative",
        (
            f"effects: does a change of {fields} grant or revoke access? For each field that"
            " does, write expiry, switch-off or binding"
        ),
        'sets: does the order of containers matter? If not, add "uniqueItems": true to compare it as a set',
        (
            "foreign: are some keys managed by another system? If so, write the property and the values that"
            " identify them under foreign"
        ),
    ]


def described(**changes: Any) -> dict[str, Any]:
    """Describe GitHub's labels in the words of OpenAPI 3.0; ``changes`` replace parts by their path."""
    path = [{"name": name, "in": "path", "schema": {"type": "string"}} for name in ("owner", "repo")]
    name = {"name": "name", "in": "path", "schema": {"type": "string"}}
    paging = [
        {"name": "per_page", "in": "query", "schema": {"type": "integer", "default": 30, "maximum": 100}},
        {"$ref": "#/components/parameters/page"},
    ]
    one = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/label"}}}}
    all_of_them = {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/label"}}}
    body = {
        "new_name": {"type": "string"},
        "color": {"type": "string", "pattern": "^[0-9a-f]{6}$"},
        "description": {"type": "string", "maxLength": 100, "nullable": True},
    }
    item = {
        "id": {"type": "integer", "format": "int64"},
        "name": {"type": "string"},
        "color": {"type": "string"},
        "description": {"type": "string", "nullable": True},
    }
    whole = {
        "openapi": "3.0.3",
        "paths": {
            "/repos/{owner}/{repo}/labels": {
                "parameters": path,
                "get": {
                    "parameters": paging,
                    "responses": {"200": {"content": {"application/json": all_of_them}}},
                },
            },
            "/repos/{owner}/{repo}/labels/{name}": {
                "parameters": [*path, name],
                "get": {"responses": {"200": one}},
                "patch": {
                    "requestBody": {"content": {"application/json": {"schema": {"properties": body}}}},
                    "responses": {"200": one},
                },
            },
        },
        "components": {
            "parameters": {"page": {"name": "page", "in": "query", "schema": {"type": "integer"}}},
            "schemas": {"label": {"type": "object", "properties": item, "required": ["id", "name", "color"]}},
        },
    }
    return whole | changes


LABELS = "/repos/{owner}/{repo}/labels"
ITEM = f"{LABELS}/{{name}}"


def test_the_draft_of_labels_lacks_only_what_the_description_omits() -> None:
    made = draft(described(), LABELS)
    example = json.loads((resource("examples") / "kinds/label.schema.json").read_text(encoding="utf-8"))
    assert complaints("label", made.schema) == []
    ours, own = made.schema[EXTENSION], example[EXTENSION]
    assert ours["list"] == own["list"]
    assert (ours["collection"], ours["identity"], ours["page_limit"]) == (LABELS, "name", 100)
    assert ours["scope"].keys() == own["scope"].keys()
    assert (ours["optional"], own["optional"]) == ({"description": None}, {"description": ""})
    fields = made.schema["properties"]
    assert fields.keys() - example["properties"].keys() == {"id"}
    assert fields["id"] == {"type": "integer", "readOnly": True, "not": {}, "doNotSuggest": True}
    assert fields["color"] == {"type": "string", "pattern": "^[0-9a-f]{6}$"}
    assert fields["description"] == {"type": ["string", "null"], "maxLength": 100}
    assert (
        "left out: fields of PATCH that no response returns, and that cannot be compared: new_name"
        in made.decisions
    )


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": ["string", "null"]}),
        ({"oneOf": [{"$ref": "#/components/schemas/text"}]}, {"type": "string", "minLength": 1}),
        (
            {"allOf": [{"$ref": "#/components/schemas/text"}, {"maxLength": 3}]},
            {"type": "string", "minLength": 1, "maxLength": 3},
        ),
        (
            {"$ref": "#/components/schemas/text", "description": "A text."},
            {"type": "string", "minLength": 1, "description": "A text."},
        ),
        (
            {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
            {"type": "integer", "minimum": 0, "exclusiveMinimum": 0},
        ),
        ({"type": "number", "exclusiveMaximum": 2.5}, {"type": "number", "exclusiveMaximum": 2.5}),
        ({"enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
        ({"type": "string", "enum": ["a", None]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"type": "string", "format": "uuid"}, {"type": "string", "format": "uuid"}),
        ({"type": "string", "format": "hostname"}, {"type": "string"}),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"type": ["string", "integer"]}),
        ({"oneOf": [{"enum": ["a"]}, {"enum": ["b"]}]}, {"type": "string", "enum": ["a", "b"]}),
        ({"const": "a"}, {"type": "string", "enum": ["a"]}),
        ({"type": "string", "default": "a"}, {"type": "string", "default": "a"}),
        ({"type": "string", "example": "a"}, {"type": "string", "examples": ["a"]}),
        (
            {"additionalProperties": {"type": "string", "maxLength": 3}},
            {"type": "object", "additionalProperties": {"type": "string", "maxLength": 3}},
        ),
        ({"type": "object", "additionalProperties": {}}, {"type": "object"}),
        (
            {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a"]},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["a"],
                "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            },
        ),
        (
            {"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"maxLength": 3}}}]},
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {"a": {"type": "string", "maxLength": 3}},
            },
        ),
        (
            {
                "anyOf": [
                    {"properties": {"a": {"type": "string"}}, "required": ["a"]},
                    {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
                ]
            },
            {**AB, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        ),
        (
            {"oneOf": [an_object(a=TEXT, required=["a"]), an_object(b=WHOLE, required=["b"])]},
            {**AB, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        ),
        (
            {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": AB["properties"]},
            {**AB, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        ),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": AB["properties"]}, AB),
        ({"anyOf": [an_object(a=TEXT), an_object(b=WHOLE)]}, AB),
        (
            {"anyOf": [an_object(a=TEXT, required=["a"]), an_object(a=TEXT, b=WHOLE, required=["a"])]},
            {**AB, "required": ["a"]},
        ),
        (
            {
                "oneOf": [
                    an_object(a={"enum": ["x"]}, required=["a"]),
                    an_object(a={"enum": ["y"]}, b=WHOLE, required=["a"]),
                ],
            },
            {
                **AB,
                "required": ["a"],
                "properties": {"a": {"type": "string", "enum": ["x", "y"]}, "b": WHOLE},
                "oneOf": [
                    {"required": ["a"], "properties": {"a": {"enum": ["x"]}}},
                    {"required": ["a"], "properties": {"b": {}, "a": {"enum": ["y"]}}},
                ],
            },
        ),
        (
            {
                "items": {
                    "oneOf": [
                        an_object(a=TEXT, required=["a"]),
                        an_object(b=WHOLE, required=["b"]),
                        {"type": "null"},
                    ]
                }
            },
            {
                "type": "array",
                "items": {
                    **AB,
                    "type": ["object", "null"],
                    "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
                },
            },
        ),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        ({"type": "string", "pattern": "("}, {"type": "string"}),
        (
            {"type": "array", "items": {"type": "string"}, "maxItems": 3},
            {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        ),
        (
            {"properties": {"a": {"type": "boolean"}}},
            {"type": "object", "additionalProperties": False, "properties": {"a": {"type": "boolean"}}},
        ),
        ({"type": "object"}, {"type": "object"}),
    ],
)
def test_a_field_is_drafted_in_draft_07(schema: Any, field: Any) -> None:
    whole = described()
    whole["components"]["schemas"]["text"] = {"type": "string", "minLength": 1}
    for place in (
        whole["components"]["schemas"]["label"]["properties"],
        whole["paths"][ITEM]["patch"]["requestBody"]["content"]["application/json"]["schema"]["properties"],
    ):
        place["color"] = schema
    assert draft(whole, LABELS).schema["properties"]["color"] == field


@pytest.mark.parametrize("schema", [{"type": "file"}, {"anyOf": [{"minLength": 1}, {"maxLength": 3}]}])
def test_a_field_without_a_described_type_is_omitted_and_listed(schema: Any) -> None:
    whole = described()
    body = whole["paths"][ITEM]["patch"]["requestBody"]["content"]["application/json"]["schema"]
    body["properties"]["color"] = schema
    made = draft(whole, LABELS)
    assert "color" not in made.schema["properties"]
    assert "left out: no type is described for color" in made.decisions


def test_a_field_of_which_nothing_is_said_may_have_any_value() -> None:
    whole = described()
    body = whole["paths"][ITEM]["patch"]["requestBody"]["content"]["application/json"]["schema"]
    body["properties"]["color"] = {"description": "Any."}
    whole["components"]["schemas"]["label"]["properties"]["color"] = {}
    made = draft(whole, LABELS)
    types = ["array", "boolean", "number", "object", "string", "null"]
    assert made.schema["properties"]["color"] == {"description": "Any.", "type": types}
    assert "no type is described for color, so any value is allowed" in made.decisions


def without(*path: str) -> dict[str, Any]:
    whole = copy.deepcopy(described())
    place: Any = whole
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return whole


def referring(target: str) -> dict[str, Any]:
    whole = copy.deepcopy(described())
    whole["components"]["schemas"]["label"]["properties"]["color"] = {"$ref": target}
    return whole


@pytest.mark.parametrize(
    ("description", "collection", "complaint"),
    [
        (None, LABELS, "the file is not an OpenAPI 3.0 or 3.1 description"),
        ({"swagger": "2.0"}, LABELS, "the file is not an OpenAPI 3.0 or 3.1 description"),
        (described(openapi="4.0.0"), LABELS, "the file is not an OpenAPI 3.0 or 3.1 description"),
        (
            described(),
            "/repos/{owner}/{repo}/label",
            f"the description has no path /repos/{{owner}}/{{repo}}/label; did you mean {LABELS}?",
        ),
        (
            described(paths={"/v1/regs": {}, f"{LABELS}/x": {}, LABELS: {}, ITEM: {}}),
            "/repos/label",
            f"did you mean {LABELS}?",
        ),
        (described(paths={}), LABELS, "the description has no path"),
        (without("paths", ITEM), LABELS, f"the description has no path {LABELS}/{{name}}"),
        (
            without("paths", ITEM, "patch"),
            LABELS,
            f"{ITEM} has no PATCH, PUT or POST with a body, and the collection has no POST with a body",
        ),
        (without("paths", LABELS, "get"), LABELS, f"{LABELS} has no GET"),
        (without("paths", ITEM, "patch", "requestBody"), LABELS, "has no PATCH, PUT or POST with a body"),
        (
            without("paths", ITEM, "patch", "requestBody", "content", "application/json"),
            LABELS,
            "is not an object",
        ),
        (without("components", "schemas"), LABELS, "#/components/schemas/label cannot be resolved"),
        (referring("other.yaml#/color"), LABELS, "refers to another file"),
        (referring("#/components/nothing"), LABELS, "cannot be resolved"),
        (
            described(components={"schemas": {"label": {"properties": []}}, "parameters": {"page": 7}}),
            LABELS,
            "page cannot be resolved",
        ),
    ],
)
def test_an_unusable_description_is_refused_with_the_reason(
    description: Any, collection: str, complaint: str
) -> None:
    with pytest.raises(DescriptionError, match=re.escape(complaint)):
        draft(description, collection)


def test_a_reference_may_lead_through_a_list() -> None:
    whole = described()
    listing = whole["paths"][LABELS]["get"]
    whole["components"]["parameters"]["size"] = listing["parameters"][0]
    listing["parameters"][0] = {"$ref": "#/x-pages/0"}
    whole["x-pages"] = [{"$ref": "#/components/parameters/size"}]
    assert draft(whole, LABELS).schema[EXTENSION]["page_limit"] == 100


def growing(branches: int) -> dict[str, Any]:
    """Describe a colour whose members are ``branches`` times more at each of 40 levels."""
    whole = described()
    schemas = whole["components"]["schemas"]
    for number in range(40):
        below = {"$ref": f"#/components/schemas/s{number + 1}"}
        schemas[f"s{number}"] = {
            "type": "object",
            "properties": {f"m{one}": below for one in range(branches)},
        }
    schemas["s40"] = {"type": "string"}
    body = whole["paths"][ITEM]["patch"]["requestBody"]["content"]["application/json"]["schema"]
    for place in (schemas["label"]["properties"], body["properties"]):
        place["color"] = {"$ref": "#/components/schemas/s0"}
    return whole


def test_deep_references_are_cut() -> None:
    made = draft(growing(1), LABELS)
    assert complaints("label", made.schema) == []
    assert any(text.endswith("because it is nested too deeply") for text in made.decisions)


def test_exponentially_growing_references_are_refused() -> None:
    with pytest.raises(DescriptionError, match="the schemas are too large with their references"):
        draft(growing(9), LABELS)


def test_a_reference_to_itself_is_cut_where_it_is_needed() -> None:
    whole = described()
    tree = {"type": "object", "properties": {"name": {"type": "string"}, "below": {"$ref": "#/x/tree"}}}
    whole["x"] = {"tree": tree}
    body = whole["paths"][ITEM]["patch"]["requestBody"]["content"]["application/json"]["schema"]
    for place in (whole["components"]["schemas"]["label"]["properties"], body["properties"]):
        place["color"] = {"$ref": "#/x/tree"}
    made = draft(whole, LABELS)
    assert made.schema["properties"]["color"]["properties"]["below"] == {"type": "object"}
    assert "not validated: the content of color.below, because its schema refers to itself" in made.decisions


def test_an_unused_response_may_refer_to_itself() -> None:
    whole = described()
    tree = {"type": "object", "properties": {"cause": {"$ref": "#/components/schemas/tree"}}}
    whole["components"]["schemas"]["tree"] = tree
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/tree"}}}}
    whole["paths"][ITEM]["get"]["responses"]["404"] = error
    assert draft(whole, LABELS).schema["properties"].keys() == {"name", "color", "description", "id"}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for step, inner in steps for found in [(*path, step), *places(inner, (*path, step))]]


PLACES = places(described())


@examples(40)
@given(
    st.sampled_from(PLACES),
    st.sampled_from([None, True, 7, -1, "", "#/x", [], [1], {}, {"a": 1}, {"$ref": "#/paths"}]),
)
def test_a_malformed_description_yields_an_error_or_a_draft(path: tuple[Any, ...], odd: Any) -> None:
    whole = copy.deepcopy(described())
    place: Any = whole
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = odd
    try:
        made = draft(whole, LABELS)
    except DescriptionError:
        return
    assert json.dumps(made.schema)
    complaints("label", made.schema)
