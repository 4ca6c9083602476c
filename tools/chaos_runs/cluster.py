"""The same plans on a Dask cluster of two workers, of which one is killed in each plan."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import distributed

from chaos_runs.processes import ChaosError
from chaos_runs.promises import Findings
from chaos_runs.workers import a_setting, numbers, one_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_runs.scale import Scale

_WIDTH: Final = 2
_START: Final = 60.0
_LONGEST_LIFE: Final = 30.0
_STEP: Final = 0.05


@dataclass(slots=True)
class Cluster:
    """A scheduler and its workers, which are processes of this machine without a nanny."""

    folder: Path
    token: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Return where the scheduler is."""
        address: str = json.loads((self.folder / "scheduler.json").read_text(encoding="utf-8"))["address"]
        return address

    @property
    def options(self) -> tuple[str, ...]:
        """Return the options of a plan."""
        return "--dask", self.address

    def of(self, _run: int) -> list[int]:
        """Return the workers."""
        return [process.pid for name, process in self.processes.items() if name != "scheduler"]

    def start(self) -> None:
        """Start the scheduler, and its workers."""
        file = self.folder / "scheduler.json"
        self._start("scheduler", "scheduler", "--port", "0", "--scheduler-file", str(file))
        self.wait("the scheduler", file.exists)
        self.renew()

    def renew(self) -> None:
        """Start workers in place of those that have ended, and wait until there are as many as before."""
        for number in range(_WIDTH):
            name = f"worker-{number}"
            if name not in self.processes or self.processes[name].poll() is not None:
                self._start(name, "worker", self.address, "--nthreads", "1", "--no-nanny")
        with distributed.Client(self.address, set_as_default=False) as client:
            self.wait("workers", lambda: len(client.nthreads()) == _WIDTH)

    def left(self) -> list[str]:
        """Return what the scheduler still knows of runs that have ended, and what its workers still do."""
        deadline = time.monotonic() + _LONGEST_LIFE
        with distributed.Client(self.address, set_as_default=False) as client:
            while found := _known(client):
                if time.monotonic() > deadline:
                    break
                time.sleep(_STEP)
        return found

    def end(self) -> None:
        """End all of it."""
        for process in self.processes.values():
            process.kill()
            process.wait()

    def _start(self, name: str, role: str, *options: str) -> None:
        tokens = {"GCORE_API_KEY": self.token} if role == "worker" else {}
        command = [sys.executable, "-m", f"distributed.cli.dask_{role}", *options, "--no-dashboard"]
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [*command, "--host", "127.0.0.1"],
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **tokens},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self, what: str, is_there: Any) -> None:
        """Wait for something. Raises ChaosError if it takes too long."""
        deadline = time.monotonic() + _START
        while not is_there():
            if time.monotonic() > deadline:
                raise ChaosError(f"{what} did not start")
            time.sleep(_STEP)


def _known(client: distributed.Client) -> list[str]:
    """Return what a scheduler holds for runs."""

    def held(dask_scheduler: Any) -> dict[str, list[str]]:
        extensions = dask_scheduler.extensions
        return {
            "task": [str(key) for key in dask_scheduler.tasks],
            "semaphore": list(extensions["semaphores"].max_leases),
            "variable": list(extensions["variables"].variables),
            "event": list(extensions["events"]._events),  # noqa: SLF001 - it has no other way to ask
        }

    found: dict[str, list[str]] = client.run_on_scheduler(held)
    return [f"{what} {name}" for what, names in found.items() for name in names]


@contextmanager
def a_cluster(token: str) -> Iterator[Cluster]:
    """Start a cluster, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        cluster = Cluster(Path(folder), token)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.end()


def kill_workers(scale: Scale) -> Findings:
    """Kill one of two workers in each of many plans; another one takes its place after it."""
    findings = Findings("cluster: one of two workers is killed with SIGKILL at a random point of each plan")
    with a_setting(scale) as setting, a_cluster(setting.place.token) as cluster:
        for number in numbers(scale.cluster, findings):
            draw = random.Random(f"{scale.seed}/{number}")  # noqa: S311 - has to be repeatable
            one_run(setting, cluster, draw, findings)
    return findings
