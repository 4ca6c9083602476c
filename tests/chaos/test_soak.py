"""A short version of `make soak`, and its checks checked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chaos_runs.promises import Findings
from reconciler.service.history.database import Database
from soak_runs.checks import check_history

TOOLS = Path(__file__).parents[2] / "tools"
GRID = "no round is missed or doubled"
BEGAN = 1_767_225_600


@pytest.fixture(scope="module")
def soaked() -> subprocess.CompletedProcess[str]:
    """What a short run left, with processes of its own for the service and for the API."""
    command = [sys.executable, str(TOOLS / "soak.py"), "--only", "rounds", "--rounds", "40", "--seed", "3"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_an_undisturbed_service_fulfils_every_promise(soaked: subprocess.CompletedProcess[str]) -> None:
    done = soaked
    assert (done.returncode, "BROKEN" in done.stdout) == (0, False), done.stdout + done.stderr
    assert "rounds with a contested field" in done.stdout


def checked(tmp_path: Path, *rounds: tuple[int, str, str]) -> Findings:
    """Check a history of rounds: when each began, how it ended, what it reported."""
    file = tmp_path / "history.db"
    with Database(str(file)) as database, database.transaction() as connection:
        connection.executemany(
            "INSERT INTO round (run, began, ended, result, errors) VALUES ('r', ?, ?, ?, ?)",
            [(BEGAN + began, BEGAN + began, result, errors) for began, result, errors in rounds],
        )
    findings = Findings("made up")
    check_history(file, findings)
    return findings


@pytest.mark.parametrize(
    ("rounds", "is_fulfilled"),
    [
        ([(0, "in sync", "[]"), (900, "in sync", "[]"), (1800, "in sync", "[]")], True),
        ([(0, "in sync", "[]"), (1800, "in sync", "[]")], False),
        ([(0, "in sync", "[]"), (900, "in sync", "[]"), (900, "in sync", "[]")], False),
        ([(0, "in sync", "[]"), (450, "in sync", "[]")], False),
        ([(0, "failed", '["it could not be read"]'), (1800, "in sync", "[]")], True),
        ([(0, "failed", '["a key is gone"]'), (1800, "in sync", "[]")], False),
    ],
)
def test_a_missed_or_duplicate_round_is_detected(
    tmp_path: Path, rounds: list[tuple[int, str, str]], *, is_fulfilled: bool
) -> None:
    assert (checked(tmp_path, *rounds).broken[GRID] == []) is is_fulfilled


def test_an_unfinished_round_and_inconsistent_corrections_are_detected(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    with Database(str(file)) as database, database.transaction() as connection:
        connection.execute("INSERT INTO round (run, began, corrected) VALUES ('r', 1, 5)")
    findings = Findings("made up")
    check_history(file, findings)
    assert [promise for promise, broken in findings.broken.items() if broken] == [
        "every round that began has ended",
        "rounds and drifted fields count the same corrections",
    ]
