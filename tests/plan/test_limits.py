"""What one run may change, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.plan.limits import Count, Limits, Share, parse_limit, refusals
from tests.values import LATER, declared, live, make_plan

if TYPE_CHECKING:
    from reconciler.model.plan import Plan


def plan_of(changed: int, observed: int, **fields: Any) -> Plan:
    """Plan a scope of ``observed`` keys, of which the first ``changed`` change."""
    names = [f"key-{number:03}" for number in range(observed)]
    return make_plan([declared(name, **fields) for name in names[:changed]], map(live, names))


def revoking(changed: int, observed: int) -> Plan:
    return plan_of(changed, observed, is_disabled=True)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("0", Count(0)),
        ("12", Count(12)),
        ("0%", Share(0)),
        ("30%", Share(30)),
        ("100%", Share(100)),
        ("101%", None),
        ("-1", None),
        ("1.5", None),
        ("%", None),
        ("", None),
        ("many", None),
        ("\u0663", None),
    ],
)
def test_a_limit_is_a_number_or_a_percentage(text: str, limit: Count | Share | None) -> None:
    assert parse_limit(text) == limit
    assert limit is None or str(limit) == text


@pytest.mark.parametrize(
    ("changed", "observed", "refused"),
    [(3, 10, False), (4, 10, True), (30, 100, False), (31, 100, True), (9, 9, False), (0, 0, False)],
)
def test_revoking_more_than_30_percent_of_ten_keys_or_more_is_refused(
    changed: int, observed: int, *, refused: bool
) -> None:
    assert bool(refusals(revoking(changed, observed), Limits())) is refused


def test_grants_and_neutral_changes_are_not_limited() -> None:
    plan = plan_of(20, 20, description="x", expire=None)
    assert refusals(plan, Limits()) == ()


def test_a_refusal_names_the_keys_and_the_option_to_allow_it() -> None:
    [reason] = refusals(revoking(4, 10), Limits())
    assert reason == (
        "refused: it would revoke access of 4 of the 10 keys in caas/1/76, more than 30%; "
        "--max-revoked N or P% allows more: caas/1/76/key-000, caas/1/76/key-001, caas/1/76/key-002, "
        "caas/1/76/key-003"
    )


def test_every_key_is_named() -> None:
    [reason] = refusals(revoking(12, 12), Limits())
    assert reason.count("caas/1/76/key-") == 12


@pytest.mark.parametrize(
    ("limits", "refused"),
    [
        (Limits(max_revoked=Count(4)), False),
        (Limits(max_revoked=Count(3)), True),
        (Limits(max_revoked=Share(40)), False),
        (Limits(max_revoked=Share(39)), True),
        (Limits(max_revoked=Count(4), max_changes=Count(4)), False),
        (Limits(max_revoked=Count(4), max_changes=Count(3)), True),
        (Limits(max_revoked=Count(4), max_changes=Share(39)), True),
    ],
)
def test_limits_replace_the_default(limits: Limits, *, refused: bool) -> None:
    assert bool(refusals(revoking(4, 10), limits)) is refused


def test_an_explicit_percentage_applies_to_small_scopes() -> None:
    assert refusals(revoking(1, 2), Limits(max_revoked=Share(49)))
    assert not refusals(revoking(1, 2), Limits(max_revoked=Share(50)))


def test_every_limit_that_is_exceeded_is_named() -> None:
    assert len(refusals(revoking(4, 10), Limits(max_changes=Count(1)))) == 2


def test_an_earlier_expiry_counts_as_revoked() -> None:
    assert refusals(plan_of(4, 10, expire=LATER), Limits())
