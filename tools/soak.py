#!/usr/bin/env python3
"""A service left alone for 10,000 rounds, on a clock that takes no time: ``make soak``.

The real command runs in this process. The API fails, goes down and recovers; people edit keys, fight
over one, and commit files, some of them broken. Then, in real time, keys are edited and a service that looks
each second corrects them. The exit code is 1 if a promise is broken.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from chaos_runs.promises import Findings
from reconciler.cli.main import run
from soak_runs.checks import check_history
from soak_runs.portal import correct_edits
from soak_runs.world import EVERY, TOKEN, World, an_api, body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soak_runs.world import Body

_RUNS: Final = ("rounds", "edits")
_ROUNDS: Final = 10_000
_EDITS: Final = 100
_MOST_GROWTH: Final = 5_000_000
_SPARE_DESCRIPTORS: Final = 2
"""A descriptor or two more at one time than at another is not a leak: one for each round would be."""


def soak(rounds: int, seed: int) -> Findings:
    """Run the service for the given rounds and return the fulfilled and broken promises."""
    findings = Findings(f"{rounds:,} rounds, {EVERY // 60} minutes each")
    with tempfile.TemporaryDirectory(prefix="soak-") as name, an_api(Path(name)) as api:
        directory = Path(name)
        history = directory / "history.db"
        os.environ |= {"GCORE_API_KEY": TOKEN, "GCORE_BASE_URL": api}
        words = ["drift", str(directory / "keys.yaml"), "--correct", "all", "--every", f"{EVERY}s"]
        world = World(api, directory, rounds, Random(seed))  # noqa: S311 - made-up events, repeatable
        with (
            Path(os.devnull).open("w", encoding="utf-8") as nowhere,
            redirect_stdout(nowhere),
            redirect_stderr(nowhere),
        ):
            sink = ("--allow-destroy", "--secret-sink", f"file:{directory / 'secrets'}")
            code = run([*words, *sink, "--retention", "9999d", "--history", str(history)], world)
        _check_body(findings, world, body())
        findings.promise("the service ends on request", [] if code == 0 else [f"exit {code}"])
        findings.add("edits in the portal", world.edits)
        check_history(history, findings)
    return findings


def _check_body(findings: Findings, world: World, now: Body) -> None:
    if world.warm is None:
        return
    growth = now.memory - world.warm.memory
    findings.add("KiB more in memory than after round 100", growth // 1024)
    findings.promise("memory is flat", [] if growth < _MOST_GROWTH else [f"{growth:,} bytes more"])
    descriptors = now.descriptors - world.warm.descriptors
    findings.promise(
        "no file descriptor leaks",
        [] if descriptors <= _SPARE_DESCRIPTORS else [f"{descriptors} more"],
    )


def main(words: Sequence[str]) -> int:
    """Run, print what was found, and return the exit code."""
    parser = argparse.ArgumentParser(prog="soak.py", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="how many (%(default)s)")
    parser.add_argument("--only", choices=_RUNS, help="one of the two")
    parser.add_argument("--edits", type=int, default=_EDITS, help="in the portal (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="starts every choice (%(default)s)")
    given = parser.parse_args(words)
    rng = Random(given.seed)  # noqa: S311 - made-up events, repeatable
    kept = True
    for name in _RUNS if given.only is None else (given.only,):
        if name == "rounds":
            findings = soak(given.rounds, given.seed)
        else:
            with tempfile.TemporaryDirectory(prefix="soak-") as directory:
                findings = correct_edits(Path(directory), given.edits, rng)
        print("\n".join(findings.lines()), flush=True)
        kept = kept and findings.fulfilled
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
