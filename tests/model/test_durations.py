"""Durations as they are written: what is one, and what it means."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.packaged import packaged_schema, schema_texts
from reconciler.model.durations import LIFETIME_PATTERN, interval_text, parse_interval, parse_lifetime

DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("30s", 30), ("15m", 900), ("6h", 21_600), ("1d", 86_400), ("999999d", 86_399_913_600)],
)
def test_a_duration_is_an_integer_and_a_unit(text: str, seconds: float) -> None:
    assert parse_interval(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "15", "m", "1.5h", "-1s", "15 m", "15M", "1h30m", "1000000s", "\u0661s"]
)
def test_anything_else_is_not_a_duration(text: str) -> None:
    assert parse_interval(text) is None


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("36h", 1.5),
        ("30d", 30),
        ("8w", 56),
        ("2y", 730),
        ("", None),
        ("0d", None),
        ("07d", None),
        ("9999y", 3_649_635),
        ("10000d", None),
        ("30", None),
        ("1m", None),
        ("30d\n", None),
        ("\u0663d", None),
    ],
)
def test_a_lifetime_is_a_number_and_a_unit(text: str, days: float | None) -> None:
    assert parse_lifetime(text) == (None if days is None else days * DAY)


def test_a_schema_defines_a_lifetime_once_by_the_same_pattern() -> None:
    found = {name: text.count("[hdwy]") for name, text in schema_texts().items() if "[hdwy]" in text}
    assert found == {"config": 1, "keys": 1}
    assert {packaged_schema(name)["definitions"]["lifetime"]["pattern"] for name in found} == {
        LIFETIME_PATTERN
    }


@given(st.integers(1, 999_999))
def test_a_duration_is_written_as_it_is_read(seconds: int) -> None:
    assert parse_interval(interval_text(seconds)) == seconds
