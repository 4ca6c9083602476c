"""A plan read the other way round: what changed outside Git, and what of it is corrected."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import ConfigurationError
from reconciler.model.desired import DesiredScope, DesiredState
from reconciler.model.plan import DriftOrigin
from reconciler.model.scope import Scope
from reconciler.model.source import Problem
from reconciler.plan.correction import Permissions, corrections
from reconciler.plan.drift import Correction, declared_values, drift_of, drifted_part, pending_part
from reconciler.plan.planning import with_fingerprint
from reconciler.plan.report import DriftReport, DriftSince
from reconciler.render.drift import DriftView, render_drift
from tests.values import API, CAAS, LATER, NOW, SCOPE, WEB, declared, kind_with, live, make_plan

if TYPE_CHECKING:
    from reconciler.model.plan import Plan
    from reconciler.plan.drift import IsWanted

KINDS = {"caas": CAAS, "thing": CAAS}
EARLIER = "2026-09-01T00:00:00Z"
PAST = "2020-01-01T00:00:00Z"
WHOLE = """\
Note: Objects differ from the files

reconciler detected the following differences, from the desired to the live value:

  # caas/1/76/web-key differs from the files (grants+revokes)
  # (declared at keys.yaml:1)
  ~ caas "web-key" {
      ~ containers = [  # grants: binds 1
          + {name: "api", namespace: "shop"}
            # (1 unchanged element hidden)
        ]
      ~ description = "ours" -> "theirs"  # neutral: access unchanged
      ~ is_disabled = false -> true  # revokes: disables the key
        # (1 unchanged attribute hidden)
    }

Drift: 1 key differs from the files.
Access: grants on 1 key, revokes on 1 key, neutral on 0 keys.
Origin: not known; --base REF shows it, or a history that apply has written to (--history).
"""


def drifted_plan() -> Plan:
    ours: dict[str, Any] = {"description": "ours", "is_disabled": False, "containers": [WEB], "expire": None}
    theirs: dict[str, Any] = {"description": "theirs", "is_disabled": True, "containers": [API, WEB]}
    return make_plan([declared(**ours)], [live(**theirs)])


def by_effect(wanted: Correction) -> IsWanted:
    return lambda _address, change: wanted.covers(change)


def corrected(plan: Plan, wanted: Correction) -> list[dict[str, Any]]:
    found = corrections(KINDS, plan, drift_of(KINDS, plan), by_effect(wanted), Permissions(), NOW).plan
    assert found == with_fingerprint(found)
    assert found.problems == ()
    return [dict(change.patch) for change in found.changes]


@pytest.mark.parametrize(
    ("git", "portal", "effect"),
    [
        ({"is_disabled": False}, {"is_disabled": True}, "revokes"),
        ({"is_disabled": True}, {"is_disabled": False}, "grants"),
        ({"expire": EARLIER}, {"expire": LATER}, "grants"),
        ({"expire": LATER}, {"expire": EARLIER}, "revokes"),
        ({"expire": None}, {"expire": LATER}, "revokes"),
        ({"containers": [WEB]}, {"containers": []}, "revokes"),
        ({"containers": [WEB]}, {"containers": [API]}, "grants+revokes"),
        ({"description": "x"}, {"description": "y"}, "neutral"),
    ],
)
def test_drift_has_the_effect_of_the_change_in_the_portal(git: Any, portal: Any, effect: str) -> None:
    (key,) = drift_of(KINDS, make_plan([declared(**git)], [live(**portal)]))
    (field,) = key.fields
    assert (field.effect, key.effect) == (effect, effect)
    assert (field.before, field.after) == (next(iter(git.values())), next(iter(portal.values())))


@pytest.mark.parametrize(
    ("wanted", "patches"),
    [
        (Correction.ALL, [{"containers": [WEB], "description": "ours", "is_disabled": False}]),
        (Correction.GRANTS, [{"containers": [WEB]}]),
        (Correction.REVOKES, [{"is_disabled": False}]),
    ],
)
def test_only_fields_whose_drift_had_the_effect_are_corrected(
    wanted: Correction, patches: list[dict[str, Any]]
) -> None:
    assert corrected(drifted_plan(), wanted) == patches


@pytest.mark.parametrize("wanted", list(Correction))
def test_drift_that_grants_and_revokes_is_corrected_with_either_effect(wanted: Correction) -> None:
    plan = make_plan([declared(containers=[WEB])], [live(containers=[API])])
    assert corrected(plan, wanted) == [{"containers": [WEB]}]


def test_a_key_without_drift_of_the_selected_effect_is_not_changed() -> None:
    plan = make_plan([declared(description="ours")], [live(description="theirs")])
    assert corrected(plan, Correction.GRANTS) == []


def test_a_deleted_or_expiring_key_does_not_block_correction_of_the_others() -> None:
    keys = [declared("gone"), declared("late", expire=PAST), declared(description="ours")]
    plan = make_plan(keys, [live("late"), live(description="theirs")])
    assert len(plan.problems) == 2
    assert corrected(plan, Correction.ALL) == [{"description": "ours"}]


def test_fields_required_in_every_update_are_sent() -> None:
    properties = {"on": {"type": "boolean"}, "note": {"type": "string"}, "functions": {"type": "array"}}
    kind = kind_with(properties, always_sent=["functions"], effects={"on": "switch-off"})
    plan = make_plan(
        [declared(on=True, note="ours")],
        [{"name": "web-key", "on": False, "note": "theirs", "functions": [1]}],
        kind=kind,
    )
    found = corrections(
        {"caas": kind}, plan, drift_of({"caas": kind}, plan), by_effect(Correction.GRANTS), Permissions(), NOW
    ).plan
    assert [change.patch for change in found.changes] == [{"functions": [1], "on": True}]


def test_a_required_field_is_sent_with_its_live_value_unless_corrected() -> None:
    properties = {"on": {"type": "boolean"}, "functions": {"type": "array"}}
    kind = kind_with(properties, always_sent=["functions"], effects={"on": "switch-off"})
    live_key = {"name": "web-key", "on": False, "functions": ["theirs"]}
    plan = make_plan([declared(on=True, functions=["ours"])], [live_key], kind=kind)
    found = corrections(
        {"caas": kind}, plan, drift_of({"caas": kind}, plan), by_effect(Correction.GRANTS), Permissions(), NOW
    ).plan
    assert [change.patch for change in found.changes] == [{"functions": ["theirs"], "on": True}]


def test_a_field_is_sent_with_the_value_that_another_has_after_a_correction() -> None:
    properties = {"on": {"type": "boolean"}, "action": {"type": "string"}, "address": {"type": "string"}}
    extension = {"always_sent": ["action"], "sent_with": {"address": {"action": ["go"]}}}
    kind = kind_with(properties, **extension, effects={"on": "switch-off"})
    live_key = {"name": "web-key", "on": False, "action": "go", "address": "a"}
    plan = make_plan([declared(on=True, action="stop")], [live_key], kind=kind)
    assert plan.changes[0].patch == {"on": True, "action": "stop"}
    found = corrections(
        {"caas": kind}, plan, drift_of({"caas": kind}, plan), by_effect(Correction.GRANTS), Permissions(), NOW
    ).plan
    assert [change.patch for change in found.changes] == [{"on": True, "action": "go", "address": "a"}]


def test_one_of_a_group_is_sent_as_it_is_where_a_correction_changes_none() -> None:
    properties = {"on": {"type": "boolean"}, "action": {"type": "string"}, "address": {"type": "string"}}
    kind = kind_with(properties, sent_one_of=[["action", "address"]], effects={"on": "switch-off"})
    live_key = {"name": "web-key", "on": False, "action": "go", "address": "a"}
    plan = make_plan([declared(on=True, address="b")], [live_key], kind=kind)
    assert plan.changes[0].patch == {"on": True, "address": "b"}
    found = corrections(
        {"caas": kind}, plan, drift_of({"caas": kind}, plan), by_effect(Correction.GRANTS), Permissions(), NOW
    ).plan
    assert [change.patch for change in found.changes] == [{"on": True, "action": "go"}]


def test_a_field_that_is_declared_is_looked_up_in_normal_form() -> None:
    key = declared("web", expire="2027-01-01T02:00:00+02:00", description="ours")
    state = DesiredState((DesiredScope(SCOPE, (key,)),))
    fields = [("caas/1/76/web", "expire"), ("caas/1/76/web", "containers"), ("caas/1/76/gone", "expire")]
    assert declared_values(KINDS, state, fields) == {("caas/1/76/web", "expire"): '"2027-01-01T00:00:00Z"'}


def test_members_that_an_object_leaves_out_are_as_they_were() -> None:
    kind = kind_with(
        {"hook": {"type": "object", "properties": {"url": {"type": "string"}, "size": {"type": "integer"}}}}
    )
    scope = Scope("thing", 1, names=("project_id",))
    state = DesiredState((DesiredScope(scope, (declared(hook={"url": "a"}),)),))
    field = ("thing/1/web-key", "hook")
    earlier = '{"size":3,"url":"a"}'
    assert declared_values({"thing": kind}, state, [field]) == {field: '{"url":"a"}'}
    assert declared_values({"thing": kind}, state, {field: earlier}) == {field: earlier}


def test_drift_is_shown_like_a_refresh_only_plan() -> None:
    assert render_drift(DriftView(drift_of(KINDS, drifted_plan()))) == WHOLE


def test_a_pending_field_of_a_drifted_key_is_not_counted_as_unchanged() -> None:
    want, have = declared(description="new", is_disabled=True), live(description="old", is_disabled=False)
    (key,) = drift_of(KINDS, make_plan([want], [have]))
    origins = (DriftOrigin.DRIFT, DriftOrigin.PENDING)
    fields = (replace(field, origin=origin) for field, origin in zip(key.fields, origins, strict=True))
    mixed = [replace(key, fields=tuple(fields))]
    text = render_drift(DriftView(drifted_part(mixed), pending_part(mixed)))
    drift, _, pending = text.partition("Pending: ")
    assert ("description" in drift, "is_disabled" in drift) == (True, False)
    assert ("description" in pending, "is_disabled" in pending) == (False, True)
    assert "unchanged attribute" not in drift


@pytest.mark.parametrize(
    ("is_complete", "text"),
    [
        (True, "No changes. Your infrastructure still matches the configuration.\n"),
        (False, "The compared keys have not drifted; the errors list the others.\n"),
    ],
)
def test_the_absence_of_drift_is_claimed_only_for_compared_keys(text: str, *, is_complete: bool) -> None:
    assert render_drift(DriftView((), is_complete=is_complete)) == text


def test_drift_since_a_report_is_what_differs_otherwise_and_what_no_longer_does() -> None:
    plan, same = drifted_plan(), make_plan([declared()], [live()])
    report = DriftReport(plan, drift_of(KINDS, plan), {})
    news = report.since({})
    assert (news.found, news.ended) == (report.fields(), ())
    assert report.since(news.known) == DriftSince((), (), news.known)
    assert DriftReport(same, (), {}).since(news.known) == DriftSince((), tuple(sorted(news.known)), {})


def test_drift_that_cannot_be_compared_has_not_ended() -> None:
    plan, same = drifted_plan(), make_plan([declared()], [live()])
    known = DriftReport(plan, drift_of(KINDS, plan), {}).since({}).known
    odd = Problem("is odd", address=SCOPE.address("web-key"), is_live=True)
    for report in (
        DriftReport(same, (), {SCOPE: ConfigurationError("away")}),
        DriftReport(replace(same, problems=(odd,)), (), {}),
    ):
        assert report.since(known) == DriftSince((), (), known)
