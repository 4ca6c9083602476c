"""The schedule of a service; the only module that imports cronsim. Pure.

Times are seconds on a monotonic clock, unless they are datetimes.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Final

from cronsim import CronSim, CronSimError

from reconciler.model.durations import interval_text
from reconciler.model.frozen import dataclass

_LONGEST_BACKOFF: Final = 3600.0
_CRON_FIELDS: Final = 5
_CLOCK_ERROR: Final = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Every:
    """Cycles at equal intervals, in seconds.

    While cycles fail the interval doubles each time, up to an hour or ``seconds``, whichever is longer.
    """

    seconds: float

    def __str__(self) -> str:
        """Return the schedule for people."""
        return f"every {interval_text(self.seconds)}"

    def following(self, planned: float, now: float, _present: dt.datetime, failures: int) -> float:
        """Return the next time on the grid that ``planned`` is on."""
        limit = max(_LONGEST_BACKOFF, self.seconds)
        distance = min(self.seconds * float(2 ** min(failures, 32)), limit)
        return planned + distance * max(1, math.ceil((now - planned) / distance))


@dataclass(frozen=True, slots=True)
class Cron:
    """Cycles at the times of a cron expression of five fields, in UTC.

    While cycles fail, 1, 3, 7, ... times are skipped between two, but not for longer than an hour.
    """

    expression: str

    def __str__(self) -> str:
        """Return the schedule for people."""
        return f"at {self.expression} (UTC)"

    def following(self, _planned: float, now: float, present: dt.datetime, failures: int) -> float:
        """Return the next time of the expression.

        A time less than a second ahead belongs to the previous cycle: two clocks always differ a little.
        """
        times = CronSim(self.expression, present.astimezone(dt.UTC) + _CLOCK_ERROR)
        due = next(times)
        latest = due + dt.timedelta(seconds=_LONGEST_BACKOFF)
        for _ in range(2 ** min(failures, 12) - 1):
            if due >= latest:
                break
            due = next(times)
        return now + (due - present).total_seconds()


Schedule = Every | Cron
"""When cycles are due: ``following`` returns the time of the one after that at ``planned``, ended by ``now``.

``present`` is the wall clock's time at ``now``, ``failures`` how many cycles in a row have failed. Cycles
whose time passed meanwhile are left out.
"""


def parse_cron(text: str) -> Cron | None:
    """Parse a cron expression of five fields; None for an invalid one, or one without a future time."""
    try:
        if len(text.split()) != _CRON_FIELDS:
            return None
        next(CronSim(text, dt.datetime(2000, 1, 1, tzinfo=dt.UTC)))
    except (CronSimError, StopIteration):
        return None
    return Cron(text)
