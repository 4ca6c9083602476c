#!/usr/bin/env python3
"""A year of renewals and rotations on a made-up clock: ``make year``.

Each week the steps of the scheduled workflow run and are committed; a review merges them after one to three
days, and apply sends them. One request in ten fails, and some runs are killed by a write. Each day, and after
each run, each key must have a valid successor or be valid itself, with its secret stored; consumers read the
alias every few days. The exit code is 1 if a promise is broken.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from chaos_runs.promises import Findings
from gcore_emulator import Emulator, Faults
from year_runs.clock import YearClock
from year_runs.consumers import Consumer, World
from year_runs.keys import documents, first_keys
from year_runs.place import TOKEN, Killer, begin, child

if TYPE_CHECKING:
    from collections.abc import Sequence

    from year_runs.place import Ended, Place

_BEGAN: Final = dt.datetime(2026, 1, 5, 5, 23, tzinfo=dt.UTC)
_STEPS: Final = (
    ("keys: renew what expires soon", ("renew",)),
    ("keys: begin rotations that are due", ("rotate", "--due")),
    ("keys: finish rotations", ("rotate", "--finish")),
)
_FAULTS: Final = Faults(
    status_429=0.02,
    status_500=0.02,
    status_503=0.02,
    reset_before=0.01,
    reset_after=0.01,
    half_body=0.01,
    html_page=0.005,
    accepted_after=0.005,
)
_ADVICE: Final = re.compile(r"reconciler rotate (\S+) --now")
_TRIES: Final = 12
_PROMISES: Final = (
    "at every time a valid key whose secret is stored",
    "what a consumer holds works",
    "no valid key is older than its policy",
    "every merge is applied in the end",
    "no secret is printed",
    "every commit is small enough to be read",
)
_LONGEST_DIFF: Final = 40
"""Lines for each key that a commit is about."""


@dataclass(slots=True)
class Year:
    """A repository, its weeks, and what is counted."""

    world: World
    place: Place
    rng: Random
    findings: Findings

    def week(self, number: int) -> None:
        """Run the schedule, wait for the review, apply; look each day."""
        began = _BEGAN + dt.timedelta(weeks=number)
        self.place.clock.pass_until(began)
        steps = [self._step(title, words) for title, words in _STEPS]
        merged = began + dt.timedelta(hours=self.rng.uniform(24, 72))
        is_applied = not any(steps)
        for day in range(7):
            self.place.clock.pass_until(began + dt.timedelta(days=day, hours=7))
            if not is_applied and self.place.clock.now() >= merged:
                self._apply()
                is_applied = True
            for consumer in self.world.consumers:
                consumer.read(self.place, self.rng)
            self.world.check()

    def _step(self, title: str, words: tuple[str, ...]) -> bool:
        """Run a step of the workflow, again if it could not read, and commit it."""
        for _ in range(_TRIES):
            ended = self.place.command(*words)
            if ended.code in {0, 2}:
                break
            self.findings.add("steps of the workflow tried again")
        if not self.place.commit(title):
            return False
        self.findings.add(title)
        lines = len(self.place.git("show", "--format=", "--unified=0", "HEAD").splitlines())
        keys = max(ended.text.count(" -> "), 1)
        if lines > _LONGEST_DIFF * keys:
            self.findings.promise(_PROMISES[5], [f"{title}: {lines} lines for {keys} keys"])
        return True

    def _apply(self) -> None:
        """Apply until nothing is left: run again what was killed or failed, and follow the advice.

        A person who replaces successors that were lost allows what that ends, which may be beyond the limit.
        """
        ended, allowed = None, tuple[str, ...]()
        for _ in range(_TRIES):
            ended = self._run(*allowed)
            self.world.check()
            if ended.code == 0:
                return
            for address in dict.fromkeys(_ADVICE.findall(ended.text)):
                self.findings.add("successors replaced, because their secret was lost")
                for _ in range(_TRIES):
                    if self.place.command("rotate", address, "--now").code == 0:
                        break
                self.place.commit(f"keys: replace {address}")
                allowed = ("--max-revoked", "100%")
            self.place.clock.pass_until(self.place.clock.now() + dt.timedelta(hours=1))
        text = "" if ended is None else ended.text[-300:]
        self.findings.promise(_PROMISES[3], [f"{self.place.clock.now():%Y-%m-%d}: {text}"])

    def _run(self, *allowed: str) -> Ended:
        words = ("apply", "--auto-approve", "-q", "--secret-sink", f"file:{self.place.secrets}", *allowed)
        self.findings.add("applies")
        if self.rng.random() < 0.4:  # noqa: PLR2004 - a coin
            ended = self.place.killed(self.rng.randint(1, 12), *words)
            self.findings.add("applies killed", int(ended.code < 0))
            return ended
        return self.place.command(*words)


def year(weeks: int, count: int, seed: int) -> Findings:
    """Run so many weeks with so many keys; return the fulfilled and broken promises."""
    findings, rng = Findings(f"{weeks} weeks, {count} keys"), Random(seed)  # noqa: S311 - repeatable
    for promise in _PROMISES:
        findings.promise(promise)
    clock, keys, killer = YearClock(_BEGAN), first_keys(count, _BEGAN, rng), Killer()
    with (
        tempfile.TemporaryDirectory(prefix="year-") as name,
        Emulator(token=TOKEN, clock=clock.now, listen=killer.listen) as emulator,
    ):
        place = begin(Path(name), clock, emulator.url, documents(keys))
        place.killer = killer
        consumers = []
        for key in keys:
            entry = {**key.declared, "created_at": key.created.isoformat()}
            emulator.put_key(1, None if key.kind == "inference" else 76, entry, family=key.kind)
            place.store(key.address, f"first-secret-of-{key.name}")
            consumers.append(Consumer(key, f"first-secret-of-{key.name}", clock.now()))
        world = World(emulator, place, consumers)
        world.check()
        emulator.faults = _FAULTS
        for number in range(weeks):
            Year(world, place, rng, findings).week(number)
        findings.add("requests", len(emulator.requests))
        findings.add("of them with a fault", sum(emulator.injected.values()))
        findings.add("times that everything was checked", world.checks)
        made = sum("@" not in file.name for file in place.secrets.iterdir()) - len(keys)
        findings.add("keys made in the year", made)
        for promise, broken in world.broken.items():
            findings.promise(promise, broken)
        findings.promise(_PROMISES[4], world.leaks())
    return findings


def main(words: Sequence[str]) -> int:
    """Run, print what was found, and return the exit code."""
    if words[:1] == ["--child"]:
        return child(words[2:], YearClock(dt.datetime.fromisoformat(words[1])))
    parser = argparse.ArgumentParser(prog="year.py", description=__doc__.splitlines()[0])
    parser.add_argument("--weeks", type=int, default=52, help="how many (%(default)s)")
    parser.add_argument("--keys", type=int, default=200, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="starts every choice (%(default)s)")
    given = parser.parse_args(words)
    findings = year(given.weeks, given.keys, given.seed)
    print("\n".join(findings.lines()), flush=True)
    return 0 if findings.fulfilled else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
