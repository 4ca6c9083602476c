"""What a plan says and does for rotations, which the files alone declare."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.kinds.packaged import load_kinds
from reconciler.kinds.rotation import rotation_fault
from reconciler.model.desired import Lifecycle
from reconciler.model.plan import Action
from reconciler.model.scope import Scope
from reconciler.model.succession import Purpose, Stage
from reconciler.plan.correction import Corrections, Permissions, corrections
from reconciler.plan.drift import Correction, drift_of
from reconciler.plan.rotation import next_step, rotations
from reconciler.plan.saved import read_saved
from tests.values import (
    CAAS,
    NOW,
    SCOPE,
    check_document,
    declared,
    kind_with,
    live,
    make_plan,
    plan_json,
)

if TYPE_CHECKING:
    from reconciler.model.desired import DesiredKey

SOON, LATER = "2026-06-08T00:00:00Z", "2026-12-01T00:00:00Z"


def old(**fields: Any) -> DesiredKey:
    return declared("web-key", expire=SOON, **fields)


def new(name: str = "web-key-2", rotates: str = "web-key", **lifecycle: Any) -> DesiredKey:
    key = declared(name, line=5, expire=LATER, containers=[])
    return key._replace(lifecycle=Lifecycle(rotates=rotates, alias="web-key", **lifecycle))


def test_the_parts_of_a_rotation_are_labelled_and_the_old_key_waits() -> None:
    plan = make_plan(
        [old(), new(), declared("other-key", expire=LATER)], [live(), live("other-key", expire=SOON)]
    )
    found = {change.name: (change.action, change.purpose, change.waits_for) for change in plan.changes}
    assert found == {
        "other-key": (Action.UPDATE, Purpose.RENEW, None),
        "web-key": (Action.UPDATE, Purpose.ROTATE, "web-key-2"),
        "web-key-2": (Action.CREATE, Purpose.ROTATE, None),
    }
    assert [(one.name, one.alias) for one in plan.aliases] == [("web-key-2", "web-key")]


def test_a_change_that_does_more_is_no_renewal() -> None:
    key = declared("other-key", expire=LATER, description="new")
    (change,) = make_plan([key], [live("other-key", expire=SOON)]).changes
    assert change.purpose is None


def test_a_change_that_takes_no_access_does_not_wait() -> None:
    plan = make_plan(
        [declared("web-key", description="old"), new()], [live(), live("web-key-2", expire=LATER)]
    )
    assert [(change.name, change.waits_for) for change in plan.changes] == [("web-key", None)]


def test_a_deletion_waits_too() -> None:
    plan = make_plan([old()._replace(is_absent=True), new()], [live(), live("web-key-2", expire=LATER)])
    assert [(change.action, change.waits_for) for change in plan.changes] == [(Action.DELETE, "web-key-2")]


def test_every_key_of_a_chain_waits_for_the_last() -> None:
    keys = [old(), new()._replace(is_absent=True), new("web-key-3", "web-key-2")]
    plan = make_plan(keys, [live(), live("web-key-2", expire=LATER)])
    assert {change.name: change.waits_for for change in plan.changes} == {
        "web-key": "web-key-3",
        "web-key-2": "web-key-3",
        "web-key-3": None,
    }
    assert [one.name for one in plan.aliases] == ["web-key-3"]


def test_an_old_key_is_not_changed_without_its_successor() -> None:
    plan = make_plan([old(), new()], [live()], selected=lambda address: not address.endswith("-2"))
    (problem,) = plan.problems
    assert "would lose access although its successor web-key-2" in problem.message
    assert plan.objections
    absent = make_plan([old(), new()._replace(is_absent=True)], [live(), live("web-key-2")])
    assert "is declared absent" in absent.problems[0].message


def test_what_waits_and_the_aliases_are_part_of_the_fingerprint_and_of_a_saved_plan() -> None:
    plan = make_plan([old(), new()], [live()])
    plain = make_plan([old(), declared("web-key-2", expire=LATER, containers=[])], [live()])
    assert plan.fingerprint != plain.fingerprint
    text = plan_json(plan)
    check_document("plan", json.loads(text))
    read = read_saved(text.encode(), {"caas": CAAS}, {})
    assert (read.aliases, read.fingerprint) == (plan.aliases, plan.fingerprint)
    assert [change.waits_for for change in read.changes] == [change.waits_for for change in plan.changes]
    assert [change.purpose for change in read.changes] == [change.purpose for change in plan.changes]


def test_a_correction_that_does_not_create_the_successor_leaves_the_old_key() -> None:
    plan, kinds = make_plan([old(), new()], [live(expire=LATER)]), {"caas": CAAS}

    def corrected(wanted: Correction) -> Corrections:
        permissions = Permissions(may_store=True)
        return corrections(
            kinds, plan, drift_of(kinds, plan), lambda _, one: wanted.covers(one), permissions, NOW
        )

    whole, part = corrected(Correction.ALL), corrected(Correction.GRANTS)
    assert (whole.plan.changes, whole.plan.aliases, whole.left) == (plan.changes, plan.aliases, {})
    assert (part.plan.changes, part.plan.aliases) == ((), ())
    assert "until caas/1/76/web-key-2 replaces it" in part.left["caas/1/76/web-key", "expire"]


def test_the_part_of_a_correction_that_takes_no_access_does_not_wait() -> None:
    plan, kinds = make_plan([old(description="old"), new()], [live(expire=LATER)]), {"caas": CAAS}
    (waiting,) = (change for change in plan.changes if change.action is Action.UPDATE)
    assert [field.field for field in waiting.fields] == ["description", "expire"]
    found = corrections(
        kinds, plan, drift_of(kinds, plan), lambda _, one: one.field == "description", Permissions(), NOW
    )
    assert [(change.name, change.patch, change.waits_for) for change in found.plan.changes] == [
        ("web-key", {"description": "old"}, None)
    ]
    assert found.left == {}


def test_an_alias_of_a_finished_rotation_is_left_alone() -> None:
    key = new()._replace(lifecycle=Lifecycle(alias="web-key"))
    assert make_plan([key], [live("web-key-2", expire=LATER)]).aliases == ()
    assert [one.alias for one in make_plan([key], []).aliases] == ["web-key"]


@pytest.mark.parametrize(
    ("names", "state", "days", "stage", "step"),
    [
        (["web-key"], "present", 0, Stage.PROPOSED, "apply creates web-key-2"),
        (
            ["web-key", "web-key-2"],
            "present",
            0,
            Stage.OVERLAP,
            "move the clients of web-key to web-key-2 until 2026",
        ),
        (["web-key", "web-key-2"], "present", 7, Stage.OVER, "rotate --finish declares web-key absent"),
        (["web-key", "web-key-2"], "absent", 7, Stage.ENDING, "apply deletes web-key"),
        (["web-key-2"], "absent", 7, Stage.GONE, "rotate --finish removes the entry of web-key"),
    ],
)
def test_a_stage_follows_from_files_live_keys_and_the_day(
    names: list[str],
    state: str,
    days: int,
    stage: Stage,
    step: str,
) -> None:
    keys = [old()._replace(is_absent=state == "absent"), new()]
    (found,) = rotations(CAAS, SCOPE, keys, {name: live(name) for name in names})
    now = NOW + dt.timedelta(days=days)
    assert found.stage(now) is stage
    assert next_step(found, now).startswith(step)


def test_a_successor_that_was_replaced_itself_counts_by_the_one_after_it() -> None:
    keys = [old(), new()._replace(is_absent=True), new("web-key-3", "web-key-2")]
    found = rotations(CAAS, SCOPE, keys, {name: live(name) for name in ("web-key", "web-key-3")})
    stages = {one.old.name: one.stage(NOW) for one in found}
    assert stages == {"web-key": Stage.OVERLAP, "web-key-2": Stage.GONE}


def test_until_says_the_end_where_no_expiry_can() -> None:
    keys = [declared("web-key"), new(until=SOON)]
    (found,) = rotations(CAAS, SCOPE, keys, {name: live(name) for name in ("web-key", "web-key-2")})
    assert found.end == dt.datetime(2026, 6, 8, tzinfo=dt.UTC)
    (endless,) = rotations(
        CAAS, SCOPE, [declared("web-key"), new()], {n: live(n) for n in ("web-key", "web-key-2")}
    )
    assert "no end is declared" in next_step(endless, NOW)


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("extension", "complaint"),
    [
        ({}, "no key of the kind"),
        ({"create": {"requires": []}}, "neither an expiry nor a switch"),
        ({"create": {"requires": []}, "effects": {"off": "switch-off"}}, ""),
    ],
)
def test_a_kind_says_whether_its_keys_can_be_rotated(extension: Any, complaint: str) -> None:
    kind = kind_with({"text": TEXT, "off": {"type": "boolean"}}, **extension)
    assert bool(rotation_fault(kind)) is bool(complaint)
    assert complaint in rotation_fault(kind)


def test_every_packaged_kind_can_be_rotated() -> None:
    assert {name: rotation_fault(kind) for name, kind in load_kinds().items()} == {
        "caas": "",
        "faas": "",
        "inference": "",
    }


@pytest.mark.parametrize("name", ["web-key", "web-key-2", "other-key"])
def test_a_key_of_a_rotation_is_not_replaced(name: str) -> None:
    """What is in its place would be taken for the secret of the key that was created again."""
    kind = kind_with({"text": TEXT, "fixed": TEXT}, immutable=["fixed"], create={"requires": []})
    plain, rotating = Lifecycle(replace=True), Lifecycle(replace=True, rotates="web-key", alias="web-key")
    keys = [
        declared(one, line=line, fixed="new" if one == name else "old")._replace(
            lifecycle=rotating if one == "web-key-2" else plain
        )
        for line, one in enumerate(("web-key", "web-key-2", "other-key"), 4)
    ]
    rows = [{"name": key.name, "text": "", "fixed": "old"} for key in keys]
    plan = make_plan(keys, rows, kind=kind, scope=Scope("thing", 1, names=("project_id",)))
    assert [change.action for change in plan.changes] == [Action.REPLACE]
    found = ["is part of a rotation" in problem.message for problem in plan.problems]
    assert found == [True] * (name != "other-key")
    permissions = Permissions(may_destroy=True, may_store=True)
    kinds = {"thing": kind}
    made = corrections(kinds, plan, drift_of(kinds, plan), lambda *_: True, permissions, NOW)
    assert len(made.plan.changes) == (name == "other-key")


@pytest.mark.parametrize(
    ("spared_by", "is_late"),
    [
        ("nothing", True),
        ("a creation time of live keys", False),
        ("an overlap that goes on", False),
        ("an old key that is declared absent", False),
        ("an old key that is not live", False),
        ("a successor that is live", False),
    ],
)
def test_a_successor_is_created_within_its_overlap_where_no_later_run_could_see_that(
    spared_by: str, *, is_late: bool
) -> None:
    kind = CAAS if "creation time" in spared_by else replace(CAAS, created=None)
    first = declared("web-key", containers=[])._replace(is_absent="absent" in spared_by)
    second = new(until=SOON if "goes on" in spared_by else "2026-06-01T11:00:00Z")
    rows = [] if "not live" in spared_by else [live()]
    if "successor" in spared_by:
        rows.append(live("web-key-2", expire=LATER))
    problems = [problem.message for problem in make_plan([first, second], rows, kind=kind).problems]
    assert ["its overlap with web-key has ended" in message for message in problems] == [True] * is_late
