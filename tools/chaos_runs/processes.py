"""Running the real command: to its end, until it is killed, or on a terminal."""

from __future__ import annotations

import os
import pty
import re
import secrets
import select
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

COMMAND: Final = (sys.executable, "-m", "reconciler")
APPLY: Final = ("apply", "--auto-approve", "--quiet", "--max-revoked", "100%")
PLAN: Final = ("plan", "--detailed-exitcode", "--quiet", "--max-revoked", "100%")
_LIMIT_SECONDS: Final = 600
_QUIET_SECONDS: Final = 60
_CHUNK: Final = 65536
# Nothing else is passed on: a setting of the caller's would change what is run.
_INHERITED: Final = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT")
_OUTCOME: Final = re.compile(
    r"(?P<address>caas/\d+/\d+/[-a-z0-9]+): (?P<result>[a-z ]+)(?:[:;] (?P<detail>.*))?"
)


class ChaosError(Exception):
    """A run could not be made at all: nothing is known of the promises."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a finished process left; ``code`` is negative after a signal."""

    code: int
    out: str
    err: str = ""

    @property
    def reported(self) -> str:
        """The exit code and the last line of the errors, or of the output."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return f"exit {self.code}: {lines[-1] if lines else 'nothing printed'}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where runs happen: a directory that is removed at the end, and a token made up for the run.

    ``command`` is what is run.
    """

    directory: Path
    token: str
    command: Sequence[str] = COMMAND

    @property
    def files(self) -> Path:
        """The directory of the desired state."""
        return self.directory / "keys"

    @property
    def journal(self) -> Path:
        """The journal of every run in this place."""
        return self.directory / "journal.jsonl"

    def run(self, url: str, *arguments: str) -> Ended:
        """Run a command to its end."""
        with self.started(url, *arguments) as process:
            out, err = process.communicate(timeout=_LIMIT_SECONDS)
        return Ended(process.returncode, out, err)

    @contextmanager
    def started(self, url: str, *arguments: str, **streams: Any) -> Iterator[subprocess.Popen[str]]:
        """Start a command; its process has ended when the block is left."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(
            [*self.command, *arguments],
            text=True,
            cwd=self.directory,
            env=_environment(url, self.token),
            **pipes | streams,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def on_terminal(self, url: str, *arguments: str, asked: Callable[[], None]) -> Ended:
        """Run a command on a terminal and say yes; ``asked`` is called before that is typed."""
        ours, theirs = pty.openpty()
        try:
            with self.started(url, *arguments, stdin=theirs, stdout=theirs, stderr=theirs) as process:
                os.close(theirs)
                screen = b""
                with suppress(OSError):  # EIO is how a terminal says that the other side has left
                    while chunk := _read(ours):
                        screen += chunk
                        if screen.endswith(b"Enter a value: "):
                            asked()
                            os.write(ours, b"yes\n")
                process.wait(_QUIET_SECONDS)
        finally:
            os.close(ours)
        return Ended(process.returncode, screen.decode("utf-8", "replace").replace("\r\n", "\n"))


@contextmanager
def a_place(command: Sequence[str] = COMMAND) -> Iterator[Place]:
    """Make a place to run in, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as directory:
        yield Place(Path(directory), secrets.token_hex(), command)


def complaint(ended: Ended, code: int = 0) -> list[str]:
    """Return how a run ended, unless it ended with ``code``."""
    return [] if ended.code == code else [ended.reported]


def outcomes(text: str) -> dict[str, tuple[str, str]]:
    """Read result and detail of each key from what ``apply`` printed."""
    found = (_OUTCOME.fullmatch(line) for line in text.splitlines())
    return {match["address"]: (match["result"], match["detail"] or "") for match in found if match}


def _read(terminal: int) -> bytes:
    if not select.select([terminal], [], [], _QUIET_SECONDS)[0]:
        raise ChaosError(f"the command was silent for {_QUIET_SECONDS} seconds")
    return os.read(terminal, _CHUNK)


def _environment(url: str, token: str) -> Mapping[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return inherited | {"GCORE_API_KEY": token, "GCORE_BASE_URL": url, "NO_COLOR": "1", "TERM": "dumb"}
