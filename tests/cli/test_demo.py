"""The demo is the main job, with the real commands, against the embedded emulator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demo_shows_plan_requests_and_no_changes_whatever_is_configured() -> None:
    """It uses its own emulator. The one of the wheel runs without any settings."""
    environment = {
        "GCORE_BASE_URL": "https://api.example.com",
        "GCORE_API_KEY": "real",
        "RECONCILER_PLAN_TARGET": "x",
    }
    command = [sys.executable, "-m", "reconciler", "demo"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    steps = [
        "Plan: 0 to add, 3 to change",
        "Apply complete! Resources: 0 added, 3 changed",
        "PATCH /",
        "No changes.",
    ]
    assert [done.stdout.index(step) for step in steps] == sorted(done.stdout.index(step) for step in steps)
    assert done.stdout.count("  PATCH /cloud/v1/caas/keys/1/76/") == 3
