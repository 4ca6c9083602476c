"""When the next round is due."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.service.schedule import Cron, Every, parse_cron

TIMES = st.floats(0, 1e9)
NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("planned", "now", "failures", "following"),
    [
        (0, 0, 0, 60),
        (0, 59, 0, 60),
        (0, 60, 0, 60),
        (0, 61, 0, 120),
        (60, 300, 0, 300),
        (0, 0, 1, 120),
        (0, 0, 2, 240),
        (0, 0, 6, 3600),
        (0, 0, 1000, 3600),
    ],
)
def test_rounds_follow_their_grid_and_back_off(planned: int, now: int, failures: int, following: int) -> None:
    assert Every(60).following(planned, now, NOON, failures) == following


def test_backing_off_never_brings_rounds_nearer() -> None:
    assert Every(86_400).following(0, 0, NOON, 3) == 86_400


@pytest.mark.parametrize(
    ("present", "failures", "wait"),
    [
        ("12:00:00", 0, 900),
        ("12:00:01", 0, 899),
        ("12:14:58", 0, 2),
        ("12:14:59.5", 0, 900.5),
        ("12:00:00", 1, 1800),
        ("12:00:00", 2, 3600),
        ("12:00:00", 3, 4500),
        ("12:00:00", 1000, 4500),
    ],
)
def test_cron_rounds_start_at_the_times_of_the_expression_and_back_off(
    present: str, failures: int, wait: float
) -> None:
    instant = dt.datetime.fromisoformat(f"2026-06-01T{present}+00:00")
    assert Cron("*/15 * * * *").following(0, 1000, instant, failures) == pytest.approx(1000 + wait)


def test_a_cron_expression_is_read_in_utc() -> None:
    berlin = dt.datetime.fromisoformat("2026-06-01T14:00:00+02:00")
    assert Cron("30 12 * * *").following(0, 0, berlin, 0) == 1800


@pytest.mark.parametrize("text", ["*/15 * * * *", "0 3 * * 1-5", "0 0 29 2 *", "15,45 * * * *", "0 0 L * *"])
def test_a_cron_expression_has_five_fields(text: str) -> None:
    assert parse_cron(text) == Cron(text)


@pytest.mark.parametrize("text", ["", "x", "* * * *", "* * * * * *", "60 * * * *", "0 0 30 2 *", "@daily"])
def test_anything_else_is_not_a_cron_expression(text: str) -> None:
    assert parse_cron(text) is None


@given(TIMES, TIMES, st.integers(0, 100), st.integers(1, 10**6))
def test_the_next_round_is_neither_past_nor_needlessly_far(
    planned: float, spent: float, failures: int, every: int
) -> None:
    now = planned + spent
    following = Every(every).following(planned, now, NOON, failures)
    assert following >= now - 1e-3
    assert following - now <= max(3600, every) + 1e-3


def test_a_schedule_says_when_rounds_are_due() -> None:
    assert (str(Every(900)), str(Cron("0 6 * * *"))) == ("every 15m", "at 0 6 * * * (UTC)")
