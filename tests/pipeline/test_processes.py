"""Processes of this machine: requests of theirs are signs of life, and auto can do without them."""

from __future__ import annotations

import importlib
import os
import resource
import signal
import subprocess
import sys
import threading
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.api.client import Session
from reconciler.api.surroundings import Threads
from reconciler.api.workers import Workers
from reconciler.cli.console import Console
from reconciler.cli.execution import executor
from reconciler.cli.execution_options import ExecutionOptions
from reconciler.errors import SystemFailureError
from reconciler.load.files import Input
from reconciler.model.system import SystemClock
from reconciler.pipeline.client import Client
from reconciler.pipeline.distribution import Distributed
from reconciler.pipeline.execution import IN_PROCESS
from reconciler.pipeline.processes import ProcessPool
from reconciler.pipeline.reading import Comparison, Failing, follow_nothing
from reconciler.validate.state import validated
from tests.scopes import api
from tests.support import NOON, TOKEN
from tests.values import CAAS, rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.api.surroundings import Surroundings

KINDS = {"caas": CAAS}
RULES = rules(KINDS)
LARGE = 5 << 20


def declared(size: int = 0) -> list[Input]:
    """Return a file with two scopes of one key, and a comment of a size."""
    scope = "{project_id: 1, region_id: %s, keys: [{name: web}]}"
    text = "\n---\n".join(scope % region for region in (1, 2))
    return [Input(f"{text}\n# {'x' * size}".encode(), "a.yaml")]


def client(url: str, surroundings: Surroundings) -> Session:
    connection = Client(TOKEN, base_url=url).connection
    return Session(replace(connection, on_exchange=surroundings.on_exchange), Workers(1))


def test_requests_of_others_are_signs_of_life_before_their_step_is_done() -> None:
    life, seen = threading.Event(), []

    def wait(count: int) -> None:
        if count > 1:
            seen.append(life.wait(30))

    state = validated(declared(), RULES)
    with (
        api() as server,
        Client(TOKEN, base_url=server.url) as own,
        ProcessPool(1, {}, SystemClock(), life.set) as pool,
    ):
        server.on_request = wait
        by = Distributed(pool, partial(client, server.url))
        plans, failures = by.examine(
            own, state, Comparison(KINDS, (), NOON, Failing.STOPS_API), follow_nothing
        )
    assert (len(plans), failures, seen) == (2, {}, [True])


def test_a_process_has_threads_for_its_share_of_the_requests() -> None:
    threads = Threads(3)
    assert [threads.of("gcore", count).count for count in (1, 3, 10)] == [1, 1, 4]
    assert threads.of("gcore", 10) is threads.of("gcore", 10)


@contextmanager
def without_files() -> Iterator[None]:
    """Prevent this process from opening anything more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    following = os.open(os.devnull, os.O_RDONLY)
    os.close(following)
    resource.setrlimit(resource.RLIMIT_NOFILE, (following, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_where_no_process_can_be_started_auto_needs_none(capsys: pytest.CaptureFixture[str]) -> None:
    importlib.import_module("reconciler.pipeline.executors")  # else it could not be read below
    files, console = declared(LARGE), Console(1, color=False)
    with executor(ExecutionOptions(processes="auto", dask=None), None, console) as by, without_files():
        found = [*by.check(RULES, files)]
    assert found == [*IN_PROCESS.check(RULES, files)]
    assert capsys.readouterr().err.startswith("All work is done in this process: no process can be started (")


def test_where_no_process_can_be_started_a_number_of_them_is_an_error() -> None:
    with (
        ProcessPool(2, {}, SystemClock()) as pool,
        without_files(),
        pytest.raises(SystemFailureError) as caught,
    ):
        pool.start()
    assert str(caught.value) == (
        "no process can be started (Too many open files): it needs room in the folder for temporary files, in"
        " /dev/shm and for one more process; --processes 1 needs none"
    )


def test_what_processes_are_made_by_imports_the_modules_that_each_of_them_needs() -> None:
    script = """if __name__ == "__main__":
    from reconciler.model.system import SystemClock
    from reconciler.pipeline.processes import ProcessPool
    with ProcessPool(1, {}, SystemClock(), modules=["colorsys"]) as pool:
        pool.prepare()
        assert pool.submit(eval, "'colorsys' in __import__('sys').modules").result()
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """Return a file whose reader waits until something is written."""
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


def test_a_call_that_is_cancelled_before_it_begins_is_left_out(fifo: Path) -> None:
    folders = [fifo.with_name(str(number)) for number in range(6)]
    with ProcessPool(1, {}, SystemClock()) as pool:
        first = pool.submit(Path.read_bytes, fifo)
        calls = [pool.submit(Path.mkdir, folder) for folder in folders]
        assert calls[-1].cancel()
        fifo.write_bytes(b"go on")
        assert first.result() == b"go on"
        assert pool.submit(len, "last").result() == len("last")
    assert [folder.exists() for folder in folders] == [True] * 5 + [False]


def test_a_process_that_ends_while_calls_are_cancelled_ends_the_pool_without_a_trace(fifo: Path) -> None:
    with ProcessPool(1, {}, SystemClock()) as pool:
        process = pool.submit(os.getpid).result()
        calls = [pool.submit(Path.read_bytes, fifo) for _ in range(6)]
        assert calls[-1].cancel()
        os.kill(process, signal.SIGKILL)
        for call in calls[:-1]:
            with pytest.raises(BrokenExecutor):
                call.result()
        pool.renew()
        assert pool.submit(os.getpid).result() != process
