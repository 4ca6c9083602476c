"""Processes of this machine: requests of theirs are signs of life, and auto can do without them."""

from __future__ import annotations

import importlib
import os
import resource
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from reconciler.api.client import Client, Session
from reconciler.api.workers import Workers
from reconciler.cli.console import Console
from reconciler.cli.execution import executor
from reconciler.cli.execution_options import ExecutionOptions
from reconciler.errors import SystemFailureError
from reconciler.load.files import Input
from reconciler.pipeline.distribution import Distributed
from reconciler.pipeline.execution import IN_PROCESS
from reconciler.pipeline.processes import ProcessPool
from reconciler.pipeline.reading import Comparison, follow_nothing
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
    with api() as server, Client(TOKEN, base_url=server.url) as own, ProcessPool(1, {}, life.set) as pool:
        server.on_request = wait
        by = Distributed(pool, partial(client, server.url))
        plans, failures = by.examine(own, state, Comparison(KINDS, (), NOON, stops_api=True), follow_nothing)
    assert (len(plans), failures, seen) == (2, {}, [True])


@contextmanager
def without_files() -> Iterator[None]:
    """Let this process open nothing more."""
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
    assert capsys.readouterr().err.startswith("All is done in this process: no process can be started (")


def test_where_no_process_can_be_started_a_number_of_them_is_an_error() -> None:
    with ProcessPool(2, {}) as pool, without_files(), pytest.raises(SystemFailureError) as caught:
        pool.start()
    assert str(caught.value) == (
        "no process can be started (Too many open files): it needs room in the folder for temporary files, in"
        " /dev/shm and for one more process; --processes 1 needs none"
    )


def test_what_processes_are_made_by_imports_the_modules_that_each_of_them_needs() -> None:
    script = """if __name__ == "__main__":
    from reconciler.pipeline.processes import ProcessPool
    with ProcessPool(1, {}, modules=["colorsys"]) as pool:
        pool.prepare()
        assert pool.submit(eval, "'colorsys' in __import__('sys').modules").result()
"""
    subprocess.run([sys.executable, "-c", script], check=True)
