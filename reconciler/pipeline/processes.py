"""Workers in processes of this machine: started once, and all replaced if one of them ends.

They are forked by a server process without threads (forkserver): to fork a process that has threads, as a
drift service does, may deadlock.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import connection
from typing import TYPE_CHECKING, Final, Self, TypeVar

from reconciler.api import fork_server
from reconciler.api.surroundings import Surroundings, Threads
from reconciler.errors import ConfigurationError, StoppedError, SystemFailureError, os_reason
from reconciler.model.frozen import dataclass
from reconciler.pipeline.worker import Comparer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from ctypes import c_double
    from multiprocessing.sharedctypes import Synchronized
    from multiprocessing.synchronize import BoundedSemaphore

    from reconciler.api.exchange import Exchange
    from reconciler.model.clock import Clock
    from reconciler.model.desired import DesiredScope
    from reconciler.pipeline.worker import Examined

T = TypeVar("T")
_LONGEST_WAIT: Final = 0.2
_FIRST: Final = "MainProcess"
"""What Python calls a process that no other has started."""


@dataclass(frozen=True, slots=True)
class ProcessGate:
    """The gate of the processes of one machine, which share a monotonic clock."""

    room: BoundedSemaphore
    until: Synchronized[float]
    clock: Clock

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
        """Delay all requests for ``seconds``."""
        with self.until.get_lock():
            self.until.value = max(self.until.value, self.clock.monotonic() + seconds)

    def pause_left(self) -> float:
        """Return the seconds until a request may start."""
        return self.until.value - self.clock.monotonic()


class _Call(partial[T]):
    """A call with a future; once that is cancelled, an empty call is sent to a process instead.

    A future of the executor is not cancelled: if a process ended then, a thread of the executor would fail in
    some versions of Python, with a traceback.
    """

    def __init__(self, *_: object) -> None:
        self.future = Future[T]()

    def follow(self, done: Future[T]) -> None:
        """Complete the future like that of the executor."""
        if done.cancelled():
            self.future.cancel()
        if self.future.set_running_or_notify_cancel():
            # An error that was raised here would hold what the executor has, its semaphores too.
            if error := done.exception():
                self.future.set_exception(error)
            else:
                self.future.set_result(done.result())

    def __reduce__(self) -> tuple[object, ...]:
        return partial, (_nothing,) if self.future.cancelled() else (self.func, *self.args)


class ProcessPool:
    """Processes of this machine; a context manager, which ends them."""

    def __init__(
        self,
        width: int,
        parallelism: Mapping[str, int],
        clock: Clock,
        on_life: Callable[[], object] = tuple,
        modules: Sequence[str] = (__name__,),
    ) -> None:
        """Store the number of processes, and the maximum number of concurrent requests to each API.

        Nothing is started before the first call. ``on_life`` is called while a call is waited for, and
        processes send requests. ``modules`` are imported once for all of them, and ``clock`` is sent to them.
        """
        self.width = width
        self._parallelism, self._on_life = dict(parallelism), on_life
        self._modules, self._clock = modules, clock
        self._context = multiprocessing.get_context("forkserver")
        self._pool: ProcessPoolExecutor | None = None
        self._run: connection.Connection | None = None
        self._gates: Mapping[str, ProcessGate] = {}
        self._last_sent: c_double | None = None
        self._seen = 0.0
        self._is_prepared = False

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        self.stop()

    @property
    def is_starting(self) -> bool:
        """Return whether the server that forks the processes was started, and they are not yet."""
        return self._is_prepared and self._pool is None

    def submit(self, function: Callable[..., T], *arguments: object) -> Future[T]:
        """Call ``function`` in the first free process.

        Raises BrokenExecutor if a process has ended, SystemFailureError if none can be started, and
        ConfigurationError in a process that is being started.
        """
        try:
            with _uninterrupted():
                if self._pool is None:
                    self._pool = self._started()
                call: _Call[T] = _Call(function, *arguments)
                self._pool.submit(call).add_done_callback(call.follow)
                return call.future
        except BrokenExecutor:
            raise
        except (OSError, EOFError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and multiprocessing.current_process().name != _FIRST:
                raise ConfigurationError(
                    "a process that imports the program cannot open others; move the code that opens them "
                    'below if __name__ == "__main__":'
                ) from error
            raise SystemFailureError(
                f"no process can be started ({os_reason(error)}): it needs room in the folder for temporary"
                " files, in /dev/shm and for one more process; --processes 1 needs none"
            ) from error

    def prepare(self) -> None:
        """Start the server that forks the processes, which takes a while, in the background."""
        self._is_prepared = True
        with suppress(OSError), _uninterrupted():  # the first call tells
            fork_server.ensure_running(self._modules)

    def start(self) -> None:
        """Start a process. Raises SystemFailureError if that is not possible."""
        self.submit(_nothing)

    def check(self) -> None:
        """Call ``on_life``, if a process has sent a request since."""
        if self._last_sent is not None and self._last_sent.value != self._seen:
            self._seen = self._last_sent.value
            self._on_life()

    def compare(self, task: bytes, scopes: Sequence[DesiredScope]) -> Future[Examined]:
        """Compare scopes in the first free process, like :meth:`submit`."""
        return self.submit(_compare, task, scopes)

    def renew(self) -> None:
        """End the other processes if one has ended; the next call starts new ones."""
        try:
            self.start()
        except BrokenExecutor:
            self.stop()

    def stop(self) -> None:
        """End the processes: requests in flight are abandoned, and unstarted work is cancelled."""
        if self._run is not None:
            self._run.close()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = self._run = None

    def _started(self) -> ProcessPoolExecutor:
        context = self._context
        fork_server.ensure_running(self._modules)
        over, self._run = context.Pipe(duplex=False)
        # A process that is killed gives its slot back to nobody, so new processes have new gates, with the
        # pauses of the old ones.
        self._gates = {
            api: ProcessGate(
                context.BoundedSemaphore(count), context.Value("d", self._pause_end(api)), self._clock
            )
            for api, count in self._parallelism.items()
        }
        self._last_sent = context.RawValue("d", 0.0)  # without a lock, which a killed process would hold
        return ProcessPoolExecutor(
            self.width, context, _begin, (over, self.width, self._gates, self._last_sent, self._clock)
        )

    def _pause_end(self, api: str) -> float:
        """Return the end of the pause of an API among the processes so far."""
        # Without the lock, which a killed process may hold.
        return self._gates[api].until.get_obj().value if api in self._gates else 0.0


_COMPARERS: list[Comparer] = []


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Block stop signals until a process has started completely: the run does not wait for it later."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no handler is called in another thread
        return
    came: list[int] = []
    numbers = [one for one in (signal.SIGINT, signal.SIGTERM) if callable(signal.getsignal(one))]
    before = {one: signal.signal(one, lambda number, _frame: came.append(number)) for one in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in dict.fromkeys(came):
            signal.raise_signal(late)


def _begin(
    over: connection.Connection,
    width: int,
    gates: Mapping[str, ProcessGate],
    last_sent: c_double,
    clock: Clock,
) -> None:
    """Prepare one of ``width`` processes. It ignores Ctrl-C, which the process that started it handles.

    ``last_sent`` is the time of the last request of any of them. The other end of ``over`` is closed when the
    work is to end, also by the end of that process. Events and conditions shared by processes would wait for
    ever for one that was killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop = threading.Event()
    threading.Thread(target=_end_after, args=(over, stop), daemon=True).start()

    def follow(_exchange: Exchange) -> None:
        last_sent.value = clock.monotonic()

    threads = Threads(width)
    surroundings = Surroundings(f"process {os.getpid()}", stop, gates.get, follow, threads=threads)
    _COMPARERS[:] = [Comparer(surroundings)]
    gc.freeze()


def _nothing() -> None:
    """Do nothing; called to test whether a call is possible."""


def _end_after(over: connection.Connection, stop: threading.Event) -> None:
    """End this process soon after the run, even during a read that hangs until its time-out."""
    connection.wait([over])
    stop.set()
    threading.Event().wait(_LONGEST_WAIT)
    os._exit(1)


def _compare(task: bytes, scopes: Sequence[DesiredScope]) -> Examined:
    """Compare scopes in this worker."""
    return _COMPARERS[0].examine(task, scopes)
