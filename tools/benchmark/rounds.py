"""Rounds of a drift service, each beside its floor: ``python -m benchmark.rounds DIRECTORY DATASET ROUNDS``.

The floor of a round is a GET for each page, one after the other, and one validation of the files. The
service is the real command, on a clock that takes no time; the first round, which parses, is not counted.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import signal
import sys
import time
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Final

import httpx

from benchmark.data import PAGE_LIMIT, dataset_from_json, scope_path
from reconciler.cli.main import run
from reconciler.kinds.packaged import document_schema, load_kinds
from reconciler.model.scope import ScopeDefaults
from reconciler.validate.state import desired_state
from reconciler.validate.validator import Rules

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

_EVERY: Final = 60.0


class Stopwatch:
    """A clock that moves only by its sleeps; what passed between two sleeps was a round."""

    def __init__(self, rounds: int, floor: Callable[[], float]) -> None:
        """Measure several rounds, each followed by its floor."""
        self.rounds: list[float] = []
        self.floors: list[float] = []
        self._wanted = rounds
        self._floor = floor
        self._elapsed = 0.0
        self._began = time.perf_counter()

    def now(self) -> dt.datetime:
        """Return an instant; all rounds are on one day."""
        return dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return the seconds slept."""
        return self._elapsed

    def sleep(self, seconds: float, wake: threading.Event) -> None:
        """End a round, measure its floor, and begin the next."""
        if wake.is_set():
            return
        self._elapsed += seconds
        if self._elapsed % _EVERY:
            return  # the pulse of the service, half-way to the next round
        self.rounds.append(time.perf_counter() - self._began)
        if len(self.rounds) > self._wanted:
            os.kill(os.getpid(), signal.SIGTERM)
        self.floors.append(self._floor())
        self._began = time.perf_counter()


def main(directory: str, dataset_text: str, rounds: str) -> None:
    """Measure, and print the seconds of rounds and floors."""
    dataset = dataset_from_json(dataset_text)
    address = os.environ["GCORE_BASE_URL"]
    headers = {"Authorization": f"apikey {os.environ['GCORE_API_KEY']}"}
    pages = [
        (scope_path(scope), offset)
        for scope, size in enumerate(dataset.sizes)
        for offset in range(0, size, PAGE_LIMIT)
    ]

    def floor() -> float:
        began = time.perf_counter()
        with httpx.Client(base_url=address, headers=headers) as client:
            for path, offset in pages:
                client.get(path, params={"limit": PAGE_LIMIT, "offset": offset}).json()
        now = dt.datetime.now(dt.UTC)
        rules = Rules(
            document_schema=document_schema(), kinds=load_kinds(), defaults=ScopeDefaults(), now=now
        )
        desired_state([directory], io.BytesIO(), rules)
        return time.perf_counter() - began

    watch = Stopwatch(int(rounds), floor)
    with redirect_stdout(io.StringIO()):
        code = run(["drift", directory, "--every", f"{_EVERY:.0f}s"], watch)
    print(json.dumps({"code": code, "rounds": watch.rounds[1:], "floors": watch.floors[1:]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
