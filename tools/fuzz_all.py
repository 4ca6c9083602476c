#!/usr/bin/env python3
"""Every fuzz run: ``python tools/fuzz_all.py [--quick] [--only NAME] [--seed N]``.

The exit code is 1 if a promise is broken; the input that broke it is saved and named.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fuzz import api, edits, kinds, properties, service, slow, validate
from fuzz.report import print_report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fuzz.report import Report

_BROKEN: Final = 1
_SEED: Final = 20260601


@dataclass(frozen=True, slots=True)
class _Run:
    name: str
    run: Callable[[int, int], Report]
    full: int
    quick: int


_RUNS: Final = (
    _Run("validate", validate.run, 100_000, 3_000),
    _Run("kinds", kinds.run, 10_000, 300),
    _Run("service", service.run, 10_000, 500),
    _Run("api", api.run, 20_000, 1_000),
    _Run("slow", slow.run, 1_000, 64),
    _Run("edits", edits.run, 20_000, 500),
    _Run("properties", properties.run, 2_000, 50),
)


def main(words: Sequence[str]) -> int:
    """Run what is asked for, print its figures, and return the exit code."""
    parser = argparse.ArgumentParser(prog="fuzz_all.py", description="Run every fuzz run.")
    parser.add_argument("--quick", action="store_true", help="a small version of each")
    parser.add_argument("--only", metavar="NAME", choices=[run.name for run in _RUNS], help="one run")
    parser.add_argument("--seed", type=int, default=_SEED, help="where the choices begin")
    given = parser.parse_args(words)
    kept = True
    for run in _RUNS:
        if given.only in (None, run.name):
            report = run.run(given.seed, run.quick if given.quick else run.full)
            print_report(report)
            sys.stdout.flush()
            kept = kept and report.fulfilled
    return 0 if kept else _BROKEN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
