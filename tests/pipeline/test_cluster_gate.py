"""A worker of a cluster holds on to its share of the requests in flight, and never to more for long."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import StoppedError
from reconciler.model.system import SystemClock, SystemRandomness
from reconciler.pipeline.cluster_gate import ClusterGate
from tests.support import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.model.clock import Clock

NEVER = threading.Event()
"""What is never set: it stops nothing, and what waits for it waits for a time."""
LONG = 10.0


class Scheduler:
    """The leases of all workers."""

    def __init__(self, limit: int) -> None:
        self.limit, self.taken = limit, 0
        self.changed = threading.Condition()
        self.pause = ("", 0.0)

    def take(self, timeout: float) -> bool:
        with self.changed:
            is_free = self.changed.wait_for(lambda: self.taken < self.limit, timeout)
            self.taken += is_free
            return is_free

    def give(self) -> None:
        with self.changed:
            assert self.taken > 0
            self.taken -= 1
            self.changed.notify_all()

    def are_left(self, count: int) -> bool:
        """Return whether so many leases are taken after a while."""
        with self.changed:
            return self.changed.wait_for(lambda: self.taken == count, LONG)


class Leases:
    """What one worker knows of them, and how often it asked."""

    def __init__(self, scheduler: Scheduler, share: int) -> None:
        self.scheduler, self._share = scheduler, share
        self.asked = 0

    def acquire(self, timeout: float) -> bool:
        self.asked += 1
        return self.scheduler.take(timeout)

    def release(self) -> None:
        self.scheduler.give()

    def share(self) -> int:
        return self._share

    def paused(self) -> tuple[str, float]:
        return self.scheduler.pause

    def publish(self, name: str, seconds: float) -> None:
        self.scheduler.pause = (name, seconds)


@pytest.fixture
def make() -> Iterator[Callable[..., ClusterGate]]:
    """Return what makes a gate, which holds no lease after the test."""
    made: list[ClusterGate] = []

    def gate(leases: Leases, clock: Clock | None = None) -> ClusterGate:
        made.append(ClusterGate(leases, clock or SystemClock(), SystemRandomness()))
        return made[-1]

    yield gate
    for one in made:
        one.return_idle()


@pytest.mark.parametrize(("limit", "share"), [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_workers_never_send_more_than_allowed_and_all_is_sent(
    make: Callable[..., ClusterGate], limit: int, share: int
) -> None:
    scheduler = Scheduler(limit)
    gates = [make(Leases(scheduler, share)) for _ in range(2)]
    lock, busy, most = threading.Lock(), 0, 0

    def send(gate: ClusterGate) -> None:
        nonlocal busy, most
        with gate.slot(NEVER):
            with lock:
                busy += 1
                most = max(most, busy)
            NEVER.wait(0.001)
            with lock:
                busy -= 1

    with ThreadPoolExecutor(8) as threads:
        sent = [threads.submit(send, gate) for _ in range(40) for gate in gates]
    for future in sent:
        future.result()
    assert 0 < most <= limit
    assert scheduler.are_left(0)


def test_requests_that_follow_each_other_ask_the_scheduler_once(make: Callable[..., ClusterGate]) -> None:
    leases = Leases(Scheduler(2), 1)
    gate = make(leases, FakeClock())
    for _ in range(100):
        with gate.slot(NEVER):
            assert leases.scheduler.taken == 1
    assert leases.asked == 1


def test_a_lease_beyond_the_share_is_used_where_others_leave_it_and_returned_at_once(
    make: Callable[..., ClusterGate],
) -> None:
    leases = Leases(Scheduler(3), 1)
    gate = make(leases, FakeClock())
    with gate.slot(NEVER), gate.slot(NEVER):
        assert leases.scheduler.taken == 2
    assert leases.scheduler.taken == 1


def test_a_lease_is_returned_after_a_while_for_workers_that_have_come_since(
    make: Callable[..., ClusterGate],
) -> None:
    clock, leases = FakeClock(), Leases(Scheduler(1), 1)
    gate = make(leases, clock)
    with gate.slot(NEVER):
        clock.elapsed += 4
    assert leases.scheduler.taken == 0


def test_a_worker_without_requests_returns_its_leases(make: Callable[..., ClusterGate]) -> None:
    leases = Leases(Scheduler(2), 2)
    gate = make(leases)
    with ExitStack() as stack:
        stack.enter_context(gate.slot(NEVER))
        stack.enter_context(gate.slot(NEVER))
    assert leases.scheduler.taken == 2
    assert leases.scheduler.are_left(0)


def test_a_lease_in_use_is_not_returned_by_the_end_of_a_run(make: Callable[..., ClusterGate]) -> None:
    leases = Leases(Scheduler(2), 2)
    gate = make(leases, FakeClock())
    with gate.slot(NEVER):
        with gate.slot(NEVER):
            pass
        gate.return_idle()
        assert leases.scheduler.taken == 1


def test_what_waits_for_a_lease_is_stopped(make: Callable[..., ClusterGate]) -> None:
    stop = threading.Event()
    leases = Leases(Scheduler(1), 1)
    gate = make(leases, FakeClock())
    with gate.slot(stop):
        stop.set()
        with pytest.raises(StoppedError), gate.slot(stop):
            pass
    assert leases.scheduler.taken == 1


def test_a_pause_holds_from_when_it_is_known_and_only_once(make: Callable[..., ClusterGate]) -> None:
    clock, leases = FakeClock(), Leases(Scheduler(1), 1)
    gate = make(leases, clock)
    assert gate.pause_left() <= 0
    gate.learn("a", 5.0)
    assert gate.pause_left() == 5
    clock.elapsed += 2
    gate.learn("b", 1.0)
    gate.learn("a", 5.0)
    assert gate.pause_left() == 3


def test_a_pause_is_published_once_it_holds(make: Callable[..., ClusterGate]) -> None:
    leases = Leases(Scheduler(1), 1)
    gate = make(leases, FakeClock())
    gate.pause(0.0)
    assert leases.scheduler.pause == ("", 0.0)
    gate.pause(7.0)
    assert (gate.pause_left(), leases.scheduler.pause[1]) == (7, 7.0)


def test_with_a_lease_of_the_scheduler_comes_the_pause_that_others_were_asked_for(
    make: Callable[..., ClusterGate],
) -> None:
    leases = Leases(Scheduler(1), 1)
    gate = make(leases, FakeClock())
    leases.scheduler.pause = ("a", 4.0)
    with gate.slot(NEVER):
        assert gate.pause_left() == 4


def test_a_lease_is_not_lost_where_the_pause_cannot_be_asked_for(make: Callable[..., ClusterGate]) -> None:
    class Silent(Leases):
        def paused(self) -> tuple[str, float]:
            raise TimeoutError

    leases = Silent(Scheduler(1), 1)
    gate = make(leases)
    with pytest.raises(TimeoutError), gate.slot(NEVER):
        pass
    assert leases.scheduler.are_left(0)
