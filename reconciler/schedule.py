"""When the next round of a service is due. Pure: moments and durations are seconds on a monotonic clock."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

_SPELLING: Final = re.compile(r"(?P<number>\d{1,6})(?P<unit>[smhd])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_BACKOFF: Final = 3600.0


def parse_duration(text: str) -> float | None:
    """Read a duration such as ``30s``, ``15m``, ``6h`` or ``1d`` as seconds; give None for anything else."""
    found = _SPELLING.fullmatch(text)
    return None if found is None else float(int(found["number"]) * _SECONDS[found["unit"]])


@dataclass(frozen=True, slots=True)
class Schedule:
    """Rounds at equal distances, each up to ``jitter`` later than planned.

    While rounds fail the distance doubles with each, up to an hour or ``every``, whichever is longer.
    """

    every: float
    jitter: float = 0.0

    def following(self, planned: float, now: float, failures: int) -> float:
        """Give the moment of the round after the one planned for ``planned``, which has ended by ``now``.

        Rounds whose moment passed meanwhile are left out. ``failures`` counts the failed rounds in a row.
        """
        limit = max(_LONGEST_BACKOFF, self.every)
        distance = min(self.every * float(2 ** min(failures, 32)), limit)
        return planned + distance * max(1, math.ceil((now - planned) / distance))

    def start(self, planned: float, draw: float) -> float:
        """Give the moment to begin a round: ``draw``, from 0 to 1, is its share of the jitter."""
        return planned + self.jitter * draw
