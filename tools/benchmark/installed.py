"""The engine as people install it: its wheel and the pinned requirements to run it, and nothing else."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmark.processes import PYTHON, RECONCILER, ROOT, BenchmarkError, Place, stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_REQUIREMENTS: Final = "requirements/runtime.txt"
_LIVE: Final = "examples/live.json"
_PIP: Final = (*PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check")
_SHOWN_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class Installed:
    """The programs of a virtual environment without any development tool."""

    python: tuple[str, ...]
    reconciler: tuple[str, ...]


def install(place: Place) -> Installed:
    """Install the engine as the container image does. Raises BenchmarkError."""
    home, wheels = place.directory / "installed", place.directory / "wheels"
    python = home / "bin" / "python"
    into = ("--python", str(python), "install")
    _prepare(*PYTHON, "-m", "venv", "--without-pip", str(home))
    _prepare(*_PIP, *into, "--require-hashes", "-r", str(ROOT / _REQUIREMENTS))
    _prepare(*_PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(ROOT))
    _prepare(*_PIP, *into, "--no-deps", "--no-index", *map(str, _wheels(wheels)))
    return Installed((str(python),), (str(home / "bin" / "reconciler"),))


@contextmanager
def an_emulator(place: Place) -> Iterator[str]:
    """Serve the live keys of the example from a process of the development environment; yield its URL."""
    command = (*RECONCILER, "emulator", "--port", "0", "--token", place.token, "--seed", str(ROOT / _LIVE))
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=place.environment(""),
        start_new_session=True,
    )
    try:
        url = process.stdout.readline().strip() if process.stdout else ""
        if not url:
            raise BenchmarkError("the emulator did not start")
        yield url
    finally:
        stop(process)


def _wheels(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.whl"))


def _prepare(*command: str) -> None:
    """Run what no figure is about, in the caller's environment: it says where packages come from."""
    ended = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        last = "\n".join((ended.stderr or ended.stdout).splitlines()[-_SHOWN_LINES:])
        raise BenchmarkError(f"the engine was not installed: exit {ended.returncode}\n{last}")
