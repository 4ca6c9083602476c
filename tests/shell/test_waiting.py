"""Waiting for threads, without turning a deaf ear to signals."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

from reconciler.waiting import completed


def test_each_piece_of_work_is_given_once_it_is_done() -> None:
    slow = threading.Event()
    given = []
    with ThreadPoolExecutor(2) as pool:
        futures = {pool.submit(slow.wait, 20): "slow", pool.submit(slow.is_set): "quick"}
        for future in completed(futures):
            given.append(futures[future])
            slow.set()
    assert given == ["quick", "slow"]


def test_nothing_is_waited_for_if_there_is_nothing() -> None:
    assert list(completed([])) == []


def test_a_signal_that_interrupts_no_wait_is_heard_all_the_same() -> None:
    heard = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: heard.set())

    def work() -> bool:
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)  # leaves the main thread in its wait
        return heard.wait(timeout=20)

    try:
        with ThreadPoolExecutor(1) as pool:
            assert [future.result() for future in completed([pool.submit(work)])] == [True]
    finally:
        signal.signal(signal.SIGUSR1, before)
