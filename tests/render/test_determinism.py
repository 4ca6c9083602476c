"""Equal inputs produce the same bytes in every process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def printed(seed: str) -> bytes:
    command = [sys.executable, "-m", "tests.render.rendered"]
    environment = {"PYTHONHASHSEED": seed}
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True).stdout


def test_a_plan_has_the_same_bytes_under_any_hash_seed() -> None:
    first, *others = (printed(seed) for seed in ("0", "1", "42"))
    assert b"caas/1/76/key-a" in first
    assert others == [first, first]
