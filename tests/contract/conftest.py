"""A runner that uses the action, and a cloud whose keys differ from what its workspace declares."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from tests.contract.runner import Runner
from tests.support import declare, emulate, fill

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gcore_emulator import Emulator


@pytest.fixture(scope="session")
def command(program: Sequence[str]) -> str:
    """The shell's words for the command, without its start."""
    return shlex.join(program)


@pytest.fixture
def runner(tmp_path: Path, command: str) -> Runner:
    return Runner(tmp_path, command)


@pytest.fixture
def cloud(runner: Runner) -> Iterator[Emulator]:
    """Two live keys; of the two that the workspace declares, one is to be enabled and one is to expire."""
    with emulate() as running:
        fill(running, "api", is_disabled=True)
        fill(running, "web")
        (runner.workspace / "keys").mkdir()
        web = {"name": "web", "expire": "2036-01-01T00:00:00Z", "description": "shop"}
        declare(runner.workspace / "keys/keys.yaml", {"name": "api", "is_disabled": False}, web)
        runner.environment |= {"GCORE_BASE_URL": running.url, "GCORE_API_KEY": running.token}
        yield running
