"""The work of a Dask worker for a run, and the limit of requests that all workers share."""

from __future__ import annotations

import hashlib
import platform
import threading
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

import distributed

from reconciler.api.surroundings import Surroundings
from reconciler.errors import ConfigurationError
from reconciler.kinds.packaged import schema_texts
from reconciler.model.frozen import dataclass
from reconciler.model.version import __version__
from reconciler.pipeline.cluster_gate import ClusterGate
from reconciler.pipeline.worker import Comparer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.model.clock import Clock
    from reconciler.model.desired import DesiredScope
    from reconciler.model.randomness import Randomness
    from reconciler.pipeline.worker import Examined

    Facts = tuple[tuple[str, str], ...]

T = TypeVar("T")
_LONGEST_READ: Final = 30.0
_PAUSES: Final = "reconciler-pauses"
"""What the workers of all runs are sent each pause by."""
_LOOK: Final = 2.0
"""Seconds between two looks at whether the run lives."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the workers of one run share; ``parallelism`` is that of each API, ``clock`` measures pauses."""

    name: str
    parallelism: Mapping[str, int]
    clock: Clock
    randomness: Randomness

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


class SchedulerLeases:
    """The leases of a semaphore of the scheduler, and the pause, which it stores and sends to workers."""

    def __init__(self, run: Run, api: str, client: Any) -> None:
        """Create the semaphore and the variable."""
        self._run, self._api, self._limit = run.name, api, run.parallelism[api]
        self._client, self._own = client, distributed.get_worker().address
        self._pause = distributed.Variable(f"{run.of(api)}-pause", client=client)
        self.room = distributed.Semaphore(self._limit, run.of(api))
        self.room.register()

    def acquire(self, timeout: float) -> bool:
        """Return whether a lease was acquired within ``timeout`` seconds."""
        return bool(self.room.acquire(timeout=timeout))

    def release(self) -> None:
        """Return a lease."""
        self.room.release()

    def share(self) -> int:
        """Return the number of leases for this worker, by its threads, at least one."""
        threads: Mapping[str, int] = self._client.nthreads()
        return -(-self._limit * threads.get(self._own, 1) // max(sum(threads.values()), 1))

    def paused(self) -> tuple[str, float]:
        """Return the name and the seconds of the last pause."""
        name, seconds = self._pause.get(timeout=_LONGEST_READ)
        return name, seconds

    def publish(self, name: str, seconds: float) -> None:
        """Store a pause, and send it to all workers."""
        self._pause.set([name, seconds])
        self._client.log_event(_PAUSES, [self._run, self._api, name, seconds])


def _learn(event: tuple[float, Sequence[Any]]) -> None:
    """Pause as another worker of the run did; this is called in the receiving thread."""
    run, api, name, seconds = event[1]
    shared = _RUNS.get(run)  # it may have ended since
    if shared is not None:
        shared.gates[api].learn(name, seconds)


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
            leases = {api: SchedulerLeases(run, api, client) for api in run.parallelism}
            shared = _Shared(
                threading.Event(),
                {api: ClusterGate(one, run.clock, run.randomness) for api, one in leases.items()},
            )
            _RUNS[run.name] = shared
            client.subscribe_topic(_PAUSES, _learn)
            rooms = [one.room for one in leases.values()]
            threading.Thread(target=_end_after, args=(run, client, shared, rooms), daemon=True).start()
        return _RUNS[run.name]


def _end_after(run: Run, client: Any, shared: _Shared, rooms: Sequence[distributed.Semaphore]) -> None:
    """End the work of this worker for a run, when that has ended, was killed, or the scheduler is lost."""
    is_abandoned = False
    life = distributed.Semaphore(1, run.life)
    with suppress(Exception):
        over = distributed.Event(f"{run.name}-over", client=client)
        while not (is_abandoned or over.wait(_LOOK)):
            # Dask gives it to others once nobody has renewed its lease for a while.
            is_abandoned = bool(life.acquire(timeout=0))
    shared.stop.set()
    with suppress(Exception):
        for gate in shared.gates.values():
            gate.return_idle()
        for room in (life, *rooms):
            room.refresh_callback.stop()  # or each would be refreshed for as long as the worker lives
        if is_abandoned:
            _clear(run, client, rooms)
            life.release()
            life.close()
    with _LOCK:
        _RUNS.pop(run.name, None)


def _clear(run: Run, client: Any, rooms: Sequence[distributed.Semaphore]) -> None:
    """Remove what a killed run has left on the scheduler; a run that ends does so itself.

    To close a semaphore closes it for all: other workers may have leases of it until the run ends.
    """
    for name, _ in run.limits:
        distributed.Variable(f"{name}-pause", client=client).delete()
    for room in rooms:
        room.close()
