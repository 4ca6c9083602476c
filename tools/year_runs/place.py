"""The repository of keys, the sink, and the command, which is killed now and then."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.cli.main import run

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from gcore_emulator import RequestRecord
    from year_runs.clock import YearClock

TOKEN: Final = "1234$year"  # noqa: S105 - made up
_GIT: Final = shutil.which("git") or "git"
_YEAR: Final = Path(__file__).parents[1] / "year.py"
_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and all that it printed; the code of a killed one is negative."""

    code: int
    text: str


@dataclass(slots=True)
class Killer:
    """Kills a process as soon as some write has taken effect: its response is never sent."""

    process: subprocess.Popen[str] | None = None
    writes_left: int = 0

    def listen(self, record: RequestRecord) -> None:
        """Count a request; called in the thread of the server."""
        if self.process is None or record.method == "GET":
            return
        self.writes_left -= 1
        if self.writes_left == 0:
            self.process.kill()


@dataclass(slots=True)
class Place:
    """A folder with a checkout and a sink for secrets."""

    folder: Path
    clock: YearClock
    killer: Killer = field(default_factory=Killer)
    printed: list[str] = field(default_factory=list)

    @property
    def tree(self) -> Path:
        """Return the checkout."""
        return self.folder / "repository"

    @property
    def secrets(self) -> Path:
        """Return the folder of secrets."""
        return self.folder / "secrets"

    def command(self, *words: str) -> Ended:
        """Run a command here."""
        text = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with redirect_stdout(text), redirect_stderr(text):
            code = run(words, self.clock)
        text.seek(0)
        self.printed.append(printed := text.read())
        return Ended(code, printed)

    def killed(self, writes: int, *words: str) -> Ended:
        """Run a command in a process of its own, which is killed by some write if it makes so many."""
        arguments = [sys.executable, str(_YEAR), "--child", self.clock.now().isoformat(), *words]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        with subprocess.Popen(arguments, cwd=self.tree, **pipes) as process:
            self.killer.writes_left, self.killer.process = writes, process
            out, _ = process.communicate(timeout=_SECONDS)
            self.killer.process = None
        self.printed.append(out)
        return Ended(process.returncode, out)

    def git(self, *words: str) -> str:
        """Run Git in the checkout and return what it prints."""
        identity = ("-c", "user.name=year", "-c", "user.email=year@example.com")
        done = subprocess.run(
            [_GIT, *identity, *words], cwd=self.tree, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, title: str) -> bool:
        """Commit what was edited; return whether there was anything."""
        if not self.git("status", "--porcelain"):
            return False
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", title)
        return True

    def secret(self, address: str, version: str = "") -> str | None:
        """Return the secret in the place of a key, None if there is none."""
        file = self.secrets / (address.replace("/", "_") + version)
        return file.read_text(encoding="utf-8") if file.exists() else None

    def store(self, address: str, secret: str) -> None:
        """Store the secret of a key that was there before the year."""
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        file = self.secrets / address.replace("/", "_")
        file.touch(mode=0o600)
        file.write_text(secret, encoding="utf-8")


def begin(folder: Path, clock: YearClock, url: str, documents: dict[str, str]) -> Place:
    """Make the repository, with these files."""
    place = Place(folder, clock)
    (place.tree / "keys").mkdir(parents=True)
    for name, text in documents.items():
        (place.tree / name).write_text(text, encoding="utf-8")
    os.environ |= {"GCORE_API_KEY": TOKEN, "GCORE_BASE_URL": url}
    os.chdir(place.tree)
    place.git("init", "--quiet", "-b", "main")
    place.commit("the first keys")
    return place


def as_json(value: Any) -> str:
    """Write a document in the part of YAML that is JSON."""
    return json.dumps(value, indent=2) + "\n"


def child(words: Sequence[str], clock: YearClock) -> int:
    """Run a command in a process of its own."""
    return run(words, clock)


def day(time: dt.datetime) -> str:
    """Write the begin of a day."""
    return f"{time:%Y-%m-%d}T00:00:00Z"
