"""A tree that passes for a repository runs nothing in the pipelines that are ready to copy."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.contract.runner import ROOT, Runner
from tests.hostile_git import Canary, git, pass_for_a_repository
from tests.support import TOKEN, from_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator


@pytest.fixture
def canary(runner: Runner, cloud: Emulator, tmp_path: Path) -> Canary:
    """A workspace that is a checkout, whose folder of keys a pull request made look like a repository."""
    assert cloud.url
    canary = Canary(tmp_path / "canary")
    git(runner.workspace, "init", "--quiet", "--initial-branch", "main")
    git(runner.workspace, "add", ".")
    git(runner.workspace, "commit", "--quiet", "--message", "first")
    pass_for_a_repository(runner.workspace / "keys", canary)
    return canary


@pytest.mark.parametrize(
    ("inputs", "environment"),
    [
        ({}, {}),
        ({"base": "main"}, {}),
        ({"command": "apply", "base": "main"}, {"RECONCILER_APPLY_JOURNAL": "journal"}),
        ({"command": "drift"}, {"RECONCILER_DRIFT_HISTORY": "history.db"}),
        ({"command": "drift"}, {"RECONCILER_DRIFT_GIT_PULL": "1"}),
    ],
    ids=str,
)
def test_the_action_executes_nothing_of_a_hostile_tree(
    runner: Runner, canary: Canary, inputs: dict[str, str], environment: dict[str, str]
) -> None:
    done = runner.act(environment, **inputs)
    assert canary.is_silent()
    assert done.passed == ("RECONCILER_DRIFT_GIT_PULL" not in environment), done.log  # without an upstream


def test_atlantis_executes_nothing_of_a_hostile_tree(
    runner: Runner, canary: Canary, cloud: Emulator, tmp_path: Path
) -> None:
    workflow = from_yaml((ROOT / "deploy/atlantis/repos.yaml").read_text(encoding="utf-8"))
    stages = workflow["workflows"]["reconciler"]
    steps = [step["run"] for stage in ("plan", "apply") for step in stages[stage]["steps"]]
    runner.install("reconciler", f'exec {runner.command} "$@"')
    for step in steps:
        subprocess.run(
            ["/bin/sh", "-c", step if isinstance(step, str) else step["command"]],
            cwd=runner.workspace / "keys",
            env={
                "PATH": f"{tmp_path}/tools:{os.environ['PATH']}",  # noqa: TID251 - where this machine has its programs
                "PLANFILE": str(tmp_path / "planned"),
                "GCORE_API_KEY": TOKEN,
                "GCORE_BASE_URL": cloud.url,
            },
            check=True,
        )
        assert canary.is_silent()
