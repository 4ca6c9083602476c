"""``drift --every``: rounds that go on, whatever happens to files and service."""

from __future__ import annotations

import re
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.console import Console
from reconciler.cli.service import Service
from reconciler.errors import ConfigurationError
from reconciler.schedule import Schedule
from tests.support import CommandLine, FakeClock, declare, fill, lines_until, patches

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from reconciler.emulator import Emulator


class Rounds:
    """Rounds that take no time and fail where they are told to; the service ends after the last."""

    def __init__(self, clock: FakeClock, outcomes: Iterable[str]) -> None:
        self.stop = threading.Event()
        self.moments: list[float] = []
        self._clock = clock
        self._outcomes = list(outcomes)

    def __call__(self) -> None:
        self.moments.append(self._clock.elapsed)
        outcome = self._outcomes.pop(0)
        if not self._outcomes:
            self.stop.set()
        if outcome:
            raise ConfigurationError(outcome)


def moments(*outcomes: str, every: float = 60) -> list[float]:
    """Run a round for each outcome and give the moments at which they began."""
    clock = FakeClock()
    rounds = Rounds(clock, outcomes)
    Service(Schedule(every), clock, Console(0, color=False), rounds.stop).run(rounds)
    return rounds.moments


def test_rounds_come_at_equal_distances() -> None:
    assert moments("", "", "", "") == [0, 60, 120, 180]


def test_failed_rounds_come_at_growing_distances_until_one_succeeds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert moments("", "down", "down", "", "", "") == [0, 60, 180, 420, 480, 540]
    assert capsys.readouterr().err.splitlines() == [
        "Error: down",
        "Error: rounds have failed since 2026-06-01T12:01:00Z: 1 in a row",
        "Error: down",
        "Error: rounds have failed since 2026-06-01T12:01:00Z: 2 in a row",
        "Rounds succeed again; they had failed since 2026-06-01T12:01:00Z",
    ]


def test_an_error_in_the_first_round_ends_the_service() -> None:
    with pytest.raises(ConfigurationError, match="no token"):
        moments("no token", "")


@pytest.fixture
def drifted(emulator: Emulator, tmp_path: Path) -> str:
    fill(emulator, "web", description="theirs")
    return declare(tmp_path / "keys.yaml", {"name": "web", "description": "ours"})


def test_a_change_in_the_portal_is_corrected_in_a_later_round(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    with cli.start("drift", drifted, "--every", "1s", "--correct", "all") as process:
        lines_until(process.stdout, "Apply complete")
        fill(emulator, "web", description="theirs again")
        lines_until(process.stdout, "Apply complete")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert patches(emulator) == [{"description": "ours"}, {"description": "ours"}]


def test_invalid_files_leave_the_last_valid_ones_in_force(
    cli: CommandLine, emulator: Emulator, drifted: str, tmp_path: Path
) -> None:
    with cli.start("drift", drifted, "--every", "1s", "--correct", "all") as process:
        lines_until(process.stdout, "Apply complete")
        (tmp_path / "keys.yaml").write_text("keys: [", encoding="utf-8")
        told = lines_until(process.stderr, "still in force")
        fill(emulator, "web", description="theirs again")
        lines_until(process.stdout, "Apply complete")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert re.search(r"keys\.yaml:1:\d+: ", told[0])
    assert process.returncode == 0
    assert emulator.keys(1, 76)["web"]["description"] == "ours"


def test_a_hangup_begins_a_round_at_once(cli: CommandLine, emulator: Emulator, drifted: str) -> None:
    with cli.start("drift", drifted, "--every", "1d") as process:
        lines_until(process.stdout, "Drift: 1 key changed")
        fill(emulator, "web", description="ours")
        process.send_signal(signal.SIGHUP)
        assert lines_until(process.stdout, "still matches")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0


def test_what_is_known_is_not_told_again(cli: CommandLine, drifted: str) -> None:
    with cli.start("drift", drifted, "--every", "1s", "-v") as process:
        lines_until(process.stderr, "No news since the last round")
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    assert out.count("Drift: 1 key changed outside Git.") == 1


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--every", "0s"], "--every must be longer than 0s."),
        (["--every", "often"], "'often' is no duration such as 30s, 15m, 6h or 1d."),
        (["-", "--every", "1m"], "standard input can be read once; --every needs files."),
    ],
)
def test_a_schedule_that_cannot_be_is_a_usage_error(
    cli: CommandLine, drifted: str, options: list[str], complaint: str
) -> None:
    done = cli("drift", drifted, *options)
    assert (done.code, complaint in done.err) == (64, True)
