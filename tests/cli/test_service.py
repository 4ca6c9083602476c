"""``drift --every``: rounds that continue, whatever happens to files and service."""

from __future__ import annotations

import random
import re
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.console import Console
from reconciler.model.cycle import CycleReport, CycleResult, ScopeReport, ScopeState
from reconciler.model.scope import Scope
from reconciler.service.loop import Service
from reconciler.service.schedule import Cron, Every
from reconciler.service.systemd import Heartbeat, Supervisor
from tests.support import CommandLine, FakeClock, declare, fill, lines_until, patches

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator
    from reconciler.service.schedule import Schedule

OK, FAILED = CycleResult.IN_SYNC, CycleResult.FAILED


SCOPE = Scope("caas", 1, 76)


class Cycles:
    """Rounds that take no time and have preset results; the service ends after the last."""

    def __init__(self, clock: FakeClock, *results: CycleResult) -> None:
        self.stop = threading.Event()
        self.start_times: list[float] = []
        self._clock = clock
        self._results = list(results)

    def __call__(self) -> CycleReport:
        self.start_times.append(self._clock.elapsed)
        result = self._results.pop(0)
        if not self._results:
            self.stop.set()
        standing = ScopeState.UNREACHABLE if result is FAILED else ScopeState.IN_SYNC
        now = self._clock.now()
        return CycleReport(now, now, result, (ScopeReport(SCOPE, standing),))


def a_service(clock: FakeClock, stop: threading.Event, schedule: Schedule, jitter: float = 0) -> Service:
    supervisor = Supervisor(None)
    heartbeat = Heartbeat(clock, supervisor, 300)
    rng = random.Random(1)  # noqa: S311 - spreads load, hides nothing
    return Service(schedule, jitter, heartbeat, stop, threading.Event(), Console(0, color=False), rng)


def start_times(*results: CycleResult, schedule: Schedule | None = None, jitter: float = 0) -> list[float]:
    """Run a round for each result and return the times at which they started."""
    clock = FakeClock()
    rounds = Cycles(clock, *results)
    a_service(clock, rounds.stop, schedule or Every(60), jitter).run(rounds)
    return rounds.start_times


def test_rounds_start_at_equal_intervals() -> None:
    assert start_times(OK, OK, OK, OK) == [0, 60, 120, 180]


def test_cron_rounds_start_at_the_times_of_the_expression() -> None:
    assert start_times(OK, OK, OK, schedule=Cron("*/15 * * * *")) == [0, 900, 1800]


def test_jitter_delays_each_round_without_shifting_the_grid() -> None:
    found = start_times(OK, OK, OK, OK, jitter=10)
    delays = [instant - planned for instant, planned in zip(found, [0, 60, 120, 180], strict=True)]
    assert delays[0] == 0
    assert all(0 < delay < 10 for delay in delays[1:])
    assert len(set(delays)) == 4


def test_failing_rounds_back_off_until_one_succeeds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert start_times(OK, FAILED, FAILED, OK, OK, OK) == [0, 60, 180, 420, 480, 540]
    assert capsys.readouterr().err.splitlines() == [
        "Error: rounds have failed since 2026-06-01T12:01:00Z: 1 in a row",
        "Error: rounds have failed since 2026-06-01T12:01:00Z: 2 in a row",
        "Rounds succeed again; they had failed since 2026-06-01T12:01:00Z",
    ]


def test_an_interrupted_round_is_not_a_failure() -> None:
    assert start_times(OK, CycleResult.INTERRUPTED, OK, OK) == [0, 60, 120, 180]


def test_a_service_is_ready_after_the_first_successful_read() -> None:
    clock, reported = FakeClock(), []

    def work() -> CycleReport:
        reported.append(service.unready())
        return rounds()

    rounds = Cycles(clock, FAILED, OK, OK)
    service = a_service(clock, rounds.stop, Every(60))
    service.run(work)
    assert reported == [
        "no round has ended yet",
        "rounds fail, since 2026-06-01T12:00:00Z",
        "",
    ]


@pytest.fixture
def drifted(emulator: Emulator, tmp_path: Path) -> str:
    fill(emulator, "web", description="theirs")
    return declare(tmp_path / "keys.yaml", {"name": "web", "description": "ours"})


def test_a_change_in_the_portal_is_corrected_in_a_later_round(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    with cli.start("drift", drifted, "--every", "1s", "--correct", "all") as process:
        lines_until(process.stderr, "Apply complete")
        fill(emulator, "web", description="theirs again")
        lines_until(process.stderr, "Apply complete")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert patches(emulator) == [{"description": "ours"}, {"description": "ours"}]


def test_with_invalid_files_the_last_valid_ones_stay_in_force(
    cli: CommandLine, emulator: Emulator, drifted: str, tmp_path: Path
) -> None:
    with cli.start("drift", drifted, "--every", "1s", "--correct", "all") as process:
        lines_until(process.stderr, "Apply complete")
        (tmp_path / "keys.yaml").write_text("keys: [", encoding="utf-8")
        reported = lines_until(process.stderr, "still in use")
        fill(emulator, "web", description="theirs again")
        lines_until(process.stderr, "Apply complete")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert re.search(r" error   files\.invalid -: .*keys\.yaml:1:\d+: ", reported[-2])
    assert process.returncode == 0
    assert emulator.keys(1, 76)["web"]["description"] == "ours"


def test_sighup_starts_a_round_immediately(cli: CommandLine, emulator: Emulator, drifted: str) -> None:
    with cli.start("drift", drifted, "--every", "1d") as process:
        lines_until(process.stderr, "Drift: 1 key differs")
        fill(emulator, "web", description="ours")
        process.send_signal(signal.SIGHUP)
        assert lines_until(process.stderr, "still matches")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_unchanged_findings_are_not_shown_again(cli: CommandLine, drifted: str) -> None:
    with cli.start("drift", drifted, "--every", "1s", "-v") as process:
        logged = lines_until(process.stderr, "No change since the last round")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert sum("Drift: 1 key differs from the files." in line for line in logged) == 1


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--every", "0s"], "--every must be longer than 0s."),
        (["--every", "1m", "--cron", "* * * * *"], "--every and --cron cannot be combined; choose one."),
        (["--cron", "often"], "invalid cron expression 'often'; use five fields, such as 0 6 * * *."),
        (["--every", "1m", "--retention", "1h"], "--retention must not be shorter than --contested-window"),
        (["--notify-after", "2"], "--notify-after has no effect without --history or --every or --cron."),
        (
            ["--contested-after", "2"],
            "--contested-after has no effect without --history or --every or --cron.",
        ),
        (["--jitter", "5s"], "--jitter has no effect without --every or --cron."),
        (["--metrics-port", "0"], "--metrics-port is for a service; with one round, use --metrics-file."),
        (["--webhook-secret-file", "x"], "--webhook-secret-file has no effect without --webhook."),
        (["--every", "often"], "invalid duration 'often'; use 30s, 15m, 6h or 1d."),
        (["-", "--every", "1m"], "a service cannot read from standard input; specify files."),
    ],
)
def test_an_invalid_schedule_is_a_usage_error(
    cli: CommandLine, drifted: str, options: list[str], complaint: str
) -> None:
    done = cli("drift", drifted, *options)
    assert (done.code, complaint in done.err) == (64, True)
