"""systemd accepts the units of deploy/, and finds little that they could do."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from counterparts import find
from tests.contract.test_deploy import SERVICES, UNITS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.counterpart("systemd")


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(find("systemd-analyze")), *words], capture_output=True, text=True, check=False)


def test_the_units_are_valid(tmp_path: Path) -> None:
    for file in UNITS:  # what they start need not be installed here
        text = file.read_text(encoding="utf-8").replace("/usr/local/bin/reconciler", "/bin/true")
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    done = analyze("verify", *(str(tmp_path / file.name) for file in UNITS))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_unit_has_a_low_exposure_level(unit: Path) -> None:
    done = analyze("security", "--offline=true", "--no-pager", "--threshold=20", str(unit))
    assert done.returncode == 0, done.stdout  # 2.0 of 10


def test_the_timer_runs_every_quarter_of_an_hour() -> None:
    (timer,) = (file for file in UNITS if file.suffix == ".timer")
    (line,) = (
        line for line in timer.read_text(encoding="utf-8").splitlines() if line.startswith("OnCalendar=")
    )
    done = analyze(
        "calendar", "--iterations=2", "--base-time=2026-06-01 10:00:00 UTC", line.partition("=")[2]
    )
    assert done.returncode == 0, done.stderr
    assert "2026-06-01 10:15:00 UTC" in done.stdout
    assert "2026-06-01 10:30:00 UTC" in done.stdout
