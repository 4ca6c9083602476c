"""Canonical JSON texts and instants: every accepted spelling is parsed, one is written."""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
from typing import Any, Final

from reconciler.model.expressions import expression

_INSTANT: Final = expression(
    r"(?P<date>\d{4}-\d{2}-\d{2})(?P<separator>[Tt ])(?P<time>(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:[.,]\d+)?"
    r"(?P<zone>[Zz]|(?P<sign>[-+])(?P<hours>[01]\d|2[0-3])(?:(?P<colon>:?)(?P<minutes>[0-5]\d))?)?",
    re.ASCII,
)
_ENCODER: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def json_text(value: Any) -> str:
    """Return the canonical JSON text of ``value``: equal texts mean equal values of equal types."""
    return _ENCODER.encode(value)


def is_deeper(value: Any, levels: int) -> bool:
    """Return whether objects and lists are nested in each other more than ``levels`` deep."""
    level = [value]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def parse_instant(text: str) -> dt.datetime | None:
    """Parse an instant in any spelling that the service is known to use; None if it is not one.

    A zone may be ``Z``, ``+00:00``, ``+0000`` or ``+00``; without one the time is UTC. Fractions of a second
    are dropped, because requests carry seconds only.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    try:
        instant = dt.datetime.fromisoformat(f"{found['date']}T{found['time']}+00:00")
        if found["sign"]:
            offset = dt.timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
            instant += offset if found["sign"] == "-" else -offset
    except (ValueError, OverflowError):
        return None
    return instant


def instant_in(value: object) -> dt.datetime | None:
    """Return the instant that a value of a key is; None for any other value."""
    return parse_instant(value) if isinstance(value, str) else None


def format_instant(instant: dt.datetime) -> str:
    """Return an instant as requests carry it: UTC, in seconds, with ``Z``."""
    return instant.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


@functools.lru_cache(maxsize=4096)
def is_date_time(text: str) -> bool:
    """Return whether ``text`` is an RFC 3339 date-time, which needs a zone.

    This is the check of the schema format ``date-time``, for every validator alike.
    """
    found = _INSTANT.fullmatch(text)
    return (
        found is not None
        and found["separator"] != " "
        and "," not in text
        and (found["zone"] in ("Z", "z") or bool(found["colon"]))
        and parse_instant(text) is not None
    )
