"""Waiting for threads, without turning a deaf ear to signals."""

from __future__ import annotations

from concurrent.futures import as_completed
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

T = TypeVar("T")
_LONGEST_WAIT: Final = 0.2


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
