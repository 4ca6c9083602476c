"""Equal inputs produce the same bytes in every process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.render.rendered import rendered

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("seed", ["0", "1"])
def test_plans_and_pages_have_the_same_bytes_under_any_hash_seed(seed: str) -> None:
    here = "".join(rendered()).encode()
    assert b"caas/1/76/key-a" in here
    command = [sys.executable, "-m", "tests.render.rendered"]
    environment = {"PYTHONHASHSEED": seed}
    assert subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True).stdout == here
