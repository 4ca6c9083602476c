"""What plans say of renewals and rotations, in every format; and times until something."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from reconciler.model.desired import Lifecycle
from reconciler.render.lifetimes import time_left
from reconciler.render.text import Detail, render_text
from reconciler.render.text_layout import Screen
from tests.render.test_new_secrets import FORMATS
from tests.values import declared, live, make_plan, plan_json

SOON, LATER = "2026-06-08T00:00:00Z", "2026-12-01T00:00:00Z"
NEW = declared("web-key-2", expire=LATER, containers=[])._replace(lifecycle=Lifecycle(rotates="web-key"))
KEYS = [declared("web-key", expire=SOON), NEW, declared("other", expire=LATER)]
LIVE = [live("web-key", expire=LATER), live("other", expire=SOON)]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_labels_renewals_and_rotations(name: str) -> None:
    text = FORMATS[name](make_plan(KEYS, LIVE))
    assert "rotate, once web-key-2 is there" in text
    assert "renew" in text
    plain = FORMATS[name](make_plan([declared("other", description="x")], LIVE))
    assert ("rotate, once" in plain, ">renew<" in plain, "renew:" in plain) == (False, False, False)


def test_the_document_has_them_too() -> None:
    changes = json.loads(plan_json(make_plan(KEYS, LIVE)))["resource_changes"]
    assert [(one.get("purpose"), one.get("waits_for")) for one in changes] == [
        ("renew", None),
        ("rotate", "caas/1/76/web-key-2"),
        ("rotate", None),
    ]


def test_a_line_of_a_key_has_its_purpose() -> None:
    lines = render_text(make_plan(KEYS, LIVE), Detail.KEYS).splitlines()
    assert "  ~ caas/1/76/web-key  rotate, once web-key-2 is there: revokes: expire" in lines


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (49, "in 2 days"),
        (47, "in 47 hours"),
        (1, "in 1 hour"),
        (0.5, "in less than an hour"),
        (-72, "3 days ago"),
    ],
)
def test_a_time_is_in_days_or_hours(hours: float, text: str) -> None:
    assert time_left(dt.timedelta(hours=hours)) == text


def test_a_plan_says_in_red_who_loses_access_without_an_overlap() -> None:
    work = [{"name": "web", "namespace": "shop"}]
    keys = [declared("web-key", is_disabled=True, containers=work), NEW]
    text = render_text(make_plan(keys, [live("web-key", containers=work)]), screen=Screen(painted))
    wanted = 'who uses its secret loses access to containers: {name: "web", namespace: "shop"}'
    assert f"<bold red># {wanted}</>" in text
    assert "<bold red># caas/1/76/web-key will be updated in-place</>" in text
    plain = [live("web-key")]
    bare = render_text(make_plan([declared("web-key", is_disabled=True), NEW], plain), screen=Screen(painted))
    assert "<bold red># who uses its secret loses access</>" in bare


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_who_loses_access_without_an_overlap(name: str) -> None:
    work = [{"name": "web", "namespace": "shop"}]
    keys = [declared("web-key", is_disabled=True, containers=work), NEW]
    lines = FORMATS[name](make_plan(keys, [live("web-key", containers=work)])).splitlines()
    (line,) = (line for line in lines if "who uses its secret loses access to containers" in line)
    if name == "markdown":
        assert line.startswith("- ")  # red, where a diff is shown in colour
    overlap = [declared("web-key", expire=SOON, containers=work), NEW]
    assert "who uses" not in FORMATS[name](make_plan(overlap, [live("web-key", containers=work)]))


def painted(text: str, colour: str) -> str:
    return f"<{colour}>{text}</>"
