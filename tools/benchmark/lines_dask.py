"""The plan on a Dask cluster of two workers on this machine against the plan in one process."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import yaml

from benchmark import engine
from benchmark.data import Dataset, write_files
from benchmark.processes import PYTHON, ROOT, BenchmarkError, Place, a_server, stop
from benchmark.report import Pairs, Row, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmark.processes import Run
    from benchmark.scale import Scale

_WIDTH: Final = 2
_LIMIT: Final = 0.7
_START: Final = 60.0
_STEP: Final = 0.05
_SCHEDULER_FILE: Final = "scheduler.json"


def measure(place: Place, scale: Scale, _chosen: frozenset[str]) -> list[Row]:
    """Plan unchanged keys on the cluster and in one process by turns; every other round is reversed."""
    dataset = Dataset((scale.scope_keys,) * scale.scopes)
    write_files(dataset, place.directory / "keys")
    cluster: list[Run] = []
    one: list[Run] = []
    with a_server(place) as server, _a_cluster(place) as address:
        server.load(dataset)
        engine.plan(place, server, "keys", 0)
        engine.plan_on(place, server, "keys", 0, address)
        for number in range(scale.rounds):
            if number % 2:
                one.append(engine.plan(place, server, "keys", 0))
            cluster.append(engine.plan_on(place, server, "keys", 0, address))
            if not number % 2:
                one.append(engine.plan(place, server, "keys", 0))
    pairs = Pairs(tuple(run.seconds for run in cluster), tuple(run.seconds for run in one))
    what = f"plan of {dataset.keys:,} keys on a Dask cluster of two workers v one process"
    behind = f"{pairs.seconds('cluster', 'one')}; all of it on this machine, with the server"
    return [Subject("dask", what).at_most(_LIMIT, pairs.ratio, behind)]


@contextmanager
def _a_cluster(place: Place) -> Iterator[str]:
    """Start a scheduler and its workers, and end them afterwards; yield the scheduler's address."""
    file = place.directory / _SCHEDULER_FILE
    with ExitStack() as stack:
        stack.enter_context(_a_process(place, "scheduler", "--port", "0", "--scheduler-file", str(file)))
        deadline = time.monotonic() + _START
        while not file.exists():
            if time.monotonic() > deadline:
                raise BenchmarkError("the scheduler did not start")
            time.sleep(_STEP)
        address: str = json.loads(file.read_text(encoding="utf-8"))["address"]
        for _ in range(_WIDTH):
            stack.enter_context(_a_process(place, "worker", address, "--nthreads", "1", "--no-nanny"))
        _wait_for_workers(address)
        yield address


def _wait_for_workers(address: str) -> None:
    import distributed  # noqa: PLC0415 - an extra, and half a second

    try:
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(_WIDTH, timeout=_START)
    except TimeoutError as error:
        raise BenchmarkError("the workers did not start") from error


def _settings(role: str) -> dict[str, str]:
    """Return the settings of Dask that compose.yml has for a scheduler or worker."""
    services = yaml.safe_load((ROOT / "deploy/dask/compose.yml").read_text(encoding="utf-8"))["services"]
    return {name: value for name, value in services[role]["environment"].items() if name.startswith("DASK_")}


@contextmanager
def _a_process(place: Place, role: str, *options: str) -> Iterator[None]:
    process = subprocess.Popen(
        [*PYTHON, "-m", f"distributed.cli.dask_{role}", *options, "--no-dashboard", "--host", "127.0.0.1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=place.directory,
        env=place.environment("") | _settings(role),
        start_new_session=True,
    )
    try:
        yield
    finally:
        stop(process)
