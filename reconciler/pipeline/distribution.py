"""The work of a plan in the processes of a pool, in steps that are repeated if a process ends."""

from __future__ import annotations

import pickle
from collections import deque
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from reconciler.errors import StoppedError, SystemFailureError
from reconciler.pipeline.execution import IN_PROCESS
from reconciler.pipeline.reading import Failing, opened
from reconciler.pipeline.worker import Task, check_files

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.api.client import Sessions
    from reconciler.errors import ReconcilerError
    from reconciler.kinds.kind import Kind
    from reconciler.load.files import Input
    from reconciler.model.desired import DesiredScope, DesiredState
    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.pipeline.reading import Comparison, Reading
    from reconciler.pipeline.worker import Connect, Examined
    from reconciler.validate.parts import Part
    from reconciler.validate.validator import Rules

T = TypeVar("T")
_LONGEST_WAIT: Final = 0.2
_FILE_BYTES: Final = 1 << 19
"""Bytes of files that are worth a step: 35 ms of work, for the 7 ms that a step costs a cluster."""
_OPENED: Final = 1 << 11
"""How many bytes take as long as opening a file: those of many small ones would be read ahead for long."""
_AHEAD: Final = 1 << 23
"""Bytes of files that are read before their step begins, at most."""
_MOST_FILES: Final = 200
_SMALLEST: Final = 32
"""The smallest step compares this part of what each worker compares."""
_REQUEST: Final = 300
"""How many keys cost as much as the request of their scope."""
_MOST_SCOPES: Final = 50
_TRIES: Final = 4
"""How often a step is begun whose worker ends before it does."""


class Pool(Protocol):
    """Processes that calls are sent to."""

    @property
    def width(self) -> int:
        """Return how many calls run at once."""
        ...

    @property
    def is_starting(self) -> bool:
        """Return whether a call would wait for the processes to start."""
        ...

    def submit(self, function: Callable[..., T], *arguments: object) -> Future[T]:
        """Call ``function`` in any process. Raises BrokenExecutor if the pool has failed."""
        ...

    def compare(self, task: bytes, scopes: Sequence[DesiredScope]) -> Future[Examined]:
        """Compare scopes in any process, by a pickled :class:`Task`. Raises the errors of :meth:`submit`."""
        ...

    def check(self) -> None:
        """Do periodic work while a call is waited for. Raises SystemFailureError."""
        ...

    def renew(self) -> None:
        """Replace failed parts of the pool."""
        ...


class Distributed:
    """An executor over a pool of processes; a step whose worker ends is repeated by another.

    A run that fails, or is stopped, cancels the steps that have not started; the owner of the pool ends the
    rest.
    """

    def __init__(self, pool: Pool, connect: Connect) -> None:
        """Store the pool, and the function that opens the APIs in a worker."""
        self._pool, self._connect = pool, connect

    def check(self, rules: Rules, files: Iterable[Input]) -> Iterator[Part]:
        """Return the part of each file, in order; few files are in memory at a time."""
        known = iter(files)
        first = next(known, None)
        if first is None:
            return  # nothing is asked of the pool, such as in a round over unchanged files
        width = self._pool.width
        parts = _parts_of_files(chain([first], known), width)
        if self._pool.is_starting:
            yield from IN_PROCESS.check(rules, next(parts))
        content = pickle.dumps(rules)
        steps = (_Step(self._pool, self._pool.submit, check_files, content, part) for part in parts)
        for checked in _results(steps, 3 * width):
            yield from checked

    def examine(
        self, client: Sessions, state: DesiredState, how: Comparison, reading: Reading
    ) -> tuple[list[Plan], dict[Scope, ReconcilerError]]:
        """Plan each scope on any worker; ``client`` records each request when its step is done."""
        task = pickle.dumps(Task(self._connect, how))
        by_api, failures = opened(client, state, how)
        at_once = max((client.session(api).workers.count for api in by_api), default=1)
        parts = [*_parts_of_scopes(chain.from_iterable(by_api.values()), self._pool.width, at_once)]
        plans: list[Plan] = []
        with reading(state) as on_scope, _ended(deque[_Step["Examined"]]()) as steps:
            steps.extend(_Step(self._pool, self._pool.compare, task, part) for part in parts)
            for part in parts:
                if how.failing is Failing.STOPS_API and not _is_wanted(part, how.kinds, failures):
                    steps.popleft().cancel()
                    continue
                found = steps[0].result(steps, client.stop)
                steps.popleft()
                plans += found.plans
                failures |= found.failures
                for exchange in found.exchanges:
                    client.session(exchange.api).connection.on_exchange(exchange)
                for _ in part:
                    on_scope()
        return plans, failures


class _Step(Generic[T]):
    """One call of a worker, which is repeated if the worker ends before it returns."""

    def __init__(self, pool: Pool, begin: Callable[..., Future[T]], *arguments: object) -> None:
        self._pool, self._begin, self._arguments = pool, begin, arguments
        self._future = self._begun()

    def cancel(self) -> None:
        """Cancel the step, if it has not started."""
        self._future.cancel()

    def result(self, begun: Iterable[_Step[T]], stop: threading.Event | None = None) -> T:
        """Wait for the result, interruptibly. Raises the error of the function, or SystemFailureError.

        If a worker has ended, all steps in ``begun`` are repeated; the second time this step alone, as the
        others may use the memory that it needs. Raises StoppedError once ``stop`` is set.
        """
        for attempt in range(_TRIES):
            try:
                return self._waited(stop)
            except BrokenExecutor:
                self._pool.renew()
                for step in begun if attempt == 0 else (self,):
                    step.begin_again()
        raise SystemFailureError(
            f"workers ended {_TRIES} times before their work did; check the available memory"
        )

    def begin_again(self) -> None:
        """Start the step again if the worker has ended."""
        if self._future.done() and isinstance(self._future.exception(), BrokenExecutor):
            self._future = self._begun()

    def _waited(self, stop: threading.Event | None) -> T:
        """Return the result; signals are handled during the wait."""
        while stop is None or not stop.is_set():
            try:
                return self._future.result(_LONGEST_WAIT)
            except TimeoutError:
                if self._future.done():
                    raise  # it is what the function raised
            self._pool.check()
        raise StoppedError("interrupted before every scope was read")

    def _begun(self) -> Future[T]:
        try:
            return self._begin(*self._arguments)
        except BrokenExecutor as error:
            future = Future[T]()
            future.set_exception(error)
            return future


def _results(steps: Iterable[_Step[T]], most: int) -> Iterator[T]:
    """Yield the results of steps in order, with at most ``most`` unfinished steps at a time."""
    with _ended(deque[_Step[T]]()) as begun:
        for step in steps:
            begun.append(step)
            if len(begun) >= most:
                yield begun[0].result(begun)
                begun.popleft()
        while begun:
            yield begun[0].result(begun)
            begun.popleft()


def _parts_of_files(files: Iterable[Input], width: int) -> Iterator[tuple[Input, ...]]:
    """Yield files in order, in the parts that steps check.

    More and more files are read ahead, up to :data:`_AHEAD`, so that the first step begins at once, and the
    last ones are known to be the last.
    """
    ahead: _Ahead[Input] = _Ahead(lambda file: len(file.content) + _OPENED, _MOST_FILES)
    rest, read = iter(files), 0
    while True:
        wanted = min(max(2 * (read - ahead.size), _FILE_BYTES), _AHEAD)
        while ahead.size < wanted and (file := next(rest, None)) is not None:
            read += ahead.add(file)
        if not ahead:
            return
        yield ahead.part(width, _FILE_BYTES)


def _parts_of_scopes(
    scopes: Iterable[DesiredScope], width: int, at_once: int
) -> Iterator[tuple[DesiredScope, ...]]:
    """Yield scopes in order, in the parts that steps compare.

    A step has its worker's share of the ``at_once`` concurrent requests at least: it waits for the slowest.
    """
    ahead: _Ahead[DesiredScope] = _Ahead(lambda scope: len(scope.keys) + _REQUEST, _MOST_SCOPES)
    for scope in scopes:
        ahead.add(scope)
    least = ahead.size // (_SMALLEST * width)
    while ahead:
        yield ahead.part(width, least, -(-at_once // width))


class _Ahead(Generic[T]):
    """What is known of the remaining items, from which parts are taken; false when nothing remains.

    A part is half of what each worker would have of the rest, so that there are few steps, and the last ones
    are small: no worker waits long for another (guided self-scheduling; Polychronopoulos and Kuck, 1987).
    """

    def __init__(self, size_of: Callable[[T], int], most: int) -> None:
        """Store how items are measured, and the largest number of them in a part."""
        self.size = 0
        self._size_of, self._most = size_of, most
        self._items = deque[T]()

    def __bool__(self) -> bool:
        """Return whether anything remains."""
        return bool(self._items)

    def add(self, item: T) -> int:
        """Append an item, and return its size."""
        self._items.append(item)
        self.size += (size := self._size_of(item))
        return size

    def part(self, width: int, least: int, fewest: int = 1) -> tuple[T, ...]:
        """Remove and return the next part for one of ``width`` workers.

        It has a size of at least ``least``, and ``fewest`` items, as far as there are so many.
        """
        rest = self.size - max(self.size // (2 * width), least)
        part: list[T] = []
        while (
            self._items and len(part) < max(self._most, fewest) and (self.size > rest or len(part) < fewest)
        ):
            part.append(self._items.popleft())
            self.size -= self._size_of(part[-1])
        return tuple(part)


def _is_wanted(
    part: Sequence[DesiredScope], kinds: Mapping[str, Kind], failures: Mapping[Scope, ReconcilerError]
) -> bool:
    """Return whether a part has scopes of an API without failures so far."""
    failed = {kinds[scope.kind].api for scope in failures}
    return any(kinds[one.scope.kind].api not in failed for one in part)


@contextmanager
def _ended(steps: deque[_Step[T]]) -> Iterator[deque[_Step[T]]]:
    """Cancel the remaining steps: after Ctrl-C, or an error."""
    try:
        yield steps
    finally:
        for step in steps:
            step.cancel()
