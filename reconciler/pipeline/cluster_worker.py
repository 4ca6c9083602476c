"""The work of a Dask worker for a run, and the limit of requests that all workers share."""

from __future__ import annotations

import hashlib
import platform
import threading
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

import distributed

from reconciler.api.surroundings import Surroundings
from reconciler.errors import ConfigurationError, StoppedError
from reconciler.kinds.packaged import schema_texts
from reconciler.model.clock import SYSTEM_CLOCK
from reconciler.model.frozen import dataclass
from reconciler.model.randomness import unique
from reconciler.model.version import __version__
from reconciler.pipeline.worker import Comparer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.model.clock import Clock
    from reconciler.model.desired import DesiredScope
    from reconciler.pipeline.worker import Examined

    Facts = tuple[tuple[str, str], ...]

T = TypeVar("T")
_LONGEST_WAIT: Final = 0.2
_LONGEST_READ: Final = 30.0
_LOOK: Final = 2.0
"""Seconds between two looks at whether the run lives."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the workers of one run share; ``parallelism`` is that of each API."""

    name: str
    parallelism: Mapping[str, int]

    @property
    def limits(self) -> tuple[tuple[str, int], ...]:
        """Return the maximum number of concurrent requests to each API, by the name of its semaphore."""
        return tuple((self.of(api), count) for api, count in self.parallelism.items())

    @property
    def life(self) -> str:
        """Return the name of the semaphore that the run holds until it ends."""
        return f"{self.name}-life"

    def of(self, api: str) -> str:
        """Return the name of the semaphore for an API."""
        return f"{self.name}-{api}"


@cache
def facts() -> Facts:
    """Return the versions that must be the same on all machines."""
    digest = hashlib.sha256()
    for name, text in sorted(schema_texts().items()):
        digest.update(f"{name}\0{text}\0".encode())
    return (
        ("reconciler", __version__),
        ("kinds and schemas", f"sha256:{digest.hexdigest()[:12]}"),
        ("Python", ".".join(platform.python_version_tuple()[:2])),
    )


def difference(place: str, theirs: Facts, ours: Facts) -> str:
    """Return the versions of a worker that differ; empty if none."""
    found = dict(theirs)
    others = [(name, found.get(name, "nothing"), own) for name, own in ours if found.get(name) != own]
    return ", ".join(f"{name}: {place} has {there}, this run {here}" for name, there, here in others)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the threads of one worker share in one run."""

    stop: threading.Event
    gates: Mapping[str, ClusterGate]


class ClusterGate:
    """The gate of all workers: the scheduler counts requests, and holds the pause that an API asked for.

    A pause has a name and a length, not an end: the clocks of machines differ.
    """

    def __init__(
        self,
        name: str,
        room: distributed.Semaphore,
        client: distributed.Client,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Store the semaphore of concurrent requests, and create the variable of the pause."""
        self._room, self._clock = room, clock
        self._pause = distributed.Variable(f"{name}-pause", client=client)
        self._lock = threading.Lock()
        self._known = ""
        self._until = 0.0

    @contextmanager
    def slot(self, stop: threading.Event) -> Iterator[None]:
        """Wait until fewer requests are in flight than allowed. Raises StoppedError."""
        while not self._room.acquire(timeout=_LONGEST_WAIT):
            if stop.is_set():
                raise StoppedError("interrupted before it was sent")
        try:
            yield
        finally:
            self._room.release()

    def pause(self, seconds: float) -> None:
        """Delay all requests for ``seconds``."""
        if seconds > 0:
            self._pause.set([unique(), seconds])
            self.pause_left()

    def pause_left(self) -> float:
        """Return the seconds until a request may start."""
        name, seconds = self._pause.get(timeout=_LONGEST_READ)
        with self._lock:
            if name != self._known:
                self._known = name
                self._until = max(self._until, self._clock.monotonic() + seconds)
            return self._until - self._clock.monotonic()


_LOCK: Final = threading.Lock()
_RUNS: Final[dict[str, _Shared]] = {}
_OWN: Final = threading.local()
"""The comparer of this thread: a worker may run several calls at once."""


def call(ours: Facts, function: Callable[..., T], *arguments: object) -> T:
    """Call ``function`` on this worker, which may have started after the run.

    Raises ConfigurationError if it has another version.
    """
    place = distributed.get_worker().address
    if text := difference(f"the worker {place}", facts(), ours):
        raise ConfigurationError(f"{text}; install the same on all workers")
    return function(*arguments)


def compare(run: Run, task: bytes, scopes: Sequence[DesiredScope]) -> Examined:
    """Compare scopes on this worker."""
    if getattr(_OWN, "run", None) != run.name:
        shared, place = _shared(run), distributed.get_worker().address
        _OWN.comparer = Comparer(Surroundings(place, shared.stop, shared.gates.get, lambda _exchange: None))
        _OWN.run = run.name
    comparer: Comparer = _OWN.comparer
    return comparer.examine(task, scopes)


def _shared(run: Run) -> _Shared:
    with _LOCK:
        if run.name not in _RUNS:
            client: Any = distributed.get_client()
            rooms = {api: distributed.Semaphore(count, run.of(api)) for api, count in run.parallelism.items()}
            for room in rooms.values():
                room.register()
            gates = {api: ClusterGate(run.of(api), room, client) for api, room in rooms.items()}
            stop = threading.Event()
            threading.Thread(
                target=_end_after, args=(run, client, stop, [*rooms.values()]), daemon=True
            ).start()
            _RUNS[run.name] = _Shared(stop, gates)
        return _RUNS[run.name]


def _end_after(run: Run, client: Any, stop: threading.Event, rooms: Sequence[distributed.Semaphore]) -> None:
    """End the work of this worker for a run, when that has ended, was killed, or the scheduler is lost."""
    with suppress(Exception):
        over = distributed.Event(f"{run.name}-over", client=client)
        life = distributed.Semaphore(1, run.life)
        while not over.wait(_LOOK):
            if life.acquire(
                timeout=0
            ):  # Dask gives it to others once nobody has renewed its lease for a while
                _clear(run, client)
                life.release()
                life.close()
                break
    with suppress(Exception):
        for room in rooms:
            room.close()  # or each would be refreshed for as long as the worker lives
    stop.set()
    with _LOCK:
        _RUNS.pop(run.name, None)


def _clear(run: Run, client: Any) -> None:
    """Remove the pauses that a killed run has left on the scheduler."""
    for name, _ in run.limits:
        distributed.Variable(f"{name}-pause", client=client).delete()
