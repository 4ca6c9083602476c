"""Starting what is measured, and the server it talks to."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmark.data import Dataset

_TOOLS: Final = Path(__file__).resolve().parent.parent
ROOT: Final = _TOOLS.parent
_BIN: Final = Path(sys.executable).parent
RECONCILER: Final = (str(_BIN / "reconciler"),)
PYTHON: Final = (sys.executable,)
_RUN_LIMIT_SECONDS: Final = 240
_STOP_LIMIT_SECONDS: Final = 5
_SHOWN_LINES: Final = 12
# Nothing else is passed on: a proxy or a setting of the caller's would be measured as well.
_INHERITED: Final = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT")


class BenchmarkError(Exception):
    """A run failed or did not do what it should: there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: wall-clock seconds, peak resident memory in MiB, and its output."""

    seconds: float
    peak_mebibytes: float
    output: str

    def result(self) -> dict[str, Any]:
        """Read the JSON line that a compared program prints."""
        value: dict[str, Any] = json.loads(self.output)
        return value


@dataclass(frozen=True, slots=True)
class Place:
    """Where runs happen: a directory that is removed at the end, and a token made up for the run."""

    directory: Path
    token: str

    def environment(self, url: str, *, is_ours: bool = False) -> dict[str, str]:
        """Return the complete environment of a process; one of ours imports this package."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        inherited |= {"PYTHONPATH": str(_TOOLS)} if is_ours else {}
        return inherited | {"GCORE_API_KEY": self.token, "GCORE_BASE_URL": url, "NO_COLOR": "1"}

    def without_paths(self, text: str) -> str:
        """Remove this machine's paths from a text."""
        for path in (self.directory, ROOT, sys.base_prefix):
            text = text.replace(f"{path}/", "").replace(str(path), ".")
        return text


@dataclass(frozen=True, slots=True)
class Counts:
    """What the server received since its counts were reset.

    ``patching_seconds`` is from the first PATCH received to the response to the last one.
    """

    methods: Mapping[str, int]
    patching_seconds: float

    @property
    def text(self) -> str:
        """The number of requests of each method."""
        return " + ".join(f"{count} {method}" for method, count in sorted(self.methods.items())) or "none"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, controlled over its control paths."""

    port: int

    @property
    def url(self) -> str:
        """The base URL of the API."""
        return f"http://127.0.0.1:{self.port}"

    def load(self, dataset: Dataset) -> None:
        """Replace every key by those of ``dataset``, and forget the counts."""
        self._control("load", dataset.to_json())
        self._control("reset")

    def set_latency(self, seconds: float) -> None:
        """Delay every response from now on."""
        self._control("latency", str(seconds))

    def counts(self) -> Counts:
        """Return what was received since the last load."""
        value = self._control("counts")
        return Counts(value["methods"], value["patching_seconds"])

    def _control(self, command: str, body: str = "") -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_RUN_LIMIT_SECONDS)
        try:
            connection.request("POST", f"/control/{command}", body)
            return json.load(connection.getresponse())
        finally:
            connection.close()


@contextmanager
def a_place() -> Iterator[Place]:
    """Make a place to run in, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        yield Place(Path(directory), secrets.token_hex())


@contextmanager
def a_server(place: Place) -> Iterator[Server]:
    """Start a server of its own process, and end that process afterwards."""
    process = subprocess.Popen(
        [*PYTHON, "-m", "benchmark.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=place.environment("", is_ours=True),
        start_new_session=True,  # Ctrl-C is not for it: it ends with its standard input
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line.strip().isdecimal():
            raise BenchmarkError("the server did not start")
        yield Server(int(line))
    finally:
        stop(process)


def run(
    place: Place,
    command: tuple[str, ...],
    *,
    url: str = "",
    directory: Path | None = None,
    is_ours: bool = False,
) -> Run:
    """Run a process to its end, and measure it. Raises BenchmarkError unless it exits with 0."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                cwd=directory or place.directory,
                env=place.environment(url, is_ours=is_ours),
            )
        except OSError as error:
            raise BenchmarkError(f"{_words(place, command)}: {error.strerror}") from error
        timer = threading.Timer(_RUN_LIMIT_SECONDS, process.kill)
        timer.daemon = True
        timer.start()
        try:
            # wait4 alone gives this child's own peak. The child starts out with the peak of this
            # process, so this process must stay small.
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            timer.cancel()
            stop(process)
        if process.returncode != 0:
            reported = place.without_paths(_text(errors) or _text(output))
            shown = "\n".join(reported.splitlines()[-_SHOWN_LINES:])
            raise BenchmarkError(f"{_words(place, command)}: exit {process.returncode}\n{shown}")
        return Run(seconds, usage.ru_maxrss / 1024, _text(output))


def compared(place: Place, program: str, *arguments: str, url: str = "") -> Run:
    """Run one of the programs that the engine is compared with."""
    return run(place, (*PYTHON, "-m", f"benchmark.{program}", *arguments), url=url, is_ours=True)


def _words(place: Place, command: tuple[str, ...]) -> str:
    """Return a command without this machine's paths and without long arguments."""
    return place.without_paths(" ".join([Path(command[0]).name, *command[1:4]]))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process, and wait for its end."""
    if process.stdin is not None:
        process.stdin.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
