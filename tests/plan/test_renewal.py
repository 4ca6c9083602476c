"""Which keys are renewed, and to when: cases of a policy, a key and a day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from reconciler.kinds.packaged import load_kinds
from reconciler.model.desired import Lifecycle
from reconciler.model.policy import RenewPolicy, RotatePolicy, renew_policy, rotate_policy
from reconciler.plan.renewal import renewal
from tests.values import CAAS, NOW, SCOPE, declared, kind_with

DAY = dt.timedelta(days=1)
POLICY = RenewPolicy(30 * DAY, 180 * DAY)
SOON, FAR, PAST = "2026-06-20T00:00:00Z", "2026-08-01T00:00:00Z", "2026-05-01T00:00:00Z"
HALF_A_YEAR = "2026-11-28T00:00:00Z"


@pytest.mark.parametrize(
    ("fields", "lifecycle", "value"),
    [
        ({"expire": SOON}, {}, HALF_A_YEAR),
        ({"expire": "2026-06-20T02:00:00+02:00"}, {}, HALF_A_YEAR),
        ({"expire": FAR}, {}, None),
        ({"expire": None}, {}, None),
        ({}, {}, None),
        ({"expire": SOON}, {"renew": False}, None),
        ({"expire": SOON}, {"ignore_changes": frozenset({"expire"})}, None),
    ],
)
def test_a_key_is_renewed_once_it_expires_within_the_time(fields: Any, lifecycle: Any, value: Any) -> None:
    key = declared(**fields)._replace(lifecycle=Lifecycle(**lifecycle))
    found = renewal(CAAS, SCOPE, key, POLICY, None, NOW)
    assert (found and found.value) == value


def test_a_key_that_is_declared_absent_is_not_renewed() -> None:
    key = declared(expire=SOON)._replace(is_absent=True)
    assert renewal(CAAS, SCOPE, key, POLICY, None, NOW) is None


@pytest.mark.parametrize(
    ("age", "value", "reason"),
    [
        (0, HALF_A_YEAR, ""),
        (500, HALF_A_YEAR, ""),
        (600, "2026-10-09T00:00:00Z", ""),
        (720, None, "has reached its maximum lifetime"),
        (3000, None, "has reached its maximum lifetime"),
    ],
)
def test_no_renewal_lets_a_key_live_longer_than_its_policy(age: int, value: str | None, reason: str) -> None:
    policy = RenewPolicy(30 * DAY, 180 * DAY, 730 * DAY)
    found = renewal(CAAS, SCOPE, declared(expire=SOON), policy, NOW - age * DAY, NOW)
    assert found is not None
    assert (found.value, reason in found.reason, found.is_for_rotation) == (value, True, value is None)


@pytest.mark.parametrize("fields", [{"expire": "2036-01-01T00:00:00Z"}, {"expire": None}, {}])
@pytest.mark.parametrize(("age", "is_due"), [(600, False), (710, True), (3000, True)])
def test_a_key_that_expires_late_or_never_is_rotated_at_the_end_of_its_longest_life(
    fields: Any, age: int, *, is_due: bool
) -> None:
    policy = RenewPolicy(30 * DAY, 180 * DAY, 730 * DAY)
    found = renewal(CAAS, SCOPE, declared(**fields), policy, NOW - age * DAY, NOW)
    assert (found is not None and found.is_for_rotation) == is_due
    assert found is None or found.value is None


def test_a_key_that_has_expired_is_named_and_not_renewed() -> None:
    found = renewal(CAAS, SCOPE, declared(expire=PAST), POLICY, None, NOW)
    assert found is not None
    assert (found.value, found.is_for_rotation) == (None, False)
    assert "has expired" in found.reason


def test_an_expiry_that_cannot_change_is_for_rotation() -> None:
    kind = load_kinds()["inference"]
    found = renewal(kind, SCOPE, declared(expires_at=SOON), POLICY, None, NOW)
    assert found is not None
    assert (found.value, found.is_for_rotation) == (None, True)


def test_a_kind_without_creations_is_not_for_rotation() -> None:
    kind = kind_with(
        {"until": {"type": "string", "format": "date-time"}}, immutable=["until"], effects={"until": "expiry"}
    )
    found = renewal(kind, SCOPE, declared(until=SOON), POLICY, None, NOW)
    assert found is not None
    assert (found.is_for_rotation, "it cannot be rotated" in found.reason) == (False, True)


def test_the_first_layer_that_says_a_member_counts() -> None:
    layers = ({"to": "90d"}, {"within": "1w", "to": "2w"}, {"max_total": "1y", "within": "9d"})
    assert renew_policy(*layers) == RenewPolicy(7 * DAY, 90 * DAY, 365 * DAY)
    assert renew_policy({"to": "90d"}) is None
    rotated = rotate_policy(layers, ({}, {"overlap": "2d"}))
    assert (rotated.overlap, rotated.to, rotated.max_total) == (2 * DAY, 90 * DAY, 365 * DAY)


def test_an_overlap_that_the_longest_life_ends_ends_with_a_day_as_any_other() -> None:
    policy = RotatePolicy(overlap=7 * DAY, max_total=100 * DAY)
    midnight = NOW.replace(hour=0, minute=0)
    assert policy.overlap_end(NOW, NOW - 96 * DAY, None) == midnight + 4 * DAY
    assert policy.overlap_end(NOW, NOW - 10 * DAY, None) == midnight + 8 * DAY
