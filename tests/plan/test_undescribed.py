"""Members that no schema describes are sent back as they were shown, where an object is sent whole."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import RefusedError
from reconciler.kinds.packaged import plan_schema
from reconciler.model.canonical import json_text
from reconciler.model.scope import Scope
from reconciler.plan.correction import Permissions, corrections
from reconciler.plan.document import plan_document
from reconciler.plan.drift import drift_of
from reconciler.plan.planning import with_fingerprint
from reconciler.plan.recheck import fields_changed_since_plan
from reconciler.plan.saved import _checksum as checksum_of
from reconciler.plan.saved import read_saved
from tests.properties import examples
from tests.values import NOW, declared, kind_with, make_plan, plan_json

if TYPE_CHECKING:
    from reconciler.kinds.kind import Kind
    from reconciler.model.plan import Change, Plan

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
INNER: dict[str, Any] = {
    "type": "object",
    "properties": {"size": NUMBER, "text": TEXT, "made": {"type": "string", "readOnly": True}},
}
ITEMS: dict[str, Any] = {
    "type": "object",
    "properties": {"name": TEXT, "port": NUMBER, "inner": INNER, "id": {"type": "integer", "readOnly": True}},
}
FIELDS: dict[str, Any] = {
    "hook": {"type": "object", "properties": {"url": TEXT, "inner": INNER}},
    "rules": {"type": "array", "items": ITEMS},
    "set": {"type": "array", "items": ITEMS, "uniqueItems": True},
    "one": {
        "type": "object",
        "properties": {"allow": INNER, "block": INNER},
        "oneOf": [{"required": ["allow"]}, {"required": ["block"]}],
    },
    "deep": {"type": "object", "properties": {"rules": {"type": "array", "items": ITEMS}, "url": TEXT}},
    "map": {
        "type": "object",
        "properties": {"made": {"type": "string", "readOnly": True}},
        "additionalProperties": TEXT,
    },
    "note": TEXT,
}
KINDS = {
    encoding: kind_with(FIELDS, update={"method": "PATCH", "encoding": encoding})
    for encoding in ("json", "json-patch", "merge-patch")
}
KIND = KINDS["json"]
LIVE: dict[str, Any] = {
    "name": "web-key",
    "hook": {"url": "a", "inner": {"size": 1.0, "made": "m", "x": [1]}, "x": None},
    "rules": [{"port": 1, "x": 1, "id": 1}, {"port": 2, "x": 2, "inner": {"size": 1, "x": 3, "made": "m"}}],
    "set": [{"port": 2, "x": 2}, {"port": 1, "x": 1, "id": 1}],
    "one": {"allow": {"size": 1, "x": 1}, "x": 2},
    "deep": {"rules": [{"port": 2, "x": 1, "id": 1}], "url": "a", "x": 4},
    "map": {"a": "1", "made": "m"},
    "note": "n",
}
SCOPE = Scope("thing", 1, names=("project_id",))


def plan_of(kind: Kind = KIND, live: Any = LIVE, **want: Any) -> Plan:
    return make_plan([declared(**want)], [live], kind=kind, scope=SCOPE)


def change_of(kind: Kind = KIND, live: Any = LIVE, **want: Any) -> Change:
    (change,) = plan_of(kind, live, **want).changes
    return change


@pytest.mark.parametrize(
    ("want", "sent"),
    [
        ({"hook": {"url": "b"}}, {"url": "b", "inner": {"size": 1, "x": [1]}, "x": None}),
        ({"hook": {"inner": {"size": 2}}}, {"url": "a", "inner": {"size": 2, "x": [1]}, "x": None}),
        (
            {"rules": [{"port": 1}, {"port": 2, "inner": {"size": 5}}]},
            [{"port": 1, "x": 1}, {"port": 2, "x": 2, "inner": {"size": 5, "x": 3}}],
        ),
        ({"rules": [{"port": 2}]}, [{"port": 2, "x": 2, "inner": {"size": 1, "x": 3}}]),
        ({"set": [{"port": 3}, {"port": 2}]}, [{"port": 2, "x": 2}, {"port": 3}]),
        ({"one": {"allow": {"size": 2}}}, {"allow": {"size": 2, "x": 1}, "x": 2}),
        ({"one": {"block": {"size": 2}}}, {"block": {"size": 2}}),
    ],
)
def test_what_no_schema_describes_is_sent_as_shown_and_what_is_read_only_is_not(want: Any, sent: Any) -> None:
    ((name, _),) = want.items()
    assert change_of(**want).requests[0].body == {name: sent}
    (operation,) = change_of(KINDS["json-patch"], **want).requests[0].body
    assert operation["value"] == sent


TWINS = [{"port": 1, "x": 1}, {"port": 1, "x": 2, "id": 1}, {"port": 1, "x": 2, "id": 2}, {"port": 2}]


@pytest.mark.parametrize("encoding", sorted(KINDS))
@pytest.mark.parametrize(
    ("want", "sent"),
    [
        ([{"port": 1}, {"port": 3}], [{"port": 1, "x": 1}, {"port": 1, "x": 2}, {"port": 3}]),
        ([{"port": 2}], [{"port": 2}]),
        ([{"port": 1}], [{"port": 1, "x": 1}, {"port": 1, "x": 2}]),
    ],
)
def test_items_of_a_set_that_differ_in_such_members_alone_stay_or_go_together(
    encoding: str, want: Any, sent: Any
) -> None:
    change = change_of(KINDS[encoding], {**LIVE, "set": TWINS}, set=want)
    body = change.requests[0].body
    assert (body[0]["value"] if encoding == "json-patch" else body["set"]) == sent
    assert fields_changed_since_plan(KINDS[encoding], change, {**LIVE, "set": TWINS}) == ()
    fewer = {**LIVE, "set": TWINS[1:]}
    assert bool(fields_changed_since_plan(KINDS[encoding], change, fewer)) is ({"port": 1} in want)


def test_nothing_else_is_sent_or_differs_because_of_them() -> None:
    assert plan_of(map={"a": "1"}, one={"allow": {"size": 1}}, hook={"url": "a"}).changes == ()
    assert change_of(note="m").requests[0].body == {"note": "m"}
    merged = change_of(KINDS["merge-patch"], hook={"url": "b"})
    assert merged.requests[0].body == {"hook": {"url": "b"}}
    assert merged.shown == {}


@pytest.mark.parametrize(
    ("want", "sent"),
    [
        ({"rules": [{"port": 2}]}, [{"port": 2, "x": 2, "inner": {"size": 1, "x": 3}}]),
        ({"set": [{"port": 3}, {"port": 2}]}, [{"port": 2, "x": 2}, {"port": 3}]),
        ({"deep": {"rules": [{"port": 2}, {"port": 3}]}}, {"rules": [{"port": 2, "x": 1}, {"port": 3}]}),
    ],
)
def test_a_merge_patch_sends_those_of_lists_which_it_replaces(want: Any, sent: Any) -> None:
    ((name, _),) = want.items()
    change = change_of(KINDS["merge-patch"], **want)
    assert change.requests[0].body == {name: sent}
    assert fields_changed_since_plan(KINDS["merge-patch"], change, LIVE) == ()
    deep = {**LIVE["deep"], "x": 5}
    assert fields_changed_since_plan(KINDS["merge-patch"], change, {**LIVE, "deep": deep}) == ()


@pytest.mark.parametrize("null", [{}, {"allow": None}])
def test_another_alternative_has_none_of_them_where_the_one_before_is_shown_with_null(null: Any) -> None:
    live = {**LIVE, "one": {"block": {"size": 1}, "x": 2, **null}}
    assert change_of(live=live, one={"allow": {"size": 2}}).requests[0].body == {
        "one": {"allow": {"size": 2}}
    }


@pytest.mark.parametrize("encoding", sorted(KINDS))
@pytest.mark.parametrize(
    ("live", "want", "path"),
    [
        ({"hook": {"url": "a", "token": "****"}}, {"hook": {"url": "b"}}, "hook.token"),
        ({"rules": [{"port": 1, "token": "****"}]}, {"rules": [{"port": 2}]}, "rules[].token"),
        ({"set": [{"port": 1, "token": "****"}]}, {"set": [{"port": 1}, {"port": 2}]}, "set[].token"),
        (
            {"set": [{"port": 1, "x": 1}, {"port": 1, "x": "****"}]},
            {"set": [{"port": 1}, {"port": 2}]},
            "set[]",
        ),
    ],
)
def test_a_hidden_value_among_them_is_not_sent_back(encoding: str, live: Any, want: Any, path: str) -> None:
    plan = plan_of(KINDS[encoding], {**LIVE, **live}, **want)
    if encoding == "merge-patch" and path == "hook.token":
        assert plan.changes[0].requests[0].body == want
        return
    assert plan.changes == ()
    assert f"the response masks the value of {path}" in plan.problems[0].message


def test_they_are_in_the_saved_plan_and_its_fingerprint() -> None:
    plan = plan_of(hook={"url": "b"})
    schema = plan_schema()
    text = plan_json(plan)
    assert read_saved(text.encode(), {"thing": KIND}, schema) == plan
    other = change_of(live={**LIVE, "hook": {**LIVE["hook"], "x": 1}}, hook={"url": "b"})
    assert with_fingerprint(replace(plan, changes=(other,))).fingerprint != plan.fingerprint
    document = json.loads(text)
    for edited in ({"hook": {"url": "z", "x": 1}}, {"hook": {"url": "a"}}, {"note": "n"}):
        document["resource_changes"][0]["live_members"] = edited
        document["checksum"] = checksum_of(document)
        with pytest.raises(RefusedError):
            read_saved(json.dumps(document).encode(), {"thing": KIND}, schema)


@pytest.mark.parametrize("members", [{"x": 1}, {}, {"x": None, "y": 1}])
def test_a_plan_is_stale_once_they_have_other_values(members: dict[str, Any]) -> None:
    change = change_of(hook={"url": "b"})
    assert fields_changed_since_plan(KIND, change, LIVE) == ()
    hook = {name: value for name, value in LIVE["hook"].items() if name != "x"} | members
    (found,) = fields_changed_since_plan(KIND, change, {**LIVE, "hook": hook})
    assert found.field == "hook"


def correction_of(live: Any) -> Change:
    """Return the correction in place of a key that must not be replaced."""
    kinds = {"thing": kind_with(FIELDS, immutable=["note"], create={"requires": []})}
    plan = plan_of(kinds["thing"], live, hook={"url": "b"}, note="m")
    drifted = drift_of(kinds, plan)
    found = corrections(kinds, plan, drifted, lambda _address, _record: True, Permissions(), NOW)
    (change,) = found.plan.changes
    assert fields_changed_since_plan(kinds["thing"], plan.changes[0], live) == ()
    return change


def test_a_correction_in_place_of_a_key_that_would_be_replaced_sends_them_too() -> None:
    change = correction_of(LIVE)
    assert change.requests[0].body == change_of(hook={"url": "b"}).requests[0].body
    assert fields_changed_since_plan(KIND, change, LIVE) == ()


def test_a_correction_in_place_of_a_key_that_would_be_replaced_never_stores_a_hidden_value() -> None:
    live = {**LIVE, "hook": {"url": "a", "token": "****"}}
    change = correction_of(live)
    assert "****" not in json_text(change.requests[0].body)
    assert [found.field for found in fields_changed_since_plan(KIND, change, live)] == ["hook"]


def test_a_replacement_sends_none_of_them() -> None:
    kind = kind_with(FIELDS, immutable=["note"], create={"requires": []})
    plan = plan_of(kind, hook={"url": "b"}, note="m")
    (change,) = plan.changes
    assert "x" not in change.requests[-1].body["hook"]
    assert "live_members" not in plan_document(plan, NOW)["resource_changes"][0]


NAMED = st.fixed_dictionaries(
    {"name": st.sampled_from("abc")},
    optional={
        "port": st.sampled_from([1, 2, 2.0]),
        "x": st.sampled_from([1, "a"]),
        "inner": st.fixed_dictionaries({"size": st.sampled_from([1, 2])}, optional={"x": st.integers(0, 2)}),
        "id": st.just(1),
    },
)
LISTS = st.lists(NAMED, max_size=3, unique_by=lambda item: item["name"])


def described(item: dict[str, Any]) -> dict[str, Any]:
    """Return what a file can declare of an item."""
    return {
        name: {"size": value["size"]} if name == "inner" else value
        for name, value in item.items()
        if name not in {"x", "id"}
    }


@examples(40)
@given(st.sampled_from(sorted(KINDS)), st.sampled_from(["rules", "set"]), LISTS, LISTS)
def test_a_service_that_replaces_the_field_loses_nothing_of_an_item_that_stays(
    encoding: str, field: str, items: list[dict[str, Any]], live: list[dict[str, Any]]
) -> None:
    kind = KINDS[encoding]
    want: dict[str, Any] = {field: [described(item) for item in items]}
    shown = {**LIVE, field: live}
    changes = plan_of(kind, shown, **want).changes
    body = changes[0].requests[0].body if changes else {}
    sent = {field: body[0]["value"]} if isinstance(body, list) else body
    after = {**shown, **sent}
    assert plan_of(kind, after, **want).changes == ()
    kept = {item["name"]: item for item in live}
    for item in after[field] if changes else ():
        old = kept.get(item["name"], {})
        assert item.get("x") == old.get("x")
        assert "id" not in item
        if "inner" in item:
            assert item["inner"].get("x") == old.get("inner", {}).get("x")
    assert json_text(sorted(item["name"] for item in after[field])) == json_text(
        sorted(item["name"] for item in items)
    )
