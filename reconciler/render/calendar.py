"""Expiries as a calendar: months, and their days on which keys expire. Pure."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from reconciler.render.lifetimes import is_urgent, time_left

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from reconciler.model.succession import KeyExpiry


class Day(NamedTuple):
    """A day on which keys expire; ``is_near`` if one of them expires soon without a successor."""

    name: str
    left: str
    is_near: bool
    expiries: Sequence[KeyExpiry]


class Month(NamedTuple):
    """A month in which keys expire."""

    name: str
    keys: int
    days: Sequence[Day]


def calendar(expiries: Sequence[KeyExpiry], now: dt.datetime) -> tuple[Month, ...]:
    """Return the months in which keys expire; ``expiries`` are sorted by time."""
    months = []
    for name, of_month in groupby(expiries, lambda one: f"{one.at:%Y-%m}"):
        days = []
        for day, of_day in groupby(of_month, lambda one: f"{one.at:%Y-%m-%d}"):
            every = tuple(of_day)
            is_near = any(is_urgent(one, now) for one in every)
            days.append(Day(day, time_left(every[0].at - now), is_near, every))
        months.append(Month(name, sum(len(day.expiries) for day in days), tuple(days)))
    return tuple(months)
