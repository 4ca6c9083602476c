"""Moments in requests and answers, and the emulator's own clock."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gcore_emulator.switches import TimestampForm

Clock = Callable[[], dt.datetime]
"""Gives the present moment, with a time zone."""

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


def parse_moment(text: str) -> dt.datetime:
    """Read an RFC 3339 date-time as a moment in UTC; ValueError when it is none."""
    if _DATE_TIME.fullmatch(text) is None:
        raise ValueError("must be an RFC 3339 date-time with a zone")
    return _existing(text.upper())


def parse_loose_moment(text: str) -> dt.datetime:
    """Read an ISO 8601 date and time, in UTC when it names no zone, as a moment; ValueError when it is none.

    Source: projects and regions show moments without a zone, and the expiry of an inference key has no
    declared format but "ISO 8601".
    """
    if _LOOSE.fullmatch(text) is None:
        raise ValueError("must be an ISO 8601 date and time")
    return _existing(text)


def _existing(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("is not a date and time that exists") from error


def _whole(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").removesuffix("+00:00")


def _fraction(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


_FORMS: Mapping[TimestampForm, Callable[[dt.datetime], str]] = {
    "z": lambda moment: _whole(moment) + "Z",
    "naive": _whole,
    "offset": lambda moment: _whole(moment) + "+00:00",
    "compact": lambda moment: _whole(moment) + "+0000",
    "fraction": _fraction,
}


def format_moment(moment: dt.datetime, form: TimestampForm) -> str:
    """Write a moment in UTC; every form but ``fraction`` drops what is below a second."""
    return _FORMS[form](moment)
