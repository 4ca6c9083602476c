"""Threads, started in advance, and an interruptible wait for their results."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import Future, as_completed
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from reconciler.errors import ConfigurationError, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

T = TypeVar("T")
K = TypeVar("K")
_LONGEST_WAIT: Final = 0.2
_Tasks = SimpleQueue[tuple[Future[Any], "Callable[[], Any]"] | None]


class Workers:
    """Threads that run until the context ends, at most ``count`` of them.

    A service that started new ones in each cycle would use more and more memory. The executors of the
    standard library start a thread when work is submitted: a failure to start one would occur between two
    writes.
    """

    def __init__(self, count: int) -> None:
        """Store the count; no thread is started before there is work."""
        self.count = count
        self._tasks: _Tasks = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._finalizer = weakref.finalize(self, _end, self._tasks, self._threads)

    def __enter__(self) -> Self:
        """Return the workers."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all work without waiting: after Ctrl-C a read may hang until its time-out."""
        self._finalizer()

    def start(self, wanted: int) -> None:
        """Start ``wanted`` threads, at most the maximum, before the first of them is needed.

        Raises ConfigurationError if one cannot be started, or they have ended.
        """
        if not self._finalizer.alive:
            raise ConfigurationError("the client is closed; open another one")
        with self._lock:
            while len(self._threads) < min(wanted, self.count):
                serve = partial(_serve, self._tasks)  # holds no workers, which end with their user
                self._threads.append(start_thread(serve, f"worker-{len(self._threads) + 1}"))

    def submit(self, work: Callable[..., T], *arguments: object) -> Future[T]:
        """Call ``work`` as soon as a thread is free, and return the future of its result."""
        self.start(1)
        future: Future[T] = Future()
        self._tasks.put((future, partial(work, *arguments)))
        return future


def start_thread(work: Callable[[], None], name: str) -> threading.Thread:
    """Start a daemon thread. Raises ConfigurationError if it cannot be started."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        message = f"the thread {name} cannot be started ({error}): nothing more is sent"
        advice = "lower --parallelism, or raise the limits of processes and memory"
        raise ConfigurationError(f"{message}; {advice}") from error
    return thread


def _serve(tasks: _Tasks) -> None:
    while (task := tasks.get()) is not None:
        future, work = task
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
                future.set_exception(error)
        del task, future, work  # what they hold is not kept until the next one comes


def _end(tasks: _Tasks, threads: list[threading.Thread]) -> None:
    """Cancel the work that has not started, and end each thread after its present work."""
    while True:
        try:
            task = tasks.get_nowait()
        except Empty:
            break
        if task is not None:
            task[0].cancel()
            task[0].set_running_or_notify_cancel()
    for _ in threads:
        tasks.put(None)


def completed(futures: Iterable[Future[T]]) -> Iterator[Future[T]]:
    """Yield each of ``futures`` when it is done, in an interruptible wait.

    Python runs a signal's handler in the main thread. A signal that arrives just before that thread begins to
    wait is handled only when the wait ends, so waits are short.
    """
    pending = set(futures)
    while pending:
        try:
            for future in as_completed(pending, timeout=_LONGEST_WAIT):
                pending.discard(future)
                yield future
        except TimeoutError:
            pass


def settled(
    futures: Mapping[Future[T], K],
    on_each: Callable[[], object],
    on_failure: Callable[[K], object],
) -> tuple[list[T], dict[K, ReconcilerError]]:
    """Wait for ``futures``, each with a name; return the results, and the errors by name.

    ``on_each`` is called after each, ``on_failure`` with the name of a failed one.
    """
    results: list[T] = []
    failures: dict[K, ReconcilerError] = {}
    try:
        for future in completed(futures):
            if future.cancelled():
                continue
            try:
                results.append(future.result())
            except ReconcilerError as error:
                failures[futures[future]] = error
                on_failure(futures[future])
            on_each()
    finally:
        cancel(futures)  # after Ctrl-C; all have ended otherwise
    return results, failures


def cancel(futures: Iterable[Future[Any]]) -> None:
    """Cancel the work that has not started."""
    for future in futures:
        future.cancel()
