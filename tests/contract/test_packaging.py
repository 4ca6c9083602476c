"""The built wheel contains everything that the command needs, and works away from the checkout."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from reconciler.kinds.bundle import bundled_schema

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the pinned backend and unpack it the way an installer does."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = place.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(place / "site")
    compileall.compile_dir(place / "site", quiet=1)
    return place / "site"


def from_wheel(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command of the wheel; the processes that it starts are of the wheel, too."""
    command = [sys.executable, "-P", "-m", "reconciler", *arguments]
    environment = {"PATH": os.defpath, "PYTHONPATH": str(site)}
    return subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["caas", "keys", "plan"])
def test_the_wheel_prints_the_schemas_of_the_checkout(installed: Path, name: str) -> None:
    ended = from_wheel(installed, "schema", name)
    assert ended.stdout == bundled_schema(name)


def test_the_wheel_validates_with_its_own_schemas(installed: Path) -> None:
    ended = from_wheel(installed, "validate", str(installed / "reconciler/examples/keys.yaml"))
    assert (ended.returncode, ended.stdout) == (
        0,
        "Success! The configuration is valid: 4 keys in 1 scope.\n",
    )


def test_the_wheel_runs_the_demo(installed: Path) -> None:
    ended = from_wheel(installed, "demo")
    assert ended.returncode == 0, ended.stderr
    assert "Apply complete! Resources: 1 added, 3 changed, 0 destroyed." in ended.stdout


def test_the_wheel_is_typed_and_licensed(installed: Path) -> None:
    assert (installed / "reconciler/py.typed").exists()
    assert (installed / "gcore_emulator/py.typed").exists()
    assert len(list(installed.glob("*.dist-info/licenses/LICENSE"))) == 1
