"""Shell scripts pass shellcheck: those of the action, pipelines, schedules, documentation and CI."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from counterparts import ROOT, find
from tests.contract.test_deploy import scripts as schedules
from tests.contract.test_pipelines import scripts as pipelines

if TYPE_CHECKING:
    from pathlib import Path


def recipes() -> dict[str, tuple[str, str]]:
    """Return every whole script of the documentation, by its page."""
    return {
        f"{page.stem} {number}": ("sh", part.partition("```")[0])
        for page in sorted(ROOT.glob("docs/**/*.md"))
        for number, part in enumerate(page.read_text(encoding="utf-8").split("```sh\n"))
        if part.startswith("#!/bin/sh")
    }


@pytest.mark.counterpart("shellcheck")
def test_every_script_passes_shellcheck(tmp_path: Path) -> None:
    run = {f"ci-{file.name}": ("sh", file.read_text(encoding="utf-8")) for file in ROOT.glob(".ci/*")}
    files: dict[str, list[str]] = {"bash": [], "sh": []}
    for place, (shell, script) in (pipelines() | schedules() | recipes() | run).items():
        file = tmp_path / place.replace("/", "-").replace(" ", "-")
        file.write_text(script, encoding="utf-8")
        files[shell].append(str(file))
    for shell, paths in files.items():
        assert len(paths) > 5
        words = [str(find("shellcheck")), "--norc", "--shell", shell, *paths]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
