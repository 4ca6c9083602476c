"""``--processes``: the same plan by several processes, also if one is killed; nothing is left of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import COMMAND, TOKEN, CommandLine, live, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REGIONS = range(1, 21)
PAUSE = threading.Event()
"""Never set: what waits for it waits for a time."""


def nothing(_count: int) -> None:
    pass


@dataclass(slots=True)
class Api:
    """Scopes of one key each; ``on_request`` is called with the number of each request."""

    url: str = ""
    on_request: Callable[[int], None] = nothing
    delay: float = 0.01
    requests: int = 0
    busy: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def respond(self) -> bytes:
        with self.lock:
            self.requests += 1
            self.busy += 1
            self.most = max(self.most, self.busy)
            number = self.requests
        self.on_request(number)
        PAUSE.wait(self.delay)
        with self.lock:
            self.busy -= 1
        return json.dumps({"count": 1, "results": [live("web", description="old")]}).encode()


@contextmanager
def api() -> Iterator[Api]:
    found = Api()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = found.respond()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A killed worker's connection breaks."""

    server = Server(("127.0.0.1", 0), Handler)
    with serving(server) as found.url:
        yield found
    server.server_close()


@dataclass(frozen=True, slots=True)
class Run:
    """A plan as a process of its own, which leads a process group."""

    process: subprocess.Popen[str]

    def workers(self) -> list[int]:
        """Return the processes that compare scopes: those of the server process that makes them."""
        return [worker for server in _children(self.process.pid) for worker in _children(server)]

    def finished(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err

    def is_left(self) -> bool:
        """Return whether a process of the group lives after a while; one that nobody has reaped does not."""
        return all(PAUSE.wait(0.02) or _lives(self.process.pid) for _ in range(200))


def _lives(group: int) -> bool:
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _, its_group = file.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                return True
    return False


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


@pytest.fixture
def server() -> Iterator[Api]:
    with api() as found:
        yield found


@pytest.fixture
def plan(tmp_path: Path, server: Api) -> Iterator[Callable[..., Run]]:
    for region in REGIONS:
        keys = [{"name": "web", "description": f"of region {region}"}]
        content = {"project_id": 1, "region_id": region, "keys": keys}
        (tmp_path / f"{region:02}.yaml").write_text(json.dumps(content))
    runs: list[subprocess.Popen[str]] = []

    def begin(*options: str) -> Run:
        command = [*COMMAND, "plan", ".", "--base-url", server.url, "--format", "json", *options]
        runs.append(
            subprocess.Popen(
                command,
                cwd=tmp_path,
                env={"GCORE_API_KEY": TOKEN},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return Run(runs[-1])

    yield begin
    for process in runs:
        process.kill()
        process.communicate()


def content(out: str) -> object:
    """Return a plan without the time at which it was made."""
    plan = json.loads(out)
    return {name: value for name, value in plan.items() if name not in {"timestamp", "checksum"}}


@pytest.fixture
def expected(
    cli: CommandLine, plan: Callable[..., Run], server: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> object:
    """Return the plan of this process."""
    assert callable(plan)  # it has written the files
    monkeypatch.chdir(tmp_path)
    done = cli("plan", ".", "--base-url", server.url, "--format", "json", "--processes", "1")
    assert (done.code, server.requests) == (0, len(REGIONS))
    server.most = 0
    return content(done.out)


def test_processes_make_the_same_plan_within_the_same_limit_and_end(
    plan: Callable[..., Run], server: Api, expected: object
) -> None:
    run = plan("--processes", "3", "--parallelism", "2")
    code, out, err = run.finished()
    assert (code, err) == (0, "")
    assert content(out) == expected
    assert (server.requests, server.most) == (2 * len(REGIONS), 2)
    assert not run.is_left()


@pytest.mark.parametrize("number", [1, 7, 20])
def test_what_a_killed_process_did_is_done_again(
    plan: Callable[..., Run], server: Api, expected: object, number: int
) -> None:
    reached = threading.Event()
    server.on_request = lambda count: reached.set() if count == len(REGIONS) + number else None
    run = plan("--processes", "2", "--parallelism", "1")
    assert reached.wait(30)
    os.kill(run.workers()[0], signal.SIGKILL)
    code, out, err = run.finished()
    assert (code, err) == (0, "")
    assert content(out) == expected
    assert not run.is_left()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_processes_too(
    plan: Callable[..., Run], server: Api, sent: signal.Signals
) -> None:
    reached, over = threading.Event(), threading.Event()

    def wait(_count: int) -> None:
        reached.set()
        over.wait(30)

    server.on_request = wait
    run = plan("--processes", "2")
    assert reached.wait(30)
    os.killpg(run.process.pid, sent)
    code, out, err = run.finished()
    over.set()
    assert (code, out) == (130, "")
    assert err == "\nInterrupted.\n"
    assert not run.is_left()


def test_processes_end_with_a_run_that_is_killed(plan: Callable[..., Run], server: Api) -> None:
    reached, over = threading.Event(), threading.Event()

    def wait(_count: int) -> None:
        reached.set()
        over.wait(30)

    server.on_request = wait
    run = plan("--processes", "2")
    assert reached.wait(30)
    run.process.kill()
    run.process.wait()
    assert not run.is_left()
    over.set()
