"""Waiting for threads, without turning a deaf ear to signals."""

from __future__ import annotations

import gc
import signal
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from reconciler.api.workers import Workers, completed
from reconciler.api.writer import Writer
from reconciler.apply.executor import Executor
from reconciler.errors import ConfigurationError
from reconciler.service.http import serve
from tests.engine import KINDS
from tests.support import FakeClock, Script, connect, no_new_threads
from tests.values import declared, live, make_plan

NO_THREAD = "lower --parallelism, or raise the limits of processes and memory"


def test_each_result_is_yielded_when_it_is_done() -> None:
    slow = threading.Event()
    given = []
    with ThreadPoolExecutor(2) as pool:
        futures = {pool.submit(slow.wait, 20): "slow", pool.submit(slow.is_set): "quick"}
        for future in completed(futures):
            given.append(futures[future])
            slow.set()
    assert given == ["quick", "slow"]


def test_without_work_nothing_is_waited_for() -> None:
    assert list(completed([])) == []


def test_a_signal_of_another_thread_is_handled_during_a_wait() -> None:
    received = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: received.set())

    def work() -> bool:
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)  # leaves the main thread in its wait
        return received.wait(timeout=60)

    try:
        with ThreadPoolExecutor(1) as pool:
            assert [future.result() for future in completed([pool.submit(work)])] == [True]
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_all_threads_are_started_before_the_first_work() -> None:
    before = threading.active_count()
    with Workers(3) as workers:
        workers.start(2)
        assert threading.active_count() == before + 2
        workers.start(9)
        assert threading.active_count() == before + 3
        with no_new_threads():
            assert workers.submit(lambda: "done").result(timeout=60) == "done"


def test_a_thread_that_cannot_be_started_is_an_error_before_anything_is_sent() -> None:
    changes = make_plan(
        [declared(name, description="x") for name in "abc"], [live(name) for name in "abc"]
    ).changes
    script, workers = Script(), Workers(3)
    workers.start(1)
    with Writer(connect(script)) as writer, no_new_threads():
        executor = Executor(writer, KINDS, workers, threading.Event())
        with pytest.raises(ConfigurationError, match=NO_THREAD):
            executor.execute(changes)
    assert script.requests == []


def test_a_monitor_without_a_thread_leaves_its_port_free() -> None:
    with (
        no_new_threads(),
        pytest.raises(ConfigurationError, match=NO_THREAD),
        serve("127.0.0.1", 0, {}, FakeClock()),
    ):
        raise AssertionError("nothing is served")


def test_work_not_started_when_the_context_exits_is_cancelled() -> None:
    began, go = threading.Event(), threading.Event()

    def work() -> bool:
        began.set()
        return go.wait(60)

    with Workers(1) as workers:
        first, second = workers.submit(work), workers.submit(go.is_set)
        assert began.wait(60)
    go.set()
    assert first.result(timeout=60)
    with pytest.raises(CancelledError):
        second.result(timeout=60)


def test_an_error_is_raised_where_the_result_is_requested() -> None:
    with Workers(1) as workers:
        failing = workers.submit(lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            failing.result(timeout=60)


def test_threads_end_when_their_context_exits() -> None:
    before = threading.active_count()
    workers = Workers(2)
    workers.start(2)
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("worker-")][-2:]
    del workers
    gc.collect()
    for thread in threads:
        thread.join(timeout=60)
    assert threading.active_count() <= before
