"""A live key that is not as it was planned from is told for what it is."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.plan.recheck import fields_changed_since_plan
from tests.values import declared, kind_with, make_plan

KIND = kind_with(
    {
        "note": {"type": "string"},
        "id": {"type": "integer", "readOnly": True},
        "made": {"type": "string", "readOnly": True},
    },
    path="id",
    created="made",
)
LIVE: dict[str, Any] = {"name": "web-key", "note": "old", "id": 7, "made": "2026-05-01T00:00:00Z"}
(CHANGE,) = make_plan([declared(note="new")], [LIVE], kind=KIND).changes


@pytest.mark.parametrize(
    ("now", "fields"),
    [
        ({}, []),
        ({"note": "theirs"}, ["note"]),
        ({"id": 8}, ["id"]),
        ({"id": 6}, ["id"]),
        ({"made": "2026-05-02T00:00:00Z"}, ["made"]),
        ({"made": "2026-04-30T00:00:00Z"}, ["made"]),
        ({"made": "2026-05-01T02:00:00+02:00"}, []),
        ({"id": 8, "made": None, "note": "theirs"}, ["id", "made", "note"]),
    ],
)
def test_each_difference_since_the_plan_is_named(now: dict[str, Any], fields: list[str]) -> None:
    assert [one.field for one in fields_changed_since_plan(KIND, CHANGE, {**LIVE, **now})] == fields


def test_a_key_that_is_gone_has_lost_its_name() -> None:
    (difference,) = fields_changed_since_plan(KIND, CHANGE, None)
    assert (difference.field, difference.expected, difference.found) == ("name", "web-key", None)
