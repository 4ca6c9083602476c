"""Everything around the service: its clock, the API, the people who edit keys and files."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from random import Random

EVERY: Final = 900
TOKEN: Final = "soak-token"  # noqa: S105 - made up
BEGAN: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SCOPES: Final = ((1, 76), (1, 77), (2, 76))
_KEYS: Final = 15
_DOWN_EVERY, _DOWN_FOR = 400, 6
_BROKEN_EVERY, _BROKEN_FOR = 300, 3
_GIT_EVERY: Final = 170
_FLAP_EVERY, _FLAP_FOR = 90, 8
_CREATE_EVERY: Final = 37
_DELETE_EVERY: Final = 53
_EXCLUSIVE: Final = (2, 76)
_FLAKY: Final[Mapping[str, float]] = {
    "status_500": 0.03,
    "status_429_seconds": 0.02,
    "reset_before": 0.02,
    "reset_after": 0.02,
    "half_body": 0.02,
    "html_page": 0.01,
}
_WARM: Final = 100
"""Rounds after which a service has everything in memory that it will ever need."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a process is made of: resident memory in bytes, open file descriptors."""

    memory: int
    descriptors: int


def body() -> Body:
    """Measure this process."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - the cheapest way
        pages = int(file.read().split()[1])
    return Body(pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir("/proc/self/fd")))  # noqa: PTH208 - the same


class World:
    """A clock that moves only while a caller sleeps; at each quarter of an hour something happens.

    After ``rounds`` rounds the service is asked to end.
    """

    def __init__(self, api: str, directory: Path, rounds: int, rng: Random) -> None:
        """Store the address of the emulator, the folder with the files, and what decides."""
        self._api = api
        self._directory = directory
        self._rounds = rounds
        self._rng = rng
        self._elapsed = 0.0
        self._slot = 0
        self._version = 0
        self._is_down = False
        self.edits = 0
        self.warm: Body | None = None
        self.write_files()

    def now(self) -> dt.datetime:
        """Return the present time."""
        return BEGAN + dt.timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        return self._elapsed

    def sleep(self, seconds: float, wake: threading.Event) -> None:
        """Advance the time, and do everything that was due."""
        if wake.is_set():
            return
        self._elapsed += seconds
        while (self._slot + 1) * EVERY <= self._elapsed + EVERY / 2:
            self._slot += 1
            self._happen()

    def write_files(self) -> None:
        """Write the desired state as it is in Git now."""
        documents = (
            {
                "project_id": project,
                "region_id": region,
                "exclusive": (project, region) == _EXCLUSIVE,
                "keys": [declared(n, self._version) for n in range(_KEYS)],
            }
            for project, region in SCOPES
        )
        text = "\n---\n".join(json.dumps(document) for document in documents)
        (self._directory / "keys.yaml").write_text(text, encoding="utf-8")

    def _happen(self) -> None:
        slot = self._slot
        if slot % _DOWN_EVERY in {0, _DOWN_FOR}:
            self._is_down = slot % _DOWN_EVERY == 0
            self._faults()
        if slot % _GIT_EVERY == 0:
            self._version += 1
        is_broken = slot % _BROKEN_EVERY < _BROKEN_FOR
        if slot % _GIT_EVERY == 2 and not is_broken:  # noqa: PLR2004 - the pipeline takes its time
            self._deploy()
        if slot % _BROKEN_EVERY == 0:
            (self._directory / "keys.yaml").write_text("keys: [", encoding="utf-8")
        elif slot % _BROKEN_EVERY == _BROKEN_FOR or slot % _GIT_EVERY == 0:
            self.write_files()
        self._people(slot)
        if slot % 20 == 0:
            self._look(slot)

    def _people(self, slot: int) -> None:
        """Edit, create and delete keys, as people do in the portal."""
        if slot % _CREATE_EVERY == 0:
            self._by_hand("POST", _path(_EXCLUSIVE), declared(1, 0) | {"name": f"stray-{slot}"})
        if slot % _DELETE_EVERY == 0:
            scope, number = self._rng.choice(SCOPES), self._rng.randrange(1, _KEYS)
            self._by_hand("DELETE", f"{_path(scope)}/{declared(number, 0)['name']}")
        if slot % _FLAP_EVERY < _FLAP_FOR:
            self._edit((1, 76), 0, {"description": f"theirs {slot}"})
        elif self._rng.random() < 0.3:  # noqa: PLR2004 - three in ten
            self._edit(self._rng.choice(SCOPES), self._rng.randrange(1, _KEYS), self._some_edit())

    def _some_edit(self) -> Mapping[str, Any]:
        return self._rng.choice(
            (
                {"is_disabled": True},
                {"description": f"edited by hand {self._slot}"},
                {"expire": "2098-01-01T00:00:00Z"},
                {"containers": [{"name": "other", "namespace": "shop"}]},
            )
        )

    def _edit(self, scope: tuple[int, int], number: int, fields: Mapping[str, Any]) -> None:
        """Change a key in the portal."""
        self._by_hand("PATCH", f"{_path(scope)}/{declared(number, 0)['name']}", fields)

    def _by_hand(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> None:
        """Send a request of the portal, which nothing disturbs; a key that is gone cannot be changed."""
        self._faults(none=True)
        try:
            self._ask(method, path, content)
        except urllib.error.HTTPError as error:
            if error.code != http.client.NOT_FOUND:
                raise
        else:
            self.edits += 1
        finally:
            self._faults()

    def _deploy(self) -> None:
        """Apply what is in Git, as a pipeline does: until then it is pending."""
        self._faults(none=True)
        words = ("apply", str(self._directory / "keys.yaml"), "--auto-approve", "--max-revoked", "100%")
        sink = ("--secret-sink", f"file:{self._directory / 'pipeline'}", "--allow-destroy")
        subprocess.run(
            [sys.executable, "-m", "reconciler", *words, *sink], check=True, capture_output=True, timeout=60
        )
        self._faults()

    def _faults(self, *, none: bool = False) -> None:
        faults: Mapping[str, float] = {} if none else {"status_503": 1.0} if self._is_down else _FLAKY
        self._ask("PUT", "/_emulator/faults", faults)

    def _ask(self, method: str, path: str, content: Mapping[str, Any] | None) -> None:
        request = urllib.request.Request(  # noqa: S310 - the emulator on this machine
            self._api + path,
            None if content is None else json.dumps(content).encode(),
            {"Authorization": f"apikey {TOKEN}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - the same
            response.read()

    def _look(self, slot: int) -> None:
        with closing(sqlite3.connect(self._directory / "history.db")) as history:
            ((rounds,),) = history.execute("SELECT count(*) FROM round WHERE ended IS NOT NULL").fetchall()
        if self.warm is None and slot >= _WARM:
            self.warm = body()
        if rounds >= self._rounds:
            os.kill(os.getpid(), signal.SIGTERM)


def _path(scope: tuple[int, int]) -> str:
    return f"/cloud/v1/caas/keys/{scope[0]}/{scope[1]}"


def declared(number: int, version: int) -> dict[str, Any]:
    """Return what Git declares for a key; every commit changes one field of one key in four."""
    text = f"Key {number}, commit {version}" if number % 4 == 0 else f"Key {number}"
    return {
        "name": f"key-{number:03}",
        "description": text,
        "expire": "2099-01-01T00:00:00Z",
        "is_disabled": False,
        "containers": [{"name": "web", "namespace": "shop"}],
    }


@contextmanager
def an_api(directory: Path) -> Iterator[str]:
    """Run an emulator in a process of its own, and return its address."""
    seed = {
        "caas": {
            f"{project}/{region}": [declared(number, 0) for number in range(_KEYS)]
            for project, region in SCOPES
        }
    }
    file = directory / "seed.json"
    file.write_text(json.dumps(seed), encoding="utf-8")
    words = ("emulator", "--port", "0", "--token", TOKEN, "--seed", str(file))
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", *words], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
