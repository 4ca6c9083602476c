"""Git as the state file: who made each field differ since a base commit."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.desired import DesiredKey, DesiredScope, DesiredState
from reconciler.model.plan import DriftOrigin, Origin
from reconciler.model.scope import Scope
from reconciler.model.source import Position
from tests.values import API, CAAS, SCOPE, WEB, declared, kind_with, live, make_plan, with_origins_of

KINDS = {"caas": CAAS}
TEXT = {"type": "string"}
NOT_DECLARED = object()


def origin_of(field: str, base: Any, now: Any, live_value: Any) -> Origin | DriftOrigin | None:
    """Return the origin of a field: ``base`` and ``now`` in the files, ``live_value`` in the API."""
    fields = {} if base is NOT_DECLARED else {field: base}
    state = DesiredState((DesiredScope(SCOPE, (declared(**fields),)),))
    plan = make_plan([declared(**{field: now})], [live(**{field: live_value})])
    ((change,),) = [with_origins_of(KINDS, plan, state).changes]
    (field_with_origin,) = change.fields
    return field_with_origin.origin


@pytest.mark.parametrize(
    ("base", "now", "live_value", "origin"),
    [
        ("old", "new", "old", Origin.CONFIG),
        ("same", "same", "edited", Origin.DRIFT),
        ("old", "new", "edited", Origin.CONFLICT),
        (NOT_DECLARED, "new", "anything", Origin.CONFIG),
    ],
)
def test_base_desired_and_live_determine_which_side_changed_a_field(
    base: Any, now: Any, live_value: Any, origin: Origin
) -> None:
    assert origin_of("description", base, now, live_value) is origin


def test_a_different_spelling_is_not_a_change_in_git() -> None:
    base, now = "2027-01-01T02:00:00+02:00", "2027-01-01T00:00:00Z"
    assert origin_of("expire", base, now, "2028-01-01T00:00:00Z") is Origin.DRIFT


def test_null_is_not_absent() -> None:
    assert origin_of("expire", None, None, "2028-01-01T00:00:00Z") is Origin.DRIFT
    assert origin_of("expire", NOT_DECLARED, None, "2028-01-01T00:00:00Z") is Origin.CONFIG


def test_the_order_of_a_set_is_not_a_change_in_git() -> None:
    assert origin_of("containers", [WEB, API], [API, WEB], []) is Origin.DRIFT


def test_a_key_missing_at_the_base_has_origin_git() -> None:
    plan = make_plan([declared(description="new")], [live()])
    (change,) = with_origins_of(KINDS, plan, DesiredState(())).changes
    assert [field.origin for field in change.fields] == [Origin.CONFIG]


@pytest.mark.parametrize("is_declared", [True, False])
def test_a_live_key_that_was_declared_absent_has_origin_both(*, is_declared: bool) -> None:
    absent = DesiredKey("web-key", {}, "keys.yaml", 0, is_absent=True)
    base = DesiredScope(
        SCOPE, (absent,) if is_declared else (), None if is_declared else Position("keys.yaml", 1, 1)
    )
    plan = make_plan([declared(description="new")], [live(description="theirs")])
    (change,) = with_origins_of(KINDS, plan, DesiredState((base,))).changes
    assert [field.origin for field in change.fields] == [Origin.CONFLICT]


def test_a_plan_counts_keys_by_origin_and_keeps_its_fingerprint() -> None:
    base = DesiredState((DesiredScope(SCOPE, (declared(description="old", is_disabled=False),)),))
    plan = make_plan(
        [declared(description="new", is_disabled=False)], [live(description="old", is_disabled=True)]
    )
    found = with_origins_of(KINDS, plan, base)
    assert [found.of_origin(origin) for origin in Origin] == [1, 1, 0]
    assert [plan.of_origin(origin) for origin in Origin] == [0, 0, 0]
    assert found.fingerprint == plan.fingerprint


HOOK = kind_with({"hook": {"type": "object", "properties": {"url": TEXT, "size": {"type": "integer"}}}})


@pytest.mark.parametrize(
    ("base", "now", "origin"),
    [
        ({"url": "a"}, {"url": "a"}, Origin.DRIFT),
        ({"url": "old"}, {"url": "a"}, Origin.CONFLICT),
        ({"url": "live"}, {"url": "a"}, Origin.CONFIG),
        ({"url": "live", "size": 4}, {"url": "a"}, Origin.CONFLICT),
    ],
)
def test_members_that_an_object_leaves_out_are_no_change_in_git(base: Any, now: Any, origin: Origin) -> None:
    scope = Scope("thing", 1, names=("project_id",))
    state = DesiredState((DesiredScope(scope, (declared(hook=base),)),))
    observed = {"name": "web-key", "hook": {"url": "live", "size": 3}}
    plan = make_plan([declared(hook=now)], [observed], kind=HOOK, scope=scope)
    ((change,),) = [with_origins_of({"thing": HOOK}, plan, state).changes]
    assert [field.origin for field in change.fields] == [origin]
