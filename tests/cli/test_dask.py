"""``--dask``: the same plan on a real cluster, within the same limits, and its faults as one clear error."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import tracemalloc
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reconciler
from reconciler.model.system import SystemClock, SystemRandomness
from reconciler.pipeline.executors import cluster_pool
from tests.loaded import loaded
from tests.scopes import LONG_PAUSE, PAUSE, REGIONS, Api, Run, content, held, planning, write_files
from tests.support import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

Process = subprocess.Popen[bytes]
ROLES = {role: f"distributed.cli.dask_{role}" for role in ("scheduler", "worker")}
MODULES = ("reconciler.pipeline.cluster", *ROLES.values())
LEASE = "DASK_DISTRIBUTED__SCHEDULER__LOCKS__LEASE"
BRIEF = {f"{LEASE}_TIMEOUT": "1s", f"{LEASE}_VALIDATION_INTERVAL": "0.2s"}
"""What Dask reads as it is loaded."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Cluster:
    """A scheduler, and the workers that were added; ``program`` runs a module."""

    def __init__(self, program: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.port, self.program, self._folder = free_port(), program, folder
        self.log = folder / "scheduler.log"
        self.scheduler = self._started("scheduler", "--port", str(self.port), environment=environment)
        self.workers: list[Process] = []
        self.ports: list[int] = []

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def add_worker(self, **environment: str) -> None:
        self.ports.append(free_port())
        options = ("--nthreads", "1", "--no-nanny", "--worker-port", str(self.ports[-1]))
        self.workers.append(self._started("worker", self.address, *options, environment=environment))

    def wait(self) -> None:
        """Wait until all of them listen."""
        for port in (self.port, *self.ports):
            while True:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                PAUSE.wait(0.05)

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _started(self, role: str, *options: str, environment: Mapping[str, str]) -> Process:
        with (self._folder / f"{role}.log").open("ab") as log:
            return subprocess.Popen(
                [*self.program, ROLES[role], *options, "--host", "127.0.0.1", "--no-dashboard"],
                cwd=self._folder,
                env={"HOME": str(self._folder), **environment},
                stdout=log,
                stderr=log,
            )


@contextmanager
def a_cluster(folder: Path, workers: int, program: Sequence[str], **environment: str) -> Iterator[Cluster]:
    found = Cluster(program, folder, environment)
    try:
        for _ in range(workers):
            found.add_worker(**environment)
        found.wait()
        yield found
    finally:
        found.end()


def faults(err: str) -> list[str]:
    """Return the lines that say more than what is waited for, which a busy machine makes longer."""
    return [line for line in err.splitlines() if not line.startswith("Waiting for ")]


@pytest.fixture(scope="module")
def forks() -> Iterator[Sequence[str]]:
    """What runs a module, of this project or of Dask, without its start."""
    with loaded(*MODULES) as found:
        yield found


@pytest.fixture
def started(tmp_path: Path, scopes: Api) -> Iterator[Callable[..., Run]]:
    """Return what begins a plan of many scopes as a program of its own, which gets signals."""
    write_files(tmp_path)
    with planning(tmp_path, scopes, {"GCORE_API_KEY": TOKEN, "HOME": str(tmp_path)}) as begin:
        yield begin


@pytest.fixture
def plan(tmp_path: Path, scopes: Api, forks: Sequence[str]) -> Iterator[Callable[..., Run]]:
    """Return what begins a plan of many scopes in a process of its own."""
    write_files(tmp_path)
    environment = {"GCORE_API_KEY": TOKEN, "HOME": str(tmp_path)}
    with planning(tmp_path, scopes, environment, [*forks, "reconciler.__main__"]) as begin:
        yield begin


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, forks: Sequence[str]) -> Iterator[Cluster]:
    with a_cluster(tmp_path_factory.mktemp("dask"), 2, forks, GCORE_API_KEY=TOKEN) as found:
        yield found


@pytest.fixture
def empty(tmp_path: Path, forks: Sequence[str]) -> Iterator[Cluster]:
    """A cluster without workers, whose scheduler listens."""
    with a_cluster(tmp_path, 0, forks) as found:
        yield found


@pytest.fixture
def single(tmp_path: Path, forks: Sequence[str]) -> Iterator[Cluster]:
    with a_cluster(tmp_path, 1, forks, GCORE_API_KEY=TOKEN) as found:
        yield found


@pytest.fixture
def bare(tmp_path: Path, forks: Sequence[str]) -> Iterator[Cluster]:
    """A cluster whose worker has no token."""
    with a_cluster(tmp_path, 1, forks) as found:
        yield found


@pytest.fixture
def leased(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster whose workers notice soon that a run is gone."""
    with (
        loaded(*MODULES, **BRIEF) as program,
        a_cluster(tmp_path, 2, program, GCORE_API_KEY=TOKEN) as found,
    ):
        yield found


def test_a_cluster_makes_the_same_plan_within_the_same_limit(
    plan: Callable[..., Run], scopes: Api, expected: object, cluster: Cluster
) -> None:
    scopes.delay = 0.02
    code, out, err = plan("--dask", cluster.address, "--parallelism", "2").finished()
    assert (code, faults(err)) == (0, [])
    assert content(out) == expected
    assert (scopes.requests, scopes.most) == (len(REGIONS), 2)


def test_a_pause_that_an_api_asked_for_holds_for_all_workers(
    plan: Callable[..., Run], scopes: Api, cluster: Cluster
) -> None:
    scopes.delay, scopes.busy_at = 0.1, 4
    assert plan("--dask", cluster.address).finished()[0] == 0
    asked = scopes.times[scopes.busy_at - 1] + scopes.delay
    late = asked + 1  # what was sent before it was known everywhere
    assert [at for at in scopes.times if late < at < asked + LONG_PAUSE] == []
    assert len([at for at in scopes.times if at >= asked + LONG_PAUSE]) > len(REGIONS) // 4


def test_a_cluster_is_an_executor_of_the_library(
    plan: Callable[..., Run], scopes: Api, expected: object, cluster: Cluster
) -> None:
    assert callable(plan)  # it has written the files
    connect = partial(reconciler.Client, TOKEN, base_url=scopes.url, parallelism=2)
    with reconciler.cluster(cluster.address, connect) as executor, connect() as client:
        state = reconciler.load(".", executor=executor)
        found = reconciler.plan(state, client, executor=executor)
    assert content(reconciler.render(found, "json")) == expected
    assert (scopes.requests, scopes.most) == (len(REGIONS), 2)
    assert not is_left(cluster)


def test_what_was_sent_to_a_cluster_is_not_kept(cluster: Cluster) -> None:
    sent = [bytes([number]) * 2**18 for number in range(60)]
    with cluster_pool(cluster.address, {}, str, SystemClock(), SystemRandomness()) as pool:
        assert pool.submit(len, sent[0]).result(30) == 2**18
        tracemalloc.start()
        try:
            assert {pool.submit(len, one).result(30) for one in sent} == {2**18}
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert kept < 5 * 2**20


@contextmanager
def asking(cluster: Cluster) -> Iterator[Callable[[], list[str]]]:
    """Yield what returns all that a scheduler stores for runs."""

    def stored(dask_scheduler: Any) -> list[str]:  # sent as it is: to load this module takes a second
        known = dask_scheduler.extensions
        events = known["events"]._events  # noqa: SLF001 - there is no other way to ask
        places = (known["semaphores"].max_leases, known["variables"].variables, events)
        return [str(name) for place in (dask_scheduler.tasks, *places) for name in place]

    with import_module("distributed").Client(cluster.address, set_as_default=False) as client:
        yield partial(client.run_on_scheduler, stored)


def is_left(cluster: Cluster) -> bool:
    """Return whether the scheduler still stores something after a while."""
    with asking(cluster) as stored:
        return all(PAUSE.wait(0.05) or stored() for _ in range(200))


def test_a_run_leaves_nothing_on_the_scheduler(plan: Callable[..., Run], cluster: Cluster) -> None:
    before = len(cluster.log.read_text())
    assert plan("--dask", cluster.address).finished()[0] == 0
    assert not is_left(cluster)
    assert "lease" not in cluster.log.read_text()[before:].lower()


def test_a_run_leaves_nothing_that_workers_renew(plan: Callable[..., Run], single: Cluster) -> None:
    def renewed() -> int:  # sent as it is: to load this module takes a second
        kind = import_module("distributed").Semaphore
        found = [one for one in import_module("gc").get_objects() if isinstance(one, kind)]
        return sum(one.refresh_callback.is_running() for one in found)

    assert plan("--dask", single.address).finished()[0] == 0
    with import_module("distributed").Client(single.address, set_as_default=False) as client:
        assert any(not PAUSE.wait(0.05) and not sum(client.run(renewed).values()) for _ in range(200))


def test_workers_remove_what_a_killed_run_leaves(tmp_path: Path, scopes: Api, leased: Cluster) -> None:
    write_files(tmp_path)
    environment = {"GCORE_API_KEY": TOKEN, "HOME": str(tmp_path)}
    program = [*leased.program, "reconciler.__main__"]
    with planning(tmp_path, scopes, environment, program) as begin, held(scopes) as reached:
        run = begin("--dask", leased.address)
        assert reached.wait(30)
        with asking(leased) as stored:
            assert stored()
        run.process.kill()
        assert not is_left(leased)


def test_what_a_killed_worker_did_is_done_again_elsewhere(
    plan: Callable[..., Run], scopes: Api, expected: object, cluster: Cluster
) -> None:
    cluster.add_worker(GCORE_API_KEY=TOKEN)
    reached = threading.Event()
    scopes.on_request = lambda count: reached.set() if count == len(REGIONS) // 2 else None
    scopes.delay = 0.05
    run = plan("--dask", cluster.address, "--parallelism", "4")
    assert reached.wait(30)
    killed = cluster.workers.pop(0)
    killed.kill()
    killed.wait()
    code, out, err = run.finished()
    assert (code, faults(err)) == (0, [])
    assert content(out) == expected


def test_an_interrupt_ends_the_work_of_the_cluster(
    started: Callable[..., Run], scopes: Api, cluster: Cluster
) -> None:
    reached = threading.Event()
    scopes.on_request = lambda count: reached.set() if count == 1 else None
    scopes.delay = 0.3
    run = started("--dask", cluster.address, "--parallelism", "1")
    assert reached.wait(30)
    os.killpg(run.process.pid, signal.SIGINT)
    code, out, err = run.finished()
    assert (code, out, faults(err)) == (130, "", ["", "Interrupted."])
    PAUSE.wait(1)
    sent = scopes.requests
    PAUSE.wait(1)
    assert scopes.requests == sent < len(REGIONS)
    assert not is_left(cluster)


def test_a_worker_without_a_token_is_named_with_the_variable(
    plan: Callable[..., Run], scopes: Api, bare: Cluster
) -> None:
    code, out, err = plan("--dask", bare.address).finished()
    assert (code, out, scopes.requests) == (1, "", 0)
    pattern = (
        r"Error: the worker tcp://127\.0\.0\.1:\d+: no token: GCORE_API_KEY is not set; set GCORE_API_KEY or"
        r" use --token-file"
    )
    (fault,) = faults(err)
    assert re.fullmatch(pattern, fault), fault


def test_a_lost_scheduler_is_one_error(plan: Callable[..., Run], scopes: Api, single: Cluster) -> None:
    with held(scopes) as reached:
        run = plan("--dask", single.address)
        assert reached.wait(30)
        single.scheduler.kill()
        code, out, err = run.finished()
    assert (code, out) == (1, "")
    message = f"the connection to the scheduler at {single.address} is lost, and no change was sent"
    assert [fault.partition(";")[0] for fault in faults(err)] == [f"Error: {message}"]


def test_a_scheduler_that_is_not_there_is_an_error(plan: Callable[..., Run], scopes: Api) -> None:
    code, out, err = plan("--dask", "tcp://127.0.0.1:1").finished()
    assert (code, out, scopes.requests) == (1, "", 0)
    assert err == (
        "Error: the scheduler at tcp://127.0.0.1:1 cannot be reached; check --dask, and that it runs\n"
    )


@given(st.dictionaries(st.sampled_from(["reconciler", "kinds and schemas", "Python"]), st.just("other")))
def test_every_part_that_differs_is_named_with_both_versions(others: dict[str, str]) -> None:
    worker = import_module("reconciler.pipeline.cluster_worker")
    own = dict(worker.facts())
    theirs = tuple({**own, **others}.items())
    assert worker.difference("the worker w", theirs, worker.facts()) == ", ".join(
        f"{name}: the worker w has other, this run {own[name]}" for name in own if name in others
    )


def test_a_first_worker_is_waited_for_aloud(
    plan: Callable[..., Run], expected: object, empty: Cluster
) -> None:
    run = plan("--dask", empty.address)
    assert run.process.stderr is not None
    assert run.process.stderr.readline() == (
        f"Waiting for the first worker of the cluster at {empty.address}.\n"
    )
    empty.add_worker(GCORE_API_KEY=TOKEN)
    code, out, _ = run.finished()
    assert (code, content(out)) == (0, expected)


def test_steps_that_take_long_are_waited_for_aloud(
    plan: Callable[..., Run], scopes: Api, expected: object, cluster: Cluster
) -> None:
    with held(scopes):
        run = plan("--dask", cluster.address)
        assert run.process.stderr is not None
        pattern = rf"Waiting for the cluster at {cluster.address}; steps done: \d+ of \d+\.\n"
        assert re.fullmatch(pattern, run.process.stderr.readline())
    code, out, err = run.finished()
    assert (code, faults(err), content(out)) == (0, [], expected)
