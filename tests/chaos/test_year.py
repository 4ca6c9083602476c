"""A short version of `make year`, and its checks checked."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from gcore_emulator import Emulator
from year_runs.clock import YearClock
from year_runs.consumers import Consumer, World
from year_runs.keys import First
from year_runs.place import Place

TOOLS = Path(__file__).parents[2] / "tools"
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
KEY = First("caas", "caas-key-000", NOW - dt.timedelta(days=10), NOW + dt.timedelta(days=30))


def test_weeks_with_renewals_and_rotations_fulfil_every_promise() -> None:
    done = subprocess.run(
        [sys.executable, str(TOOLS / "year.py"), "--weeks", "2", "--keys", "12", "--seed", "2"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, "BROKEN" in done.stdout) == (0, False), done.stdout + done.stderr
    assert "keys: begin rotations that are due" in done.stdout
    assert "keys: renew what expires soon" in done.stdout


@pytest.mark.parametrize(
    ("fields", "stored", "held", "broken"),
    [
        ({}, "a", "a", set()),
        ({"expire": "2026-06-01T12:00:00Z"}, "a", "a", {"at every time a valid key whose secret is stored"}),
        ({}, None, "a", {"at every time a valid key whose secret is stored", "what a consumer holds works"}),
        ({}, "a", "b", {"what a consumer holds works"}),
        ({"created_at": "2025-01-01T00:00:00Z"}, "a", "a", {"no valid key is older than its policy"}),
    ],
)
def test_a_broken_promise_is_noticed(
    tmp_path: Path, fields: dict[str, str], stored: str | None, held: str, broken: set[str]
) -> None:
    clock = YearClock(NOW)
    with Emulator(clock=clock.now) as emulator:
        emulator.put_key(1, 76, {**KEY.declared, "created_at": KEY.created.isoformat(), **fields})
        place = Place(tmp_path, clock)
        if stored is not None:
            place.store(KEY.address, stored)
        world = World(emulator, place, [Consumer(KEY, held, NOW)])
        world.check()
    assert set(world.broken) == broken


def test_a_printed_secret_is_noticed(tmp_path: Path) -> None:
    place = Place(tmp_path, YearClock(NOW))
    place.store(KEY.address, "a-secret")
    with Emulator() as emulator:
        world = World(emulator, place, [])
        place.printed.append("all is well")
        assert [*world.leaks()] == []
        place.printed.append("look: a-secret")
        assert len([*world.leaks()]) == 1


def test_a_consumer_reads_again_after_three_days(tmp_path: Path) -> None:
    clock = YearClock(NOW)
    place = Place(tmp_path, clock)
    consumer = Consumer(KEY, "old", NOW)
    place.store(KEY.address, "new")
    clock.pass_until(NOW + dt.timedelta(days=3))
    consumer.read(place, Random(1))  # noqa: S311 - repeatable
    assert consumer.held == "new"
