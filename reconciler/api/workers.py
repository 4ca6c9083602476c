"""Threads, started before they are needed, and waiting for them without missing a signal."""

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
    from types import TracebackType

T = TypeVar("T")
K = TypeVar("K")
_LONGEST_WAIT: Final = 0.2


class _Task:
    """One piece of work, and where its result goes."""

    def __init__(self, work: Callable[[], Any], future: Future[Any]) -> None:
        self._work = work
        self._future = future

    def run(self) -> None:
        if not self._future.set_running_or_notify_cancel():
            return
        try:
            result = self._work()
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            self._future.set_exception(error)
        else:
            self._future.set_result(result)

    def cancel(self) -> None:
        self._future.cancel()
        self._future.set_running_or_notify_cancel()


_Tasks = SimpleQueue[_Task | None]


class Workers:
    """Threads that are kept until the context ends, at most ``count`` of them.

    A service that started new ones in each round would grow: what threads leave behind is scattered. The
    executors of the standard library start a thread when work comes: then one that cannot be started is
    found out between two writes.
    """

    def __init__(self, count: int) -> None:
        """Start no thread before there is work."""
        self.count = count
        self._tasks: _Tasks = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._finalizer = weakref.finalize(self, _end, self._tasks, self._threads)

    def __enter__(self) -> Self:
        """Begin to work."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Begin nothing more. Nobody waits: after Ctrl-C a read may still hang until its time-out."""
        self._finalizer()

    def start(self, wanted: int) -> None:
        """Have ``wanted`` threads ready, or as many as there may be, before the first of them is needed.

        Raises ConfigurationError if one cannot be started.
        """
        with self._lock:
            while len(self._threads) < min(wanted, self.count):
                # It must not hold these workers, which end with whoever uses them.
                serve = partial(_serve, self._tasks)
                self._threads.append(start_thread(serve, f"worker-{len(self._threads) + 1}"))

    def submit(self, work: Callable[..., T], *arguments: object) -> Future[T]:
        """Have ``work`` done as soon as a thread is free."""
        self.start(1)
        future: Future[T] = Future()
        self._tasks.put(_Task(lambda: work(*arguments), future))
        return future


def start_thread(work: Callable[[], None], name: str) -> threading.Thread:
    """Start a thread that keeps no process from ending. Raises ConfigurationError if it cannot be started."""
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
        task.run()
        del task  # what it holds is not kept until the next one comes


def _end(tasks: _Tasks, threads: list[threading.Thread]) -> None:
    """Drop the work that has not begun, and let each thread end after its own."""
    while True:
        try:
            task = tasks.get_nowait()
        except Empty:
            break
        if task is not None:
            task.cancel()
    for _ in threads:
        tasks.put(None)


def completed(futures: Iterable[Future[T]]) -> Iterator[Future[T]]:
    """Return each of ``futures`` once it is done.

    Python runs a signal's handler between two steps of the main thread. A signal that comes just
    before that thread begins to wait is not heard before the wait ends, so no wait is long.
    """
    waiting = set(futures)
    while waiting:
        try:
            for future in as_completed(waiting, timeout=_LONGEST_WAIT):
                waiting.discard(future)
                yield future
        except TimeoutError:
            pass


def settled(
    futures: Mapping[Future[T], K],
    on_each: Callable[[], object],
    on_failure: Callable[[Iterable[Future[T]]], None],
) -> tuple[list[T], dict[K, ReconcilerError]]:
    """Wait for ``futures``, each with the name of its work; return the results, and the errors by name.

    ``on_each`` is called after each, ``on_failure`` with all futures when one has failed: :func:`cancel`
    drops what has not started, :func:`go_on` does not.
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
                on_failure(futures)
            on_each()
    finally:
        cancel(futures)  # after Ctrl-C; all have ended otherwise
    return results, failures


def cancel(futures: Iterable[Future[Any]]) -> None:
    """Drop the work that has not started."""
    for future in futures:
        future.cancel()


def go_on(_futures: Iterable[Future[Any]]) -> None:
    """Do nothing: the other work goes on."""
