"""What the tests of the shell share: a clock, servers, and ways to run the command line."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import httpx
import yaml

from gcore_emulator import Emulator, Switches
from reconciler.api.reader import Connection
from reconciler.api.retry import RetryPolicy
from reconciler.cli.main import run
from reconciler.model.endpoint import BaseUrl
from reconciler.model.secret import Secret
from reconciler.model.system import SystemRandomness

if TYPE_CHECKING:
    import signal
    from http.server import HTTPServer

    import pytest

TOKEN = "1234$tell-nobody"
NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
COLLECTION = "/cloud/v1/caas/keys/1/76"
EMPTY_LIST = {"count": 0, "results": []}
COMMAND = (sys.executable, "-m", "reconciler")
ONCE = RetryPolicy(attempts=1)
NO_AUTHORITIES = str(Path(__file__).parent)
"""A folder without certificates."""
GIT_SETTINGS = (
    *("-c", "user.name=a", "-c", "user.email=a@example.com"),
    *("-c", "init.templateDir=", "-c", "maintenance.auto=false"),
)
"""Settings of a made-up repository: an author, no sample hooks to copy, no process after a commit."""
PLACE = re.compile(r" {2,}\d* \| ")

Handler = Callable[[httpx.Request], httpx.Response]


class FakeClock:
    """A clock that moves only by its sleeps, and records how long they are."""

    def __init__(self, now: dt.datetime = NOON) -> None:
        self._began = now
        self._lock = threading.Lock()
        self.elapsed = 0.0
        self.sleeps: list[float] = []

    def now(self) -> dt.datetime:
        return self._began + dt.timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float, wake: threading.Event) -> None:
        if wake.is_set():
            return
        with self._lock:
            self.sleeps.append(seconds)
            self.elapsed += seconds


def connect(handler: Handler, **settings: Any) -> Connection:
    """Connect to a function instead of a server; one attempt unless the settings say otherwise."""
    defaults: dict[str, Any] = {
        "token": Secret(TOKEN),
        "user_agent": "test/1",
        "clock": FakeClock(),
        "randomness": SystemRandomness(),
        "retry": ONCE,
        "transport": httpx.MockTransport(handler),
    }
    base_url = BaseUrl.recorded(settings.pop("base_url", "http://127.0.0.1"))
    return Connection(base_url=base_url, **defaults | settings)


class Script:
    """A remote side that returns its responses in turn, the last one forever, and stores the requests.

    A response that is an exception is raised.
    """

    def __init__(self, *responses: httpx.Response | Exception) -> None:
        self._responses = responses
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        response = self._responses[min(len(self.requests), len(self._responses)) - 1]
        if isinstance(response, Exception):
            raise response
        return httpx.Response(response.status_code, headers=response.headers, content=response.content)


@dataclass(slots=True)
class RawServer:
    """A server that reads a request's head and sends fixed bytes, whatever the request is."""

    url: str = ""
    heads: list[bytes] = field(default_factory=list)


@contextlib.contextmanager
def raw_server(response: bytes | None) -> Iterator[RawServer]:
    """Serve ``response`` and close; None resets the connection."""
    server = RawServer()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=_serve_raw, args=(listener, response, server.heads), daemon=True)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve_raw(listener: socket.socket, response: bytes | None, heads: list[bytes]) -> None:
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with peer:
            heads.append(peer.recv(65536))
            if response is None:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                peer.sendall(response)


@contextlib.contextmanager
def serving(server: HTTPServer) -> Iterator[str]:
    """Serve in a thread of its own, and yield the address."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def dripping(
    parts: Callable[[], Iterable[bytes]], *, pause: float = 0.05, is_reading: bool = True
) -> Iterator[str]:
    """Serve ``parts`` one by one, with a pause before each, to every client."""
    over = threading.Event()

    def serve(peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            if is_reading:
                peer.recv(65536)
            for part in parts():
                if over.wait(pause):
                    return
                peer.sendall(part)
            over.wait()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def http_bytes(body: bytes, status: str = "200 OK", length: int | None = None, *headers: str) -> bytes:
    """Write an HTTP response by hand; ``length`` may lie."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextlib.contextmanager
def unused_port() -> Iterator[int]:
    """Return a port on which no server listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextlib.contextmanager
def no_new_threads() -> Iterator[None]:
    """Prevent this process from starting threads: ask for stacks that no machine has room for."""
    before = threading.stack_size(2**46)
    try:
        yield
    finally:
        threading.stack_size(before)


def emulate(clock: FakeClock | None = None, **settings: Any) -> Emulator:
    """Make an emulator that knows the token; its switches are given by name."""
    names = set(Switches.__dataclass_fields__)
    switches = {name: value for name, value in settings.items() if name in names}
    rest = {name: value for name, value in settings.items() if name not in names}
    if clock is not None:
        rest["clock"] = clock.now
    return Emulator(token=TOKEN, switches=Switches(**switches), **rest)


def fill(emulator: Emulator, *names: str, **fields: Any) -> None:
    """Make live keys that share their fields."""
    for name in names:
        emulator.put_key(1, 76, live(name, **fields))


def live(name: str, **fields: Any) -> dict[str, Any]:
    """Write a live key the way the API shows one, all its settable fields."""
    return {"name": name, "description": "", "expire": None, "is_disabled": False, "containers": []} | fields


def from_yaml(text: str) -> Any:
    """Parse YAML, with libyaml where that is there: ten times as fast."""
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe


def declare(path: Path, *keys: Mapping[str, Any], region_id: int = 76) -> str:
    """Write a desired-state file, in the part of YAML that is JSON, and return its path."""
    path.write_text(json.dumps({"project_id": 1, "region_id": region_id, "keys": keys}, ensure_ascii=False))
    return str(path)


def patches(emulator: Emulator) -> list[Any]:
    """Return the bodies of the writes so far."""
    return [record.body for record in emulator.requests if record.method != "GET"]


def listings(emulator: Emulator) -> int:
    """Count the reads so far."""
    return sum(record.method == "GET" for record in emulator.requests)


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run of the command line left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def everything(self) -> str:
        return self.out + self.err

    @property
    def messages(self) -> list[str]:
        """Standard error without the lines of files that show the place of an error."""
        return [line for line in self.err.splitlines() if not PLACE.match(line)]


def resize(terminal: int, columns: int) -> None:
    """Make a terminal so many columns wide."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


class CommandLine:
    """Runs commands: in this process or in one of their own, without a terminal or on one.

    ``command`` is how a process begins: from nothing, or loaded, for what is not about its start.
    """

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.environment = monkeypatch
        self.command = command
        self._capsys = capsys
        colours = ("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "")  # readline sets it for other processes, where Python sees nothing
        for name in (*colours, "GCORE_API_KEY_FILE", "GCORE_CLOUD_PROJECT_ID", "GCORE_CLOUD_REGION_ID"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("GCORE_API_KEY", TOKEN)
        monkeypatch.setenv("GCORE_BASE_URL", "http://127.0.0.1:9")

    def begin_from_nothing(self) -> None:
        """Start each process as a new one, for tests of its start, its number or its limits."""
        self.command = COMMAND

    def use(self, emulator: Emulator) -> None:
        """Make an emulator the API."""
        self.environment.setenv("GCORE_BASE_URL", emulator.url)

    def __call__(self, *arguments: str, clock: FakeClock | None = None) -> Finished:
        """Run a command here."""
        code = run(arguments, clock or FakeClock())
        return Finished(code, *self._capsys.readouterr())

    def start(self, *arguments: str, **settings: Any) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([*self.command, *arguments], text=True, **streams | settings)

    def alone(self, *arguments: str, **settings: Any) -> Finished:
        """Run a command in a process of its own."""
        with self.start(*arguments, **settings) as process:
            out, err = process.communicate(timeout=60)
        return Finished(process.returncode, out or "", err or "")

    def on_terminal(
        self,
        *arguments: str,
        answer: bytes | Iterator[bytes] = b"",
        ask: Callable[[], None] | None = None,
        columns: int = 0,
    ) -> Finished:
        """Run a command here as on a terminal of so many columns, otherwise as ``alone_on_terminal`` does.

        Of several answers, each question gets its own.
        """
        ours, theirs = pty.openpty()
        resize(theirs, columns)
        screen: list[bytes] = []
        person = threading.Thread(
            target=lambda: screen.append(
                _watch(
                    ours, lambda: os.write(ours, answer if isinstance(answer, bytes) else next(answer)), ask
                )
            )
        )
        person.start()
        with self.environment.context() as patch, contextlib.ExitStack() as streams:
            streams.callback(os.close, theirs)
            for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
                stream = open(theirs, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor
                patch.setattr(sys, name, streams.enter_context(stream))
            code = run(arguments, FakeClock())
        person.join()
        return Finished(code, _shown(screen[0]), "")

    def alone_on_terminal(
        self, *arguments: str, answer: bytes | signal.Signals = b"", ask: Callable[[], None] | None = None
    ) -> Finished:
        """Run a command on a terminal, in a process of its own; ``out`` is everything shown on the screen.

        When the command asks, ``ask`` is called, then ``answer`` is typed or sent.
        """
        ours, theirs = pty.openpty()

        def reply() -> None:
            if isinstance(answer, bytes):
                os.write(ours, answer)
            else:
                process.send_signal(answer)

        with self.start(*arguments, stdin=theirs, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            screen = _watch(ours, reply, ask)
            process.wait(timeout=60)
        return Finished(process.returncode, _shown(screen), "")


def _watch(ours: int, reply: Callable[[], object], ask: Callable[[], None] | None) -> bytes:
    """Return what a terminal shows until the other side leaves; when asked, reply."""
    screen = b""
    with contextlib.suppress(OSError):  # EIO is how a terminal says that the other side has left
        while select.select([ours], [], [], 60)[0] and (chunk := os.read(ours, 65536)):
            screen += chunk
            if screen.endswith(b"Enter a value: "):
                if ask is not None:
                    ask()
                reply()
    os.close(ours)
    return screen


def _shown(screen: bytes) -> str:
    return screen.decode("utf-8", "replace").replace("\r\n", "\n")


def wait_for_file(file: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a running process, or what it started, makes a file."""
    while not file.exists():
        assert process.poll() is None
        threading.Event().wait(0.01)


def pipe(stream: IO[str] | None) -> IO[str]:
    """Return a stream that is known to be a pipe."""
    assert stream is not None
    return stream


def lines_until(stream: IO[str] | None, word: str) -> Sequence[str]:
    """Read lines up to the first that contains ``word``."""
    found = []
    for line in pipe(stream):
        found.append(line)
        if word in line:
            return found
    raise AssertionError(f"{word!r} did not come, but {found}")
