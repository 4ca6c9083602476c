"""Plans: made scope by scope, joined, and checked again before and after they are applied."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import SchemaMismatchError
from reconciler.kinds.rest import Update
from reconciler.model.desired import DesiredKey, DesiredScope
from reconciler.model.live import LiveScope
from reconciler.model.plan import Action
from reconciler.model.scope import Scope
from reconciler.model.source import Position, Problem
from reconciler.plan.planning import assemble, plan_scope
from reconciler.plan.recheck import Difference, fields_changed_since_plan, fields_not_stored
from tests.values import (
    API,
    CAAS,
    LATER,
    NOW,
    SCOPE,
    WEB,
    declared,
    kind_with,
    live,
    make_plan,
    only_change,
)

TEXT = {"type": "string"}
EMPTY = "sha256:7c077ca2308714493d07163e1033c4282bd869ff6d477b3e77408587f95e2930"
FUNCTIONS = kind_with(
    {"description": TEXT, "functions": {"type": "array", "uniqueItems": True}},
    always_sent=["functions"],
    effects={"functions": "binding"},
)


def part_of(scope: Scope, *names: str) -> Any:
    keys = tuple(declared(name, is_disabled=True) for name in names)
    observed = LiveScope(scope, {name: live(name) for name in (*names, "other")})
    return plan_scope(CAAS, DesiredScope(scope, keys), observed, NOW)


def test_a_plan_of_nothing_is_empty() -> None:
    plan = assemble([])
    assert (plan.changes, plan.unchanged, plan.unmanaged, plan.fingerprint) == ((), 0, (), EMPTY)


def test_the_order_of_scopes_does_not_matter() -> None:
    parts = [
        part_of(Scope("caas", project, region), "key-b", "key-a") for project in (2, 1) for region in (76, 9)
    ]
    assert assemble(parts) == assemble(reversed(parts))


def test_changes_are_sorted_by_project_and_region_as_numbers() -> None:
    plan = assemble(
        [part_of(Scope("caas", project, region), "key-a") for project in (10, 2) for region in (76, 9)]
    )
    assert [change.address for change in plan.changes] == [
        "caas/2/9/key-a",
        "caas/2/76/key-a",
        "caas/10/9/key-a",
        "caas/10/76/key-a",
    ]


def test_unmanaged_keys_of_all_scopes_are_sorted() -> None:
    plan = assemble([part_of(Scope("caas", 2, 1)), part_of(Scope("caas", 1, 1))])
    assert plan.unmanaged == ("caas/1/1/other", "caas/2/1/other")


def test_problems_are_sorted_by_position() -> None:
    plan = make_plan([declared("key-b", line=9), declared("key-c", line=2), declared("key-a", line=10)], [])
    assert [problem.position.line for problem in plan.problems if problem.position] == [2, 9, 10]


def test_warnings_are_passed_on() -> None:
    warning = Problem("careful", Position("keys.yaml", 1, 1))
    assert assemble([], [warning]).warnings == (warning,)


@pytest.mark.parametrize(
    ("expire", "problems"),
    [("2020-01-01T00:00:00Z", 1), ("2026-06-01T12:00:00Z", 1), ("2026-06-01T12:00:01Z", 0), (None, 0)],
)
def test_an_expiry_that_would_be_sent_must_lie_in_the_future(expire: str | None, problems: int) -> None:
    plan = make_plan([declared(expire=expire)], [live(expire=LATER)])
    assert (len(plan.changes), len(plan.problems)) == (1, problems)


def test_only_a_kind_with_a_switch_is_told_to_switch_off_instead() -> None:
    expiry = {"expire": {"type": "string", "format": "date-time"}}
    kind = kind_with(expiry, effects={"expire": "expiry"})
    past = declared(expire="2020-01-01T00:00:00Z")
    (problem,) = make_plan([past], [{"name": "web-key", "expire": LATER}], kind=kind).problems
    assert problem.message.endswith("would disable the key at once; write a later time")


def test_a_change_names_its_request() -> None:
    assert only_change({"is_disabled": True}, {}).path == "/cloud/v1/caas/keys/1/76/web-key"


def test_a_name_is_percent_encoded_in_the_path() -> None:
    plan = make_plan([declared("a/b ?ü", is_disabled=True)], [live("a/b ?ü")])
    assert plan.changes[0].path == "/cloud/v1/caas/keys/1/76/a%2Fb%20%3F%C3%BC"


def test_a_plan_counts_the_keys_whose_access_changes() -> None:
    keys = [
        declared("key-a", is_disabled=True),
        declared("key-b", containers=[WEB]),
        declared("key-c", description="x"),
    ]
    plan = make_plan(keys, [live("key-a"), live("key-b", containers=[API]), live("key-c")])
    assert (plan.grants, plan.revokes) == (1, 2)


def test_a_field_required_in_every_update_is_sent_with_its_live_value() -> None:
    change = only_change({"description": "new"}, {"functions": ["b", "a", "b"]}, FUNCTIONS)
    assert change.patch == {"description": "new", "functions": ["a", "b"]}
    assert [field.field for field in change.fields] == ["description"]


def test_without_a_field_required_in_every_update_nothing_is_sent() -> None:
    plan = make_plan([declared(description="new")], [live()], kind=FUNCTIONS)
    assert plan.changes == ()
    assert [problem.message for problem in plan.problems if "it has no functions" in problem.message]


def test_a_declared_field_required_in_every_update_is_sent_as_declared() -> None:
    change = only_change({"description": "new", "functions": ["c"]}, {"functions": ["c"]}, FUNCTIONS)
    assert change.patch == {"description": "new", "functions": ["c"]}


POLICY = kind_with(
    {
        "note": TEXT,
        "action": TEXT,
        "address": {"type": ["string", "null"]},
        "pool": {"type": ["string", "null"]},
    },
    always_sent=["action"],
    sent_with={"address": {"action": ["go"]}, "pool": {"action": ["share"]}},
)
GOING = {"action": "go", "address": "a", "pool": None}


@pytest.mark.parametrize(
    ("fields", "before", "patch"),
    [
        ({"note": "new"}, {}, {"note": "new", "action": "go", "address": "a"}),
        ({"note": "new"}, {"action": "stop"}, {"note": "new", "action": "stop"}),
        ({"action": "stop"}, {}, {"action": "stop"}),
        ({"action": "go"}, {"action": "stop"}, {"action": "go", "address": "a"}),
        ({"action": "go", "address": "b"}, {"action": "stop"}, {"action": "go", "address": "b"}),
        ({"action": "share", "pool": "p"}, {}, {"action": "share", "pool": "p"}),
    ],
)
def test_a_field_is_sent_too_where_the_service_requires_it_with_the_value_of_another(
    fields: Any, before: Any, patch: Any
) -> None:
    assert only_change(fields, {"note": "", **GOING, **before}, POLICY).patch == patch


ALERT_FIELDS: dict[str, Any] = {
    "note": TEXT,
    "action": TEXT,
    "address": {"type": ["string", "null"]},
    "pool": {"type": ["string", "null"]},
}
ALERT = kind_with(ALERT_FIELDS, sent_one_of=[["address", "pool"]], sent_with={"note": {"action": ["go"]}})


@pytest.mark.parametrize(
    ("fields", "before", "patch"),
    [
        ({"note": "new"}, {}, {"note": "new", "address": "a"}),
        ({"note": "new"}, {"address": None, "pool": "p"}, {"note": "new", "pool": "p"}),
        ({"note": "new", "pool": "p"}, {}, {"note": "new", "pool": "p"}),
        ({"pool": "p"}, {}, {"pool": "p"}),
        ({"action": "go"}, {"action": "stop"}, {"action": "go", "address": "a", "note": ""}),
        ({"address": "b"}, {}, {"address": "b"}),
    ],
)
def test_an_update_carries_one_of_a_group_and_no_more_than_it_has_to(
    fields: Any, before: Any, patch: Any
) -> None:
    assert only_change(fields, {"note": "", **GOING, **before}, ALERT).patch == patch


def test_an_update_that_has_none_of_a_group_is_not_sent() -> None:
    plan = make_plan(
        [declared(note="new")], [live(note="", action="go", address=None, pool=None)], kind=ALERT
    )
    assert plan.changes == ()
    message = "an update must carry one of address, pool, and the key has none of them; declare one"
    assert [problem.message for problem in plan.problems] == [message]


def test_a_field_that_is_required_with_a_value_has_to_be_there() -> None:
    plan = make_plan([declared(action="share")], [live(note="", **GOING)], kind=POLICY)
    assert plan.changes == ()
    message = 'with action "share" an update must carry pool too, which the key does not have; declare it'
    assert [problem.message for problem in plan.problems] == [message]


def test_a_field_required_in_every_update_is_not_a_change_by_itself() -> None:
    plan = make_plan([declared(functions=["a"])], [live(functions=["a"])], kind=FUNCTIONS)
    assert plan.changes == ()


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (({"is_disabled": True}, {}, "web-key"), True),
        (({"is_disabled": True}, {"description": "undeclared"}, "web-key"), True),
        (({"is_disabled": True}, {}, "api-key"), False),
        (({"description": "x"}, {}, "web-key"), False),
        (({"is_disabled": True, "expire": None}, {}, "web-key"), False),
    ],
)
def test_a_fingerprint_identifies_the_planned_changes(change: Any, *, same: bool) -> None:
    want, have, name = change
    plan = make_plan([declared(name, **want)], [live(name, **have)])
    usual = make_plan([declared(is_disabled=True)], [live()])
    assert (plan.fingerprint == usual.fingerprint) is same


def test_a_fingerprint_is_stable_across_versions() -> None:
    plan = make_plan([declared(expire=None, containers=[WEB])], [live(expire=LATER)])
    assert plan.fingerprint == "sha256:a204862848184d5b0453cf008b7801c80e8ef0d2c36a9a4d10b60a04e466f622"


@pytest.mark.parametrize(
    ("found", "moved"),
    [
        ({}, ()),
        ({"description": "somebody else's"}, ()),
        ({"expire": "2027-01-01T01:00:00+01:00"}, ()),
        ({"expire": None}, (Difference("expire", LATER, None),)),
        ({"is_disabled": True}, (Difference("is_disabled", expected=False, found=True),)),
        ({"source": "iate"}, (Difference("name", "web-key", None),)),
    ],
)
def test_a_patched_field_changed_since_the_plan_is_named(found: Any, moved: Any) -> None:
    planned = {"expire": LATER, "is_disabled": False}
    change = only_change({"expire": "2028-01-01T00:00:00Z", "is_disabled": True}, planned)
    assert fields_changed_since_plan(CAAS, change, live(**planned | found)) == moved


def test_a_deleted_key_is_reported_as_changed_by_name() -> None:
    change = only_change({"is_disabled": True}, {})
    assert fields_changed_since_plan(CAAS, change, None) == (Difference("name", "web-key", None),)


@pytest.mark.parametrize(
    ("response", "unstored"),
    [
        ({"expire": None, "containers": [API, WEB]}, ()),
        ({"expire": LATER, "containers": [API, WEB]}, (Difference("expire", None, LATER),)),
        ({"expire": None, "containers": []}, (Difference("containers", [API, WEB], []),)),
    ],
)
def test_a_field_that_was_sent_but_not_stored_is_named(response: Any, unstored: Any) -> None:
    change = only_change({"expire": None, "containers": [WEB, API]}, {"expire": LATER})
    assert fields_not_stored(CAAS, change.address, change.patch, live(**response)) == unstored


@pytest.mark.parametrize("response", [{"name": "web-key"}, live(is_disabled=1), live(is_disabled=None)])
def test_a_response_that_does_not_match_the_schema_confirms_nothing(response: Any) -> None:
    change = only_change({"is_disabled": True}, {})
    with pytest.raises(
        SchemaMismatchError,
        match="caas/1/76/web-key: the service returned a key that does not match the documented schema",
    ):
        fields_not_stored(CAAS, change.address, change.patch, response)


@pytest.mark.parametrize(
    ("response", "reason"),
    [({"name": "web-key"}, "it has no is_disabled"), (live(is_disabled=1), "is_disabled holds 1")],
)
def test_a_live_key_that_does_not_match_the_schema_is_named_with_the_reason(
    response: Any, reason: str
) -> None:
    change = only_change({"is_disabled": True}, {})
    message = (
        f"caas/1/76/web-key: the service returned a key that does not match the documented schema: {reason}"
    )
    with pytest.raises(SchemaMismatchError) as moved:
        fields_changed_since_plan(CAAS, change, response)
    with pytest.raises(SchemaMismatchError) as unstored:
        fields_not_stored(CAAS, change.address, change.patch, response)
    assert (str(moved.value), str(unstored.value)) == (message, message)


def test_a_key_outside_the_targets_does_not_hide_the_keys_after_it() -> None:
    keys = [declared(name, is_disabled=True) for name in ("key-a", "key-b", "key-c")]
    observed = [live(key.name) for key in keys]
    plan = make_plan(keys, observed, selected=lambda address: not address.endswith("key-b"))
    assert [change.name for change in plan.changes] == ["key-a", "key-c"]


@pytest.mark.parametrize("name", ["..", ".", "", "a/../b", "\ud800"], ids=ascii)
def test_a_live_name_that_is_not_one_path_segment_is_a_problem_of_that_key_only(name: str) -> None:
    thing = kind_with({"note": {"type": "string"}}, create={"requires": []})
    observed = LiveScope(SCOPE, {key: {"name": key, "note": "x"} for key in (name, "web", "old")})
    wanted = DesiredKey("web", {"name": "web", "note": "y"}, "keys.yaml", 0)
    desired = DesiredScope(SCOPE, (wanted,), Position("keys.yaml", 3))
    part = plan_scope(thing, desired, observed, NOW)
    assert [(change.name, change.action) for change in part.changes] == [
        ("web", Action.UPDATE),
        ("old", Action.DELETE),
    ]
    (problem,) = part.problems
    assert problem.address == SCOPE.address(name)
    assert "so the key cannot be addressed; delete it in the portal" in problem.message
    unmanaged = plan_scope(thing, replace(desired, exclusive=None), observed, NOW)
    assert (unmanaged.problems, SCOPE.address(name) in unmanaged.unmanaged) == ((), True)


@pytest.mark.parametrize("shown", [True, False])
def test_a_declared_name_that_is_not_one_path_segment_is_a_problem_of_its_declaration(*, shown: bool) -> None:
    thing = kind_with({"note": {"type": "string"}}, create={"requires": []})
    found = {"..": {"name": "..", "note": "x"}} if shown else {}
    wanted = DesiredKey("..", {"name": "..", "note": "y"}, "keys.yaml", 0)
    part = plan_scope(thing, DesiredScope(SCOPE, (wanted,)), LiveScope(SCOPE, found), NOW)
    assert (part.changes, [problem.position for problem in part.problems]) == ((), [wanted.position])


def test_a_declared_value_that_cannot_be_compared_is_a_problem_of_the_declaration() -> None:
    for observed in ([live(description=None)], []):
        plan = make_plan([declared(line=3, containers=[{"name": 7}], description="x")], observed)
        (problem,) = plan.problems
        assert str(problem).startswith(
            "keys.yaml:3:1: caas/1/76/web-key: the declared value cannot be compared"
        )
        assert (plan.changes, problem.is_live, plan.objections) == ((), False, (problem,))


def test_a_key_updated_as_a_whole_is_not_changed_if_one_field_is_odd() -> None:
    thing = kind_with(
        {"note": {"type": "string"}, "items": {"type": "array", "items": {"type": "string"}}},
        always_sent=["items"],
    )
    plan = make_plan([declared(note="new")], [{"name": "web-key", "note": "old", "items": None}], kind=thing)
    (problem,) = plan.problems
    assert (plan.changes, problem.is_live) == ((), True)
    assert "items holds null" in problem.message


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_an_update_is_sent_by_the_method_of_its_kind(method: str) -> None:
    kind = replace(CAAS, update=Update(method))
    change = only_change({"is_disabled": True}, {}, kind)
    assert [str(request) for request in change.requests] == [f'{method} {change.path} {{"is_disabled":true}}']
