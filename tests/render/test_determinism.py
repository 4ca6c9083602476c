"""Equal inputs produce the same bytes in every process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.render.rendered import rendered

ROOT = Path(__file__).parent.parent.parent


def printed(seed: str) -> bytes:
    command = [sys.executable, "-m", "tests.render.rendered"]
    environment = {"PYTHONHASHSEED": seed}
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True).stdout


def test_plans_and_pages_have_the_same_bytes_under_any_hash_seed() -> None:
    here = "".join(rendered()).encode()
    assert b"caas/1/76/key-a" in here
    assert [printed(seed) for seed in ("0", "1")] == [here, here]
