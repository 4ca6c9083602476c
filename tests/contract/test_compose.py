"""The services of deploy/dask/compose.yml: their commands run as plain processes, and make a plan."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.contract.forge import DEPLOY
from tests.scopes import REGIONS, api, content, write_files
from tests.scopes import running as running_command
from tests.support import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SERVICES: Mapping[str, Any] = yaml.safe_load((DEPLOY / "dask/compose.yml").read_text("utf-8"))["services"]
BIN = Path(sys.executable).parent


@contextmanager
def running(words: list[str], folder: Path, **environment: str) -> Iterator[None]:
    """Run a program of this environment, on the loopback interface."""
    process = subprocess.Popen(
        [str(BIN / words[0]), *words[1:], "--host", "127.0.0.1"],
        cwd=folder,
        env={"HOME": str(folder), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def words(name: str, places: Mapping[str, str]) -> list[str]:
    """Return the words of a service's command, with what is here instead of the container's places."""
    service = SERVICES[name]
    return [places.get(text, text) for text in (*service.get("entrypoint", []), *service["command"])]


def test_its_services_make_a_plan(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    keys, token = tmp_path / "keys", tmp_path / "token"
    keys.mkdir()
    write_files(keys)
    token.write_text(TOKEN)
    places = {"8786": port, "tcp://scheduler:8786": f"tcp://127.0.0.1:{port}", "/keys": str(keys)}
    places["/tmp"] = str(tmp_path)  # noqa: S108 - the container's
    with ExitStack() as stack:
        server = stack.enter_context(api())
        stack.enter_context(running(words("scheduler", places), tmp_path))
        stack.enter_context(running(words("worker", places), tmp_path, GCORE_API_KEY_FILE=str(token)))
        environment = {"HOME": str(tmp_path), "GCORE_API_KEY_FILE": str(token)}
        begin = stack.enter_context(running_command(tmp_path, environment))
        command = words("reconciler", places)
        code, out, _ = begin(*command, "--base-url", server.url, "--format", "json").finished()
        assert (code, server.requests) == (0, len(REGIONS))
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
