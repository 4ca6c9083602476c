"""A small API with many scopes, which counts its requests in flight, and plans of them by other processes."""

from __future__ import annotations

import json
import subprocess
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_runs.answering import answering
from reconciler.model.system import SystemClock
from tests.support import COMMAND, live

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from http.server import BaseHTTPRequestHandler

REGIONS = range(1, 21)
PAUSE = threading.Event()
"""Never set: what waits for it waits for a time."""
LONG_PAUSE = 3
"""Seconds that a refused request asks for."""


def nothing(_count: int) -> None:
    pass


@dataclass(slots=True)
class Api:
    """Scopes of one key each; ``on_request`` is called with the number of each request.

    Request number ``busy_at`` is refused, and a pause is asked for; ``times`` are those of all requests.
    """

    url: str = ""
    on_request: Callable[[int], None] = nothing
    delay: float = 0.01
    status: int = 200
    tokens: list[str] = field(default_factory=list)
    busy_at: int = 0
    requests: int = 0
    times: list[float] = field(default_factory=list)
    busy: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def respond(self) -> tuple[int, bytes]:
        with self.lock:
            self.requests += 1
            self.times.append(SystemClock().monotonic())
            self.busy += 1
            self.most = max(self.most, self.busy)
            number = self.requests
        self.on_request(number)
        PAUSE.wait(self.delay)
        with self.lock:
            self.busy -= 1
        if number == self.busy_at:
            return 429, b'{"message": "too many"}'
        return self.status, json.dumps({"count": 1, "results": [live("web", description="old")]}).encode()


@contextmanager
def api() -> Iterator[Api]:
    found = Api()

    def respond(request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        found.tokens.append(request.headers["Authorization"])
        return found.respond()

    with answering(respond, LONG_PAUSE) as found.url:
        yield found


@contextmanager
def held(server: Api) -> Iterator[threading.Event]:
    """Delay all requests until the context ends; yield an event that is set once the first has come."""
    reached, over = threading.Event(), threading.Event()

    def wait(_count: int) -> None:
        reached.set()
        over.wait(30)

    server.on_request = wait
    try:
        yield reached
    finally:
        over.set()


@dataclass(frozen=True, slots=True)
class Run:
    """A command as a process of its own, which leads a process group."""

    process: subprocess.Popen[str]

    def children(self) -> list[int]:
        """Return the processes that it started itself."""
        return _children(self.process.pid)

    def workers(self) -> list[int]:
        """Return the processes that compare scopes: those of the server process that makes them."""
        return [worker for server in self.children() for worker in _children(server)]

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


def content(out: str) -> object:
    """Return a plan without the time at which it was made."""
    plan = json.loads(out)
    return {name: value for name, value in plan.items() if name not in {"timestamp", "checksum"}}


def write_files(folder: Path) -> None:
    """Declare the key of each scope, in a file of its own."""
    for region in REGIONS:
        keys = [{"name": "web", "description": f"of region {region}"}]
        content = {"project_id": 1, "region_id": region, "keys": keys}
        (folder / f"{region:02}.yaml").write_text(json.dumps(content))


@contextmanager
def planning(
    folder: Path, server: Api, environment: Mapping[str, str], program: Sequence[str] = COMMAND
) -> Iterator[Callable[..., Run]]:
    """Yield what begins a plan of the files in a folder with more options; all of them are ended."""
    with running(folder, environment, program) as begin:
        yield partial(begin, "plan", ".", "--base-url", server.url, "--format", "json")


@contextmanager
def running(
    folder: Path, environment: Mapping[str, str], program: Sequence[str] = COMMAND
) -> Iterator[Callable[..., Run]]:
    """Yield what begins a command in a folder; all of them are ended."""
    runs: list[subprocess.Popen[str]] = []

    def begin(*options: str) -> Run:
        process = subprocess.Popen(
            [*program, *options],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        runs.append(process)
        return Run(process)

    yield begin
    for process in runs:
        process.kill()
        process.communicate()
