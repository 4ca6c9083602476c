"""Durations as they are written, an integer and a unit, and as people read them. Pure.

Intervals of the service are in seconds, minutes, hours or days, and may be 0. Lifetimes of keys are in hours,
days, weeks or years of 365 days, from 1 to 9,999 of them, as the schemas of documents and configuration say.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from reconciler.model.expressions import expression
from reconciler.model.phrases import counted

LIFETIME_PATTERN: Final = "^[1-9][0-9]{0,3}[hdwy]$"
"""The texts that are lifetimes, as the schemas of documents and configuration repeat it, for editors."""
_LIFETIME: Final = expression(LIFETIME_PATTERN)
_OF_INTERVALS: Final = "smhd"
_INTERVAL: Final = expression(f"[0-9]{{1,6}}[{_OF_INTERVALS}]")
_HOUR: Final = dt.timedelta(hours=1)
_DAY: Final = dt.timedelta(days=1)
_UNITS: Final = {
    "s": dt.timedelta(seconds=1),
    "m": dt.timedelta(minutes=1),
    "h": _HOUR,
    "d": _DAY,
    "w": dt.timedelta(weeks=1),
    "y": 365 * _DAY,
}


def parse_interval(text: str) -> float | None:
    """Parse an interval such as ``30s``, ``15m``, ``6h`` or ``1d`` as seconds; None for any other text."""
    return _size(text).total_seconds() if _INTERVAL.fullmatch(text) else None


def interval_text(seconds: float) -> str:
    """Return an interval of whole seconds as :func:`parse_interval` reads it."""
    sizes = {unit: _UNITS[unit].total_seconds() for unit in _OF_INTERVALS}
    unit = max((unit for unit, size in sizes.items() if seconds % size == 0), key=sizes.__getitem__)
    return f"{seconds / sizes[unit]:.0f}{unit}"


def parse_lifetime(text: str) -> dt.timedelta | None:
    """Parse a lifetime such as ``36h``, ``30d``, ``8w`` or ``2y``; None for any other text."""
    return _size(text) if _LIFETIME.fullmatch(text) else None


def _size(text: str) -> dt.timedelta:
    return int(text[:-1]) * _UNITS[text[-1]]


def rough_duration(size: dt.timedelta) -> str:
    """Return a duration in whole days, or in hours below two days."""
    if size >= 2 * _DAY:
        return counted(size // _DAY, "day")
    return counted(size // _HOUR, "hour") if size >= _HOUR else "less than an hour"
