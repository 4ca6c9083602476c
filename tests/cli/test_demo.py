"""The demo is the main job, with the real commands, against the embedded emulator."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gcore_emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support import CommandLine

ROOT = Path(__file__).parents[2]
STEPS = (
    "Plan: 1 to add, 3 to change",
    "caas/1/76/search-index: applied; its secret is in file:",
    "Apply complete! Resources: 1 added, 3 changed",
    "  POST /cloud/v1/caas/keys/1/76\n",
    "No changes.",
    "Drift: 2 keys changed outside Git.",
    "+     expire: 2037-07-31T00:00:00Z",
    "Resources: 0 added, 1 changed, 0 destroyed.",
    "--format html > status.html",
    "No changes.",
    "emulator --seed live.json",
    "init",
)


@pytest.fixture(scope="module")
def tour(
    tmp_path_factory: pytest.TempPathFactory, program: Sequence[str]
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run it, whatever is configured here: it uses its own emulator."""
    environment = {
        "GCORE_BASE_URL": "https://api.example.com",
        "GCORE_API_KEY": "real",
        "RECONCILER_PLAN_TARGET": "x",
        "TMPDIR": str(tmp_path_factory.mktemp("demo")),
    }
    command = [*program, "demo"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    (folder,) = Path(environment["TMPDIR"]).iterdir()
    return done, folder


def test_the_demo_shows_a_creation_drift_and_what_becomes_of_it(
    tour: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, _ = tour
    assert (done.returncode, done.stderr.splitlines()) == (
        0,
        ["Accepted 1 field of caas/1/76/storefront: expire"],
    )
    place = 0
    for step in STEPS:
        place = done.stdout.index(step, place) + len(step)
    assert done.stdout.count("  PATCH /cloud/v1/caas/keys/1/76/") == 3
    assert "real" not in done.stdout.split()


def test_the_demo_leaves_a_folder_to_go_on_in(
    tour: tuple[subprocess.CompletedProcess[str], Path], cli: CommandLine
) -> None:
    done, folder = tour
    assert f"  cd {folder}\n" in done.stdout
    assert str(ROOT / "examples") not in done.stdout
    assert (folder / "status.html").read_text().startswith("<!doctype html>")
    cli.environment.chdir(folder)
    with Emulator(seed=json.loads((folder / "live.json").read_text())) as emulator:
        cli.environment.setenv("GCORE_BASE_URL", emulator.url)
        cli.environment.setenv("GCORE_API_KEY", emulator.token)
        plan = cli("plan", "keys.yaml")
        (folder / "own").mkdir()
        cli.environment.chdir(folder / "own")
        own = cli("init", "--region-id", "76")
    assert (plan.code, plan.out.startswith("No changes.")) == (0, True)
    assert (own.code, "declares 6 keys of caas/1/76" in own.out) == (0, True)
    assert "Project: 1 (Default), the only one that the token sees\n" in own.err
