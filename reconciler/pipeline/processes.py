"""Workers in processes of this machine: started once, and all replaced if one of them ends.

They are made by a server process without threads (forkserver): to fork a process that has threads, as a
drift service does, may deadlock.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection
from typing import TYPE_CHECKING, Final, Self, TypeVar

from reconciler.errors import StoppedError
from reconciler.pipeline.worker import Comparer, Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from multiprocessing.sharedctypes import Synchronized
    from multiprocessing.synchronize import BoundedSemaphore

    from reconciler.model.desired import DesiredScope
    from reconciler.pipeline.worker import Examined

T = TypeVar("T")
_LONGEST_WAIT: Final = 0.2


@dataclass(frozen=True, slots=True)
class ProcessGate:
    """The gate of the processes of one machine, which share a monotonic clock."""

    room: BoundedSemaphore
    until: Synchronized[float]

    @contextmanager
    def slot(self, stop: threading.Event) -> Iterator[None]:
        """Wait until fewer requests are in flight than allowed. Raises StoppedError."""
        while not self.room.acquire(timeout=_LONGEST_WAIT):
            if stop.is_set():
                raise StoppedError("interrupted before it was sent")
        try:
            yield
        finally:
            self.room.release()

    def pause(self, seconds: float) -> None:
        """Let no request begin for ``seconds``."""
        with self.until.get_lock():
            self.until.value = max(self.until.value, time.monotonic() + seconds)

    def pause_left(self) -> float:
        """Return the seconds until a request may begin."""
        return self.until.value - time.monotonic()


class ProcessPool:
    """Processes of this machine; a context manager, which ends them."""

    def __init__(self, width: int, parallelism: Mapping[str, int]) -> None:
        """Store how many processes there are to be, and how many requests may be in flight to each API.

        Nothing is started before the first call.
        """
        self.width = width
        self._parallelism = dict(parallelism)
        self._context = multiprocessing.get_context("forkserver")
        self._pool: ProcessPoolExecutor | None = None
        self._run: connection.Connection | None = None

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        self.stop()

    def submit(self, function: Callable[..., T], *arguments: object) -> Future[T]:
        """Call ``function`` in the first process that is free. Raises BrokenExecutor if one has ended."""
        if self._pool is None:
            self._pool = self._started()
        return self._pool.submit(function, *arguments)

    def compare(self, task: bytes, scopes: Sequence[DesiredScope]) -> Future[Examined]:
        """Compare scopes in the first process that is free, like :meth:`submit`."""
        return self.submit(_compare, task, scopes)

    def check(self) -> None:
        """Do nothing: an executor notices by itself that a process has ended."""

    def renew(self) -> None:
        """End what is left of the processes; the next call starts others."""
        self.stop()

    def stop(self) -> None:
        """End the processes: requests in flight are given up, and what has not begun is cancelled."""
        if self._run is not None:
            self._run.close()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = self._run = None

    def _started(self) -> ProcessPoolExecutor:
        context = self._context
        context.set_forkserver_preload([__name__])
        over, self._run = context.Pipe(duplex=False)
        # A process that is killed gives its slot back to nobody, so new processes have new gates.
        gates = {
            api: ProcessGate(context.BoundedSemaphore(count), context.Value("d", 0.0))
            for api, count in self._parallelism.items()
        }
        return ProcessPoolExecutor(self.width, context, _begin, (over, gates))


_COMPARERS: list[Comparer] = []


def _begin(over: connection.Connection, gates: Mapping[str, ProcessGate]) -> None:
    """Prepare a process. Ctrl-C reaches it too, and is for the process that started it to handle.

    The other end of ``over`` is closed when the work is to end, also by the end of that process. What the
    processes share instead, events and conditions, waits for ever for one that was killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop = threading.Event()
    threading.Thread(target=_end_after, args=(over, stop), daemon=True).start()
    name = f"process {os.getpid()}"
    _COMPARERS[:] = [Comparer(Surroundings(name, stop, gates.get, lambda _exchange: None))]
    gc.freeze()


def _end_after(over: connection.Connection, stop: threading.Event) -> None:
    """End this process soon after the run, whatever it does then: a read may hang until its time-out."""
    connection.wait([over])
    stop.set()
    threading.Event().wait(_LONGEST_WAIT)
    os._exit(1)


def _compare(task: bytes, scopes: Sequence[DesiredScope]) -> Examined:
    """Compare scopes in this worker."""
    return _COMPARERS[0].examine(task, scopes)
