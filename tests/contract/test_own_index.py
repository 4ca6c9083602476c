"""An index of one's own, as docs/ci.md prints it: what was built is installed, and nothing else."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.contract.runner import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECTION = (ROOT / "docs/ci.md").read_text(encoding="utf-8").split("## An index of your own\n")[1]
BUILD, WRITE, INSTALL = [block.split("```")[0] for block in SECTION.split("```sh\n")[1:4]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout, and write down what was built."""
    place = tmp_path_factory.mktemp("built")
    command = BUILD.strip().splitlines()[-1]
    assert command.startswith("build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels ")
    arguments = command.split()[2:-1]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel"]
    subprocess.run([*pip, *arguments, str(ROOT)], cwd=place, check=True, capture_output=True)
    subprocess.run(["/bin/sh", "-euc", WRITE], cwd=place, check=True)
    return place


@pytest.fixture
def index(built: Path, tmp_path: Path) -> Iterator[Path]:
    """Serve the wheel as an index does, on loopback; its folder is what the index holds."""
    (wheel,) = built.glob("wheels/*.whl")
    name = wheel.name.split("-")[0].replace("_", "-")
    folder = tmp_path / "simple" / name
    folder.mkdir(parents=True)
    shutil.copy(wheel, folder)
    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        (tmp_path / "url").write_text(f"http://127.0.0.1:{server.server_port}/simple", encoding="utf-8")
        yield folder
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


def install(built: Path, place: Path) -> subprocess.CompletedProcess[str]:
    words = INSTALL.replace("https://YOUR-INDEX/simple", (place / "url").read_text("utf-8")).split()
    assert words.pop(0) == "pip"
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", *words, "--no-cache-dir"]
    command = [*pip, "--no-compile", "--target", str(place / "site")]  # nothing of it is run here
    return subprocess.run(command, cwd=built, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("index")
def test_the_wheel_is_installed_from_the_index(built: Path, tmp_path: Path) -> None:
    assert "--require-hashes" in INSTALL
    ended = install(built, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "site/reconciler/__main__.py").exists()


def test_another_file_of_that_name_is_refused(built: Path, index: Path, tmp_path: Path) -> None:
    (wheel,) = index.glob("*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"\n")
    ended = install(built, tmp_path)
    assert (ended.returncode, "HASHES" in ended.stderr) == (1, True), ended.stderr
    assert not (tmp_path / "site").exists()
