#!/usr/bin/env python3
"""Every fault at once, a hundred times over: ``make chaos``.

The real command runs against an emulator in this process, which misbehaves on purpose. Each run
prints its figures and its promises. The exit code is 1 if a promise is broken, 2 if a run could not
be made. The same seed makes the same choices; what several threads make of them differs a little.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from chaos_runs import cluster, faults, kill, lives, odd, workers, writer
from chaos_runs.processes import ChaosError
from chaos_runs.scale import FULL, QUICK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

    from chaos_runs.promises import Findings
    from chaos_runs.scale import Scale

_BROKEN: Final = 1
_FAILED: Final = 2
_INTERRUPTED: Final = 130
_TERMINATED: Final = 143
_RUNS: Final[Mapping[str, Callable[[Scale], Findings]]] = {
    "faults": faults.converge,
    "faults-giving-up": faults.give_up,
    "faults-misleading": faults.mislead,
    "lives": lives.live_and_die,
    "kill": kill.kill_and_repair,
    "writer": writer.write_along,
    "odd": odd.odd_beside_good,
    "processes": workers.kill_processes,
    "cluster": cluster.kill_workers,
}


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="chaos.py", description="Break everything, and check the promises.")
    parser.add_argument("--quick", action="store_true", help="a small version of every run")
    parser.add_argument("--only", metavar="NAME", choices=_RUNS, help=f"one run: {', '.join(_RUNS)}")
    parser.add_argument("--seed", type=int, default=FULL.seed, help="starts every choice (%(default)s)")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Make the runs, print what they found, and return the exit code."""
    signal.signal(signal.SIGTERM, _terminated)
    given = arguments(words)
    scale = replace(QUICK if given.quick else FULL, seed=given.seed)
    kept = True
    try:
        for name in [given.only] if given.only else _RUNS:
            print(f"running {name} ...", file=sys.stderr, flush=True)
            began = time.monotonic()
            findings = _RUNS[name](scale)
            print("\n".join(findings.lines()), f"\n  ({time.monotonic() - began:.0f} s)\n", flush=True)
            kept = kept and findings.fulfilled
    except (ChaosError, subprocess.TimeoutExpired) as error:
        print(f"chaos: a run could not be made: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("chaos: interrupted", file=sys.stderr)
        return _INTERRUPTED
    print("Every promise is kept." if kept else "A promise is broken.")
    return 0 if kept else _BROKEN


def _terminated(_number: int, _frame: FrameType | None) -> None:
    # As an exception it passes every finally: processes end and files are removed.
    raise SystemExit(_TERMINATED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
