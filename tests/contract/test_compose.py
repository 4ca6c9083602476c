"""The services of deploy/dask/compose.yml: their commands run as plain processes, and make a plan."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.forge import DEPLOY
from tests.scopes import PAUSE, REGIONS, content, write_files
from tests.scopes import running as running_command
from tests.support import TOKEN, from_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.scopes import Api

SERVICES: Mapping[str, Any] = from_yaml((DEPLOY / "dask/compose.yml").read_text("utf-8"))["services"]
BIN = Path(sys.executable).parent


@contextmanager
def running(words: list[str], folder: Path, ready: str, **environment: str) -> Iterator[None]:
    """Run a program of this environment, on the loopback interface, from when it logs that it is ready."""
    log = folder / f"{words[1]}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [str(BIN / words[0]), *words[1:], "--host", "127.0.0.1"],
            cwd=folder,
            env={"HOME": str(folder), **environment},
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        while ready not in log.read_text("utf-8"):
            assert process.poll() is None
            PAUSE.wait(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def words(name: str, places: Mapping[str, str]) -> list[str]:
    """Return the words of a service's command, with what is here instead of the container's places."""
    service = SERVICES[name]
    return [places.get(text, text) for text in (*service.get("entrypoint", []), *service["command"])]


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """What is here instead of the container's places, where the scheduler and a worker run."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    token = tmp_path / "token"
    token.write_text(TOKEN)
    here = {"8786": port, "tcp://scheduler:8786": f"tcp://127.0.0.1:{port}", "/keys": str(tmp_path / "keys")}
    here["/tmp"] = str(tmp_path)  # noqa: S108 - the container's
    with (
        running(words("scheduler", here), tmp_path, "Scheduler at:"),
        running(words("worker", here), tmp_path, "Registered to:", GCORE_API_KEY_FILE=str(token)),
    ):
        yield here


def test_its_services_make_a_plan(tmp_path: Path, scopes: Api, places: Mapping[str, str]) -> None:
    (tmp_path / "keys").mkdir()
    write_files(tmp_path / "keys")
    environment = {"HOME": str(tmp_path), "GCORE_API_KEY_FILE": str(tmp_path / "token")}
    with running_command(tmp_path, environment) as begin:
        options = ("--base-url", scopes.url, "--format", "json")
        code, out, _ = begin(*words("reconciler", places), *options).finished()
    assert (code, scopes.requests) == (0, len(REGIONS))
    plan = content(out)
    assert isinstance(plan, dict)
    assert len(plan["resource_changes"]) == len(REGIONS)


def test_only_workers_and_the_reconciler_have_the_token_and_leave_the_network() -> None:
    assert {name: service.get("secrets", []) for name, service in SERVICES.items()} == {
        "scheduler": [],
        "worker": ["token"],
        "reconciler": ["token"],
    }
    outside = ["cluster", "outside"]
    networks = {name: service["networks"] for name, service in SERVICES.items()}
    assert networks == {"scheduler": ["cluster"], "worker": outside, "reconciler": outside}
    assert all(service["read_only"] and service["cap_drop"] == ["ALL"] for service in SERVICES.values())
