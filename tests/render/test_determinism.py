"""Equal inputs produce the same bytes in every process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.render.rendered import rendered

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(params=["0", "1"])
def printed(request: pytest.FixtureRequest) -> bytes:
    """What another process renders, which begins by loading much, under a hash seed of its own."""
    command = [sys.executable, "-m", "tests.render.rendered"]
    environment = {"PYTHONHASHSEED": request.param}
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True).stdout


def test_plans_and_pages_have_the_same_bytes_under_any_hash_seed(printed: bytes) -> None:
    assert b"caas/1/76/key-a" in printed
    assert "".join(rendered()).encode() == printed
