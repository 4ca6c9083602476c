"""Waiting for threads, without turning a deaf ear to signals."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Final, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from types import TracebackType

T = TypeVar("T")
_LONGEST_WAIT: Final = 0.2


class Workers:
    """Threads that are kept until the context ends, at most ``count`` of them.

    A service that started new ones in each round would grow: what threads leave behind is scattered.
    """

    def __init__(self, count: int) -> None:
        """Start no thread before there is work."""
        self.count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="worker")

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
        self._pool.shutdown(wait=False, cancel_futures=True)

    def submit(self, work: Callable[..., T], *arguments: object) -> Future[T]:
        """Have ``work`` done as soon as a thread is free."""
        return self._pool.submit(work, *arguments)


def completed(futures: Iterable[Future[T]]) -> Iterator[Future[T]]:
    """Give each of ``futures`` once it is done.

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
