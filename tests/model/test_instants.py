"""Instants: every spelling that the service is known to use, compared as instants."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.canonical import format_instant, is_date_time, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTANT = dt.datetime(2026, 5, 30, 20, 56, 36, tzinfo=dt.UTC)
RFC_3339 = [
    "2026-05-30T20:56:36Z",
    "2026-05-30t20:56:36z",
    "2026-05-30T20:56:36+00:00",
    "2026-05-30T20:56:36-00:00",
    "2026-05-30T22:56:36+02:00",
    "2026-05-30T15:26:36-05:30",
    "2026-05-31T20:55:36+23:59",
    "2026-05-29T20:57:36-23:59",
    "2026-05-30T20:56:36.0Z",
    "2026-05-30T20:56:36.999Z",
    "2026-05-30T20:56:36.704572Z",
    "2026-05-30T20:56:36.123456789+00:00",
]
OTHER_SPELLINGS = [
    "2026-05-30T20:56:36",
    "2026-05-30T20:56:36.704572",
    "2026-05-30 20:56:36",
    "2026-05-30 20:56:36Z",
    "2026-05-30T20:56:36,5Z",
    "2026-05-30T20:56:36+0000",
    "2026-05-30T22:56:36+0200",
    "2026-05-30T20:56:36+00",
    "2026-05-30T18:56:36-02",
]
NO_INSTANTS = [
    "",
    "never",
    "2026-05-30",
    "2026-05-30T20:56Z",
    "2026-05-30T20:56:36 Z",
    "2026-05-30T20:56:36Z ",
    "2026-05-30T20:56:36Z\n",
    "2026-05-30T20:56:36.Z",
    "2026-05-30T20:56:36+0",
    "2026-05-30T20:56:36+00:",
    "2026-05-30T20:56:36+00:60",
    "2026-05-30T20:56:36+24:00",
    "2026-05-30T20:56:36+99:99",
    "2026-05-30T20:56:36 UTC",
    "2026-05-30T24:00:00Z",
    "2026-05-30T20:60:00Z",
    "2026-05-30T20:56:60Z",
    "2026-06-30T23:59:60Z",
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-10T00:00:00Z",
    "2026-05-00T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "26-05-30T20:56:36Z",
    "20260530T205636Z",
    "2026-W22-6T20:56:36Z",
    "+2026-05-30T20:56:36Z",
    "2026-5-30T20:56:36Z",
    "\uff12\uff10\uff12\uff16-05-30T20:56:36Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
]


@pytest.mark.parametrize("text", RFC_3339 + OTHER_SPELLINGS)
def test_every_known_spelling_is_the_same_instant(text: str) -> None:
    assert parse_instant(text) == INSTANT


@pytest.mark.parametrize("text", NO_INSTANTS)
def test_an_invalid_instant_is_none(text: str) -> None:
    assert parse_instant(text) is None


@pytest.mark.parametrize("text", [*RFC_3339, "2028-02-29T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_a_declared_date_time_follows_rfc_3339(text: str) -> None:
    assert is_date_time(text)


@pytest.mark.parametrize("text", OTHER_SPELLINGS + NO_INSTANTS)
def test_no_other_spelling_can_be_declared(text: str) -> None:
    assert not is_date_time(text)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("0001-01-01T01:00:00+01:00", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("9999-12-31T22:59:59-01:00", "9999-12-31T23:59:59Z"),
        ("2026-12-31T23:30:00-01:00", "2027-01-01T00:30:00Z"),
        ("2026-05-30 20:56:36.9", "2026-05-30T20:56:36Z"),
    ],
)
def test_an_instant_is_sent_as_utc_in_whole_seconds(text: str, form: str) -> None:
    instant = parse_instant(text)
    assert instant is not None
    assert format_instant(instant) == form


def test_a_fraction_of_a_second_is_never_sent() -> None:
    assert format_instant(INSTANT.replace(microsecond=999_999)) == "2026-05-30T20:56:36Z"


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as local:
        local.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
def test_an_instant_is_sent_as_utc_from_a_machine_in_any_time_zone() -> None:
    assert INSTANT.astimezone().utcoffset() == dt.timedelta(hours=9)
    assert format_instant(INSTANT) == "2026-05-30T20:56:36Z"


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
FIRST, LAST = (dt.datetime(year, 1, 1) for year in (1900, 9000))  # noqa: DTZ001 - the zone is drawn
INSTANTS = st.datetimes(FIRST, LAST, timezones=OFFSETS)


@given(INSTANTS)
def test_an_instant_survives_any_offset_and_fraction(instant: dt.datetime) -> None:
    assert parse_instant(instant.isoformat()) == instant.replace(microsecond=0)
    assert is_date_time(instant.isoformat())


@given(INSTANTS, INSTANTS)
def test_the_order_of_sent_texts_is_the_order_in_time(one: dt.datetime, other: dt.datetime) -> None:
    one, other = one.replace(microsecond=0), other.replace(microsecond=0)
    assert (format_instant(one) < format_instant(other)) is (one < other)


@given(st.text(max_size=30))
def test_no_text_breaks_the_parser(text: str) -> None:
    assert parse_instant(text) is None or text[:4].isdecimal()
