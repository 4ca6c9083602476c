#!/usr/bin/env python3
"""The budgets, as ratios: ``make bench``.

Each line is measured with its floor beside it, in one run, on one machine: the seconds differ from
machine to machine, the ratios hardly do. The exit code is 1 if a line misses its budget, 2 if a run
failed and there was nothing to measure.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
from typing import TYPE_CHECKING, Final

from benchmark import (
    lines_apply,
    lines_compare,
    lines_dask,
    lines_drift,
    lines_load,
    lines_plan,
    lines_processes,
    lines_start,
)
from benchmark.processes import BenchmarkError, a_place
from benchmark.report import Row, Verdict, table
from benchmark.scale import FULL, QUICK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from benchmark.engine import Measure
    from benchmark.scale import Scale

_MISSED: Final = 1
_FAILED: Final = 2
_INTERRUPTED: Final = 130
_TERMINATED: Final = 143
_GROUPS: Final[tuple[tuple[tuple[str, ...], Measure], ...]] = (
    (lines_plan.LINES, lines_plan.measure),
    (("processes",), lines_processes.measure_two),
    (("dask",), lines_dask.measure),
    (("auto",), lines_processes.measure_auto),
    (("vast",), lines_processes.measure_vast),
    (("obvious",), lines_compare.measure_obvious),
    (("requests",), lines_apply.measure_requests),
    (("loop",), lines_compare.measure_loop),
    (("apply",), lines_apply.measure_rate),
    (("round",), lines_drift.measure_round),
    (("history",), lines_drift.measure_history),
    (("start",), lines_start.measure),
    (("installed",), lines_start.measure_installed),
    (("json",), lines_load.measure),
)
_NAMES: Final = tuple(name for names, _ in _GROUPS for name in names)
_ON_REQUEST: Final = frozenset({"vast"})
"""Lines that take minutes and gigabytes, so that they are measured only where they are asked for."""


def measure(scale: Scale, chosen: frozenset[str]) -> list[Row]:
    """Measure every group that has a chosen line."""
    rows: list[Row] = []
    for names, measure_group in _GROUPS:
        lines = [name for name in names if name in chosen]
        if lines:
            print(f"measuring {', '.join(lines)} ...", file=sys.stderr, flush=True)
            with a_place() as place:
                rows += measure_group(place, scale, chosen)
    return rows


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench.py", description="Measure the budgets, as ratios.")
    parser.add_argument("--quick", action="store_true", help="a small version, for orientation only")
    parser.add_argument("--only", metavar="NAME", choices=_NAMES, help=f"one line: {', '.join(_NAMES)}")
    requested = ", ".join(sorted(_ON_REQUEST))
    parser.add_argument(
        "--all", action="store_true", help=f"with what takes minutes and gigabytes: {requested}"
    )
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Measure, print the table, and return the exit code."""
    signal.signal(signal.SIGTERM, _terminated)
    given = arguments(words)
    usual = frozenset(_NAMES) if given.all else frozenset(_NAMES) - _ON_REQUEST
    chosen = frozenset([given.only]) if given.only else usual
    try:
        rows = measure(QUICK if given.quick else FULL, chosen)
    except BenchmarkError as error:
        print(f"bench: nothing to measure: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return _INTERRUPTED
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; medians of interleaved rounds\n")
    print(table(rows))
    if not given.only and usual != frozenset(_NAMES):
        print(f"\nNot measured: {', '.join(sorted(_ON_REQUEST))}; --all measures that too.")
    missed = [row for row in rows if row.verdict is Verdict.MISS]
    if given.quick:
        print("\nA quick run: start-up weighs more in small sizes, so these verdicts do not count.")
        return 0
    for row in missed:
        print(f"\nmissed: {row.what}: {row.measured}, budget {row.budget}", end="")
    print("" if missed else "\nEvery budget is kept.")
    return _MISSED if missed else 0


def _terminated(_number: int, _frame: FrameType | None) -> None:
    # As an exception it passes every finally: servers end and files are removed.
    raise SystemExit(_TERMINATED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
