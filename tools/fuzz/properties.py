"""The properties run: every property of the test suite, with many more examples, and those of the seed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from fuzz.report import Broken, Report

_ROOT: Final = Path(__file__).parents[2]
_PYTEST: Final = (sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal")
_FEW: Final = 50
"""Examples up to which the profile of the suite will do."""


def run(seed: int, count: int) -> Report:
    """Test every property with about ``count`` examples."""
    profile = "suite" if count <= _FEW else "thorough"
    options = ["--limit=0", f"--hypothesis-profile={profile}", f"--hypothesis-seed={seed}"]
    ended = subprocess.run(
        [*_PYTEST, "-m", "hypothesis", "--hypothesis-show-statistics", *options],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", ended.stdout, re.MULTILINE)
    if ended.returncode and not failed:
        failed = ["the run of the tests"]
    passing = re.findall(r"- (\d+) passing, \d+ failing", ended.stdout)
    (passed,) = re.findall(r"(\d+) passed", ended.stdout) or ["0"]
    figures = [f"{passed} properties, {sum(map(int, passing)):,} examples, {len(failed)} properties broken"]
    report = (ended.stdout + ended.stderr).encode()
    return Report(
        "properties", seed, figures, [Broken("a property holds", name, name, report) for name in failed]
    )
