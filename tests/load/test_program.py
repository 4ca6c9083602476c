"""Running other programs."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING

from reconciler.load.program import run
from tests.support import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator


class Hurrying(FakeClock):
    """A clock that is a minute later whenever it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self._minutes: Iterator[int] = itertools.count()

    def monotonic(self) -> float:
        return 60.0 * next(self._minutes)


def test_a_program_is_killed_once_its_clock_says_that_its_time_is_over() -> None:
    ended = run([sys.executable, "-c", "import signal; signal.pause()"], {}, 90, clock=Hurrying())
    assert ended.code is None
