"""Times in requests and responses, and the emulator's own clock."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gcore_emulator.switches import TimestampForm

Clock = Callable[[], dt.datetime]
"""Returns the present time, with a time zone."""

# RFC 3339, which is what "format: date-time" in the API description means.
_DATE_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]([01]\d|2[0-3]):\d{2}:\d{2}(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
# The extended form of ISO 8601 with seconds; its zone may be missing.
_LOOSE = re.compile(
    r"\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):\d{2}:\d{2}(\.\d+)?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)?", re.ASCII
)


def system_clock() -> dt.datetime:
    """Return the machine's time in UTC."""
    return dt.datetime.now(dt.UTC)  # noqa: TID251 - the one real clock, the default of the composition root


def parse_instant(text: str) -> dt.datetime:
    """Parse an RFC 3339 date-time as an instant in UTC. Raises ValueError if it is invalid."""
    if _DATE_TIME.fullmatch(text) is None:
        raise ValueError("must be an RFC 3339 date-time with a zone")
    return _existing(text.upper())


def parse_loose_instant(text: str) -> dt.datetime:
    """Parse an ISO 8601 date and time, in UTC without a zone. Raises ValueError if it is invalid.

    Source: projects and regions show times without a zone, and the expiry of an inference key has no declared
    format but "ISO 8601".
    """
    if _LOOSE.fullmatch(text) is None:
        raise ValueError("must be an ISO 8601 date and time")
    return _existing(text)


def _existing(text: str) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(text)
        return instant.replace(tzinfo=instant.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("is not a date and time that exists") from error


def _whole(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).isoformat(timespec="seconds").removesuffix("+00:00")


def _fraction(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


_FORMS: Mapping[TimestampForm, Callable[[dt.datetime], str]] = {
    "z": lambda instant: _whole(instant) + "Z",
    "naive": _whole,
    "offset": lambda instant: _whole(instant) + "+00:00",
    "compact": lambda instant: _whole(instant) + "+0000",
    "fraction": _fraction,
}


def format_instant(instant: dt.datetime, form: TimestampForm) -> str:
    """Format an instant in UTC; every form but ``fraction`` omits fractions of a second."""
    return _FORMS[form](instant)
