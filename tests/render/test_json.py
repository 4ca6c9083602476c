"""The plan for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from reconciler.kinds.packaged import schema_texts
from reconciler.model.scope import Scope
from reconciler.model.source import Position, Problem
from reconciler.model.version import __version__
from reconciler.plan.planning import assemble
from tests.render.example_plan import plan_with_origins
from tests.values import API, LATER, WEB, declared, kind_with, live, make_plan, plan_json

if TYPE_CHECKING:
    from reconciler.kinds.kind import Kind
    from reconciler.model.plan import Plan

SCHEMA = Draft7Validator(json.loads(schema_texts()["plan"]))
HOSTILE = '\x1b[31m"\n::error::\u202e\u2028\ud83d'


def rendered(plan: Plan) -> Any:
    return json.loads(plan_json(plan))


def whole_plan() -> Plan:
    keys = [
        declared("key-a", line=3, containers=[WEB], expire="2027-01-01T01:00:00+01:00", description=""),
        declared("key-b", line=4, is_disabled=False),
        declared("key-c", line=5),
        declared("key-d", line=6, expire="2026-01-01T00:00:00Z"),
    ]
    shown = [live("key-a", containers=[API]), live("key-b"), live("key-d"), live("other")]
    return make_plan(keys, shown)


def test_a_change_is_shown_with_values_patch_effects_and_request() -> None:
    change = rendered(whole_plan())["resource_changes"][0]
    assert change == {
        "address": "caas/1/76/key-a",
        "api": "gcore",
        "mode": "managed",
        "provider_name": "gcore",
        "type": "caas",
        "name": "key-a",
        "project_id": 1,
        "region_id": 76,
        "change": {
            "actions": ["update"],
            "before": {"containers": [API], "description": "", "expire": None},
            "after": {"containers": [WEB], "description": "", "expire": LATER},
            "patch": {"containers": [WEB], "expire": LATER},
            "effects": {"containers": "grants+revokes", "expire": "revokes"},
        },
        "request": {"method": "PATCH", "path": "/cloud/v1/caas/keys/1/76/key-a"},
        "created_at": "2026-01-01T00:00:00Z",
        "declared_at": "keys.yaml:3",
        "declared_column": 1,
    }


def test_the_summary_counts_every_key_once() -> None:
    summary = rendered(whole_plan())["summary"]
    access = {"grants": 1, "revokes": 2, "neutral": 0}
    assert summary == {"create": 0, "update": 2, "delete": 0, "no-op": 1, "unmanaged": 1, **access}


def test_a_plan_with_a_base_has_the_origin_of_each_field() -> None:
    document = rendered(plan_with_origins())
    assert [change["change"]["origins"] for change in document["resource_changes"]] == [
        {"containers": "conflict"},
        {"description": "config", "expire": "drift", "is_disabled": "config"},
    ]
    assert list(document["summary"].items())[-3:] == [("config", 1), ("drift", 1), ("conflict", 1)]


def test_a_plan_without_a_base_has_no_origins() -> None:
    document = rendered(whole_plan())
    assert "origins" not in document["resource_changes"][0]["change"]
    assert "conflict" not in document["summary"]


def test_a_problem_is_an_error_of_the_plan() -> None:
    errors = rendered(whole_plan())["errors"]
    assert [(error["address"], error["declared_at"]) for error in errors] == [
        ("caas/1/76/key-c", "keys.yaml:5:1"),
        ("caas/1/76/key-d", "keys.yaml:6:1"),
    ]


def test_a_warning_is_shown_with_its_known_details() -> None:
    warnings = [Problem("careful"), Problem("bad", Position("keys.yaml", 2, 3), "caas/1/76/key")]
    assert rendered(assemble([], warnings))["warnings"] == [
        {"address": "", "message": "careful"},
        {"address": "caas/1/76/key", "message": "bad", "declared_at": "keys.yaml:2:3"},
    ]


def test_the_plan_names_its_tool_version_and_time() -> None:
    document = rendered(whole_plan())
    assert document["format_version"] == "1.0"
    assert document["reconciler_version"] == __version__
    assert document["timestamp"] == "2026-06-01T12:00:00Z"
    assert document["fingerprint"] == whole_plan().fingerprint


def test_a_kind_without_regions_has_no_region_id() -> None:
    kind: Kind = kind_with({"on": {"type": "boolean"}})
    plan = make_plan(
        [declared(on=True)], [{"name": "web-key", "on": False}], kind=kind, scope=Scope("thing", 7)
    )
    (change,) = rendered(plan)["resource_changes"]
    assert "region_id" not in change
    assert change["address"] == "thing/7/web-key"


@pytest.mark.parametrize(
    "plan",
    [
        assemble([]),
        whole_plan(),
        plan_with_origins(),
        make_plan([declared(description="x")], [live(description=HOSTILE)]),
    ],
)
def test_a_plan_is_valid_by_its_schema(plan: Plan) -> None:
    assert list(SCHEMA.iter_errors(rendered(plan))) == []


def test_the_schema_refuses_an_invalid_plan() -> None:
    document = rendered(whole_plan())
    assert not SCHEMA.is_valid({**document, "fingerprint": "sha256:0"})
    assert not SCHEMA.is_valid({**document, "summary": {}})
    assert not SCHEMA.is_valid({**document, "summary": {**document["summary"], "drift": -1}})


def test_a_hostile_text_is_preserved_and_escaped() -> None:
    text = plan_json(make_plan([declared(description="x")], [live(description=HOSTILE)]))
    assert text.isascii()
    assert "\x1b" not in text
    (change,) = json.loads(text)["resource_changes"]
    assert change["change"]["before"]["description"] == HOSTILE


def test_a_rendered_plan_ends_with_one_newline() -> None:
    text = plan_json(whole_plan())
    assert text.endswith("}\n")
    assert "\n\n" not in text
