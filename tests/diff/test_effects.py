"""What a change does to access."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from reconciler.kinds.kind import EffectRule
from reconciler.model.plan import Effect
from tests.values import API, LATER, WEB, declared, kind_with, live, make_plan, only_change

EARLIER = "2026-12-31T23:59:59Z"


@pytest.mark.parametrize(
    ("want", "have", "effect", "reason"),
    [
        ({"is_disabled": True}, {"is_disabled": False}, "revokes", "disables the key"),
        ({"is_disabled": False}, {"is_disabled": True}, "grants", "enables the key"),
        ({"expire": None}, {"expire": LATER}, "grants", "never expires"),
        ({"expire": LATER}, {"expire": None}, "revokes", "expires, and did not before"),
        ({"expire": LATER}, {"expire": EARLIER}, "grants", "expires later"),
        ({"expire": EARLIER}, {"expire": LATER}, "revokes", "expires earlier"),
        ({"containers": [WEB]}, {"containers": []}, "grants", "binds 1"),
        ({"containers": []}, {"containers": [WEB, API]}, "revokes", "unbinds 2"),
        ({"containers": [WEB]}, {"containers": [API]}, "grants+revokes", "binds 1, unbinds 1"),
        ({"description": "x"}, {"description": "y"}, "neutral", "access unchanged"),
    ],
)
def test_every_change_of_a_field_has_an_effect_and_a_reason(
    want: Any, have: Any, effect: str, reason: str
) -> None:
    (field,) = only_change(want, have).fields
    assert (field.effect, field.reason) == (effect, reason)


def test_a_set_that_gains_and_loses_nothing_changes_no_access() -> None:
    kind = kind_with(
        {"boxes": {"type": ["array", "null"], "uniqueItems": True}}, effects={"boxes": "binding"}
    )
    plan = make_plan([declared(boxes=[])], [live(boxes=None)], kind=kind)
    (field,) = plan.changes[0].fields
    assert (field.effect, field.reason) == ("neutral", "access unchanged")


@pytest.mark.parametrize(
    ("want", "effect"),
    [
        ({"description": "x"}, Effect.NEUTRAL),
        ({"description": "x", "is_disabled": True}, Effect.REVOKES),
        ({"description": "x", "containers": [WEB]}, Effect.GRANTS),
        ({"containers": [WEB], "is_disabled": True}, Effect.BOTH),
    ],
)
def test_a_change_has_the_effect_of_all_its_fields(want: Any, effect: Effect) -> None:
    assert only_change(want, {}).effect is effect


@pytest.mark.parametrize(("one", "other"), [*itertools.product(Effect, Effect)])
def test_a_joined_effect_has_the_sides_of_each(one: Effect, other: Effect) -> None:
    joined = Effect.joined((one, other))
    assert joined.grants is (one.grants or other.grants)
    assert joined.revokes is (one.revokes or other.revokes)


def test_the_effect_of_a_field_can_be_none_grants_revokes_or_both() -> None:
    assert [effect.value for effect in Effect] == ["neutral", "grants", "revokes", "grants+revokes"]
    assert {rule.value for rule in EffectRule} == {"none", "expiry", "switch-off", "binding"}
