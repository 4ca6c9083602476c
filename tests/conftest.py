"""Servers and clocks for every room; a limit for each test; the same examples of properties on every run."""

from __future__ import annotations

import contextlib
import gc
import math
import os
import signal
from typing import TYPE_CHECKING, Final

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import settings

from tests import properties  # noqa: F401 - registers the profiles
from tests.loaded import loaded
from tests.scopes import api
from tests.support import NO_AUTHORITIES, FakeClock, emulate

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from types import FrameType

    from gcore_emulator import Emulator
    from tests.scopes import Api

settings.load_profile("suite")
# No test meets a server that these could vouch for, and to load those of this machine takes 20 ms each time.
for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):  # real counterparts are given them back
    os.environ.setdefault(f"MACHINE_{name}", os.environ.get(name, ""))  # noqa: TID251 - the machine of the tests
os.environ.pop("SSL_CERT_FILE", None)  # noqa: TID251 - the same
os.environ["SSL_CERT_DIR"] = NO_AUTHORITIES  # noqa: TID251 - the same
gc.disable()  # until all is collected: nothing of it is garbage

LIMIT: Final = 10.0
"""Seconds that a test may take."""
FIXTURES_LIMIT: Final = 60.0
"""Seconds that its fixtures may take to begin, and to end; some of them serve an entire module."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--limit", type=float, default=LIMIT, help="seconds that a test may take; 0: no limit")


@contextlib.contextmanager
def limited(name: str, seconds: float) -> Iterator[None]:
    """Fail what takes longer than ``seconds``, wherever the main thread is, each second until it ends."""

    def fail(_signal: int, _frame: FrameType | None) -> None:
        pytest.fail(f"{name} took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def pytest_xdist_auto_num_workers() -> int:
    """Return three workers for two processors: often, a test waits for a process or a timeout."""
    return math.ceil(1.5 * (os.cpu_count() or 1))


def pytest_collection_finish() -> None:
    """Exempt what was collected from garbage collection: it lives until the end.

    The rest is looked through more rarely than in a program: a test leaves little garbage.
    """
    gc.freeze()
    gc.set_threshold(10_000, 50)
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test in a worker that reports its result alone, not also that it began and ended well.

    Sending these takes as long as many a test.
    """
    if not hasattr(item.config, "workerinput"):
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    with limited(f"the set-up of {item.nodeid}", FIXTURES_LIMIT):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    with limited(item.nodeid, item.config.getoption("--limit")):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    with limited(f"the end of {item.nodeid}", FIXTURES_LIMIT):
        return (yield)


@pytest.fixture(scope="session")
def program() -> Iterator[Sequence[str]]:
    """What runs the command without its start."""
    with loaded("reconciler.service.metrics", "reconciler.service.pages") as forks:
        yield [*forks, "reconciler.__main__"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with emulate() as running:
        yield running


@pytest.fixture
def scopes() -> Iterator[Api]:
    """An API of many scopes, with one key each."""
    with api() as running:
        yield running
