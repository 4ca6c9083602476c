"""The lives of all keys at a time, as status, metrics and the status page show them."""

from __future__ import annotations

import datetime as dt

from reconciler.model.desired import DesiredKey, DesiredScope, DesiredState, Lifecycle
from reconciler.model.succession import Lifetimes, Stage
from reconciler.plan.lifetimes import lifetimes
from reconciler.render.calendar import calendar
from reconciler.render.lifetimes import Overview, next_steps, overview_lines
from tests.values import CAAS, NOW, SCOPE, declared, live, make_plan

SOON, LATE, FAR = "2026-06-05T00:00:00Z", "2026-07-30T00:00:00Z", "2036-01-01T00:00:00Z"
NEW = declared("web-key-2", expire=FAR)._replace(lifecycle=Lifecycle(rotates="web-key"))
KEYS = [
    declared("web-key", expire=SOON),
    NEW,
    declared("near-key", expire=SOON),
    declared("late-key", expire=LATE),
    declared("never-key", expire=None),
    declared("gone-key", expire=SOON)._replace(is_absent=True),
    declared("past-key", expire="2026-05-01T00:00:00Z"),
    declared("kept-key", expire=SOON)._replace(lifecycle=Lifecycle(renew=False)),
]
LIVE = [live(key.name, expire=key.fields["expire"]) for key in KEYS if not key.is_absent]


def lives(keys: list[DesiredKey], rows: list[dict[str, object]]) -> Lifetimes:
    state = DesiredState((DesiredScope(SCOPE, tuple(keys)),))
    return lifetimes({"caas": CAAS}, state, make_plan(keys, rows), NOW)


def test_what_expires_before_long_is_known_by_time() -> None:
    found = lives(KEYS, LIVE)
    assert [(one.address.rpartition("/")[2], one.is_rotated) for one in found.expiries] == [
        ("past-key", False),
        ("kept-key", False),
        ("near-key", False),
        ("web-key", True),
        ("late-key", False),
    ]
    assert found.manual == {"caas/1/76/kept-key"}
    assert found.expiring == {("gcore", "caas"): (5, dt.datetime(2026, 6, 5, tzinfo=dt.UTC))}


def test_the_first_expiry_may_be_far() -> None:
    found = lives([declared("one-key", expire=FAR), declared("two-key", expire="2035-01-01T00:00:00Z")], [])
    assert found.expiring["gcore", "caas"] == (2, dt.datetime(2035, 1, 1, tzinfo=dt.UTC))
    assert found.expiries == ()


def test_the_stage_of_a_rotation_follows_from_the_plan() -> None:
    assert [one.stage for one in lives(KEYS, LIVE).rotations] == [Stage.OVERLAP]
    assert [one.stage for one in lives(KEYS, LIVE[:1]).rotations] == [Stage.PROPOSED]
    absent = [KEYS[0]._replace(is_absent=True), NEW]
    assert [one.stage for one in lives(absent, LIVE[:2]).rotations] == [Stage.ENDING]
    assert [one.stage for one in lives(absent, LIVE[1:2]).rotations] == [Stage.GONE]


def test_a_calendar_has_months_and_days() -> None:
    months = calendar(lives(KEYS, LIVE).expiries, NOW)
    assert [(month.name, month.keys) for month in months] == [("2026-05", 1), ("2026-06", 3), ("2026-07", 1)]
    (day,) = months[1].days
    assert (day.name, day.left, day.is_near) == ("2026-06-05", "in 3 days", True)


def test_one_screen_says_how_things_stand_and_what_is_next() -> None:
    found = Overview(make_plan(KEYS, LIVE), lives(KEYS, LIVE), 8, None, NOW, dt.timedelta(days=30))
    assert [*overview_lines(found)] == [
        "Declared   8 keys in 1 scope",
        "Live       7 keys, 0 of them not declared",
        "Differing  none",
        "Contested  not known without --history",
        "Expiring   3 keys within 30 days, 1 key has expired",
        "Rotating   1 key",
        "",
        "Expiring",
        "  2026-05-01T00:00:00Z  caas/1/76/past-key  31 days ago",
        "  2026-06-05T00:00:00Z  caas/1/76/kept-key  in 3 days, renew skips it",
        "  2026-06-05T00:00:00Z  caas/1/76/near-key  in 3 days",
        "  2026-06-05T00:00:00Z  caas/1/76/web-key  in 3 days, its successor is declared",
        "",
        "Rotating",
        "  caas/1/76/web-key -> web-key-2  overlap ends in 3 days",
        "    move the clients of web-key to web-key-2 until 2026-06-05T00:00:00Z",
        "",
        "Next",
        "  renew: set a later expiry for 1 key, or use rotate",
        "  by hand: set a later expiry for 1 key that renew skips, or use rotate",
        "  by hand: declare absent, or set a later expiry for, 1 key that expired",
        "  by hand: move the clients of 1 key to the successor",
    ]


def test_an_overlap_that_has_passed_has_ended() -> None:
    later = NOW + dt.timedelta(days=5)
    state = DesiredState((DesiredScope(SCOPE, tuple(KEYS[:2])),))
    plan = make_plan(KEYS[:2], LIVE[:2])
    found = Overview(plan, lifetimes({"caas": CAAS}, state, plan, later), 2, (), later, dt.timedelta(days=30))
    lines = [*overview_lines(found)]
    assert "  caas/1/76/web-key -> web-key-2  overlap ended 36 hours ago" in lines
    assert "  rotate --finish: continue 1 rotation" in lines


def test_without_anything_to_do_it_says_so() -> None:
    found = Overview(make_plan([], []), lives([], []), 0, (), NOW, dt.timedelta(days=30))
    assert [*next_steps(found)] == ["nothing to do"]
