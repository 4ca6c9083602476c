"""When the next round of a service is due; the one home of cronsim. Pure.

Moments are seconds on a monotonic clock, unless they are datetimes.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from typing import Final, Protocol

from cronsim import CronSim, CronSimError

_SPELLING: Final = re.compile(r"(?P<number>\d{1,6})(?P<unit>[smhd])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_BACKOFF: Final = 3600.0
_CRON_FIELDS: Final = 5
_CLOCK_ERROR: Final = dt.timedelta(seconds=1)


def parse_duration(text: str) -> float | None:
    """Read a duration such as ``30s``, ``15m``, ``6h`` or ``1d`` as seconds; give None for anything else."""
    found = _SPELLING.fullmatch(text)
    return None if found is None else float(int(found["number"]) * _SECONDS[found["unit"]])


class Schedule(Protocol):
    """When rounds are due. While rounds fail they come at growing distances, up to an hour."""

    def following(self, planned: float, now: float, present: dt.datetime, failures: int) -> float:
        """Return the moment of the round after the one planned for ``planned``, which has ended by ``now``.

        ``present`` is what the clock on the wall shows at ``now``. Rounds whose moment passed meanwhile are
        left out. ``failures`` counts the failed rounds in a row.
        """
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """Rounds at equal distances, in seconds.

    While rounds fail the distance doubles with each, up to an hour or ``seconds``, whichever is longer.
    """

    seconds: float

    def following(self, planned: float, now: float, _present: dt.datetime, failures: int) -> float:
        """Return the next moment on the grid that ``planned`` lies on."""
        limit = max(_LONGEST_BACKOFF, self.seconds)
        distance = min(self.seconds * float(2 ** min(failures, 32)), limit)
        return planned + distance * max(1, math.ceil((now - planned) / distance))


@dataclass(frozen=True, slots=True)
class Cron:
    """Rounds at the moments of a cron expression of five fields, in UTC.

    While rounds fail, 1, 3, 7, ... moments are left out between two, but not for longer than an hour.
    """

    expression: str

    def following(self, _planned: float, now: float, present: dt.datetime, failures: int) -> float:
        """Return the next moment of the expression.

        A moment less than a second away is the one that the round before was for: two clocks are never
        quite alike.
        """
        moments = CronSim(self.expression, present.astimezone(dt.UTC) + _CLOCK_ERROR)
        moment = next(moments)
        latest = moment + dt.timedelta(seconds=_LONGEST_BACKOFF)
        for _ in range(2 ** min(failures, 12) - 1):
            if moment >= latest:
                break
            moment = next(moments)
        return now + (moment - present).total_seconds()


def parse_cron(text: str) -> Cron | None:
    """Read a cron expression of five fields that has a moment at all; give None for anything else."""
    try:
        if len(text.split()) != _CRON_FIELDS:
            return None
        next(CronSim(text, dt.datetime(2000, 1, 1, tzinfo=dt.UTC)))
    except (CronSimError, StopIteration):
        return None
    return Cron(text)
