"""When the next round is due."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.schedule import Schedule, parse_duration

MOMENTS = st.floats(0, 1e9)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("30s", 30), ("15m", 900), ("6h", 21_600), ("1d", 86_400), ("999999d", 86_399_913_600)],
)
def test_a_duration_is_a_whole_number_and_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "15", "m", "1.5h", "-1s", "15 m", "15M", "1h30m", "1000000s", "\u0661s"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    assert parse_duration(text) is None


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
def test_rounds_keep_to_their_grid_and_back_off(
    planned: int, now: int, failures: int, following: int
) -> None:
    assert Schedule(60).following(planned, now, failures) == following


def test_backing_off_never_brings_rounds_nearer() -> None:
    assert Schedule(86_400).following(0, 0, 3) == 86_400


@pytest.mark.parametrize(("draw", "start"), [(0.0, 100), (0.5, 105), (1.0, 110)])
def test_jitter_delays_a_round_and_moves_no_grid(draw: float, start: float) -> None:
    assert Schedule(60, jitter=10).start(100, draw) == start


@given(MOMENTS, MOMENTS, st.integers(0, 100), st.integers(1, 10**6))
def test_the_next_round_is_neither_past_nor_needlessly_far(
    planned: float, spent: float, failures: int, every: int
) -> None:
    now = planned + spent
    following = Schedule(every).following(planned, now, failures)
    assert following >= now - 1e-3
    assert following - now <= max(3600, every) + 1e-3
