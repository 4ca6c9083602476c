"""Workers on a Dask cluster, whose scheduler counts the requests; the client's side of distributed.

Every client of the scheduler can run programs on the workers, which have tokens: it belongs in a separate
network, or behind TLS as Dask's configuration sets it up.
"""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Self, TypeVar

import dask
import distributed
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from reconciler.errors import ConfigurationError, SystemFailureError
from reconciler.model.phrases import counted
from reconciler.model.randomness import unique
from reconciler.model.version import __version__
from reconciler.pipeline.cluster_worker import Run, call, compare, difference, facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.model.clock import Clock
    from reconciler.model.desired import DesiredScope
    from reconciler.model.randomness import Randomness
    from reconciler.pipeline.worker import Examined

T = TypeVar("T")
_LONGEST_WAIT: Final = 0.2
_LONGEST_SILENCE: Final = 10.0
"""Seconds without a connection to the scheduler, after which it is lost."""
_CONNECT: Final = 5.0
"""Seconds in which a scheduler has to answer."""
_START: Final = 30.0
"""Seconds in which the first worker has to be there."""
_PATIENCE: Final = 2.0
"""Seconds of waiting after which people are told for what."""
_RETURN: Final = 0.5
"""Seconds in which workers return what they hold after a run."""
_STEP: Final = 0.01
_MESSAGE_LOG: Final = "distributed.admin.low-level-log-length"
"""How many messages a client keeps for who looks for faults of Dask: a thousand, and files are in them."""
_OTHER_VERSION: Final = (AttributeError, ImportError)
"""What a worker raises that cannot load what it is sent."""


class ClusterPool:
    """The workers of a cluster; a context manager, which ends their work for this run.

    ``wait`` is called with a description when a wait takes long.
    """

    def __init__(
        self,
        address: str,
        parallelism: Mapping[str, int],
        wait: Callable[[str], object],
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Store the address of the scheduler, and the maximum number of concurrent requests to each API."""
        self._address, self._parallelism, self._wait = address, dict(parallelism), wait
        self._clock, self._randomness = clock, randomness
        self._client: distributed.Client | None = None
        self._run = Run("", {}, clock, randomness)
        self._rooms: list[distributed.Semaphore] = []
        self._life: distributed.Semaphore | None = None
        self._begun = self._done = 0
        self._last = self._seen = 0.0
        self._is_told = self._is_lost = False

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what the workers do, and leave the cluster."""
        self.stop()

    @property
    def width(self) -> int:
        """Return the number of concurrent calls. Raises ReconcilerError if the cluster cannot be used."""
        client = self._opened()
        try:
            threads: Mapping[str, int] = client.nthreads()
        except (OSError, AttributeError) as error:  # the latter of a client that has given up
            raise self._lost() from error
        return max(sum(threads.values()), 1)

    @property
    def is_starting(self) -> bool:
        """Return False: the workers run already."""
        return False

    def compare(self, task: bytes, scopes: Sequence[DesiredScope]) -> Future[Examined]:
        """Compare scopes on any worker, like :meth:`submit`."""
        self._opened()
        return self.submit(partial(compare, self._run), task, scopes)

    def submit(self, function: Callable[..., T], *arguments: object) -> Future[T]:
        """Call ``function`` on any worker. Raises ReconcilerError if the cluster cannot be used."""
        client, found = self._opened(), Future[T]()
        self._begun += 1

        def settle(remote: distributed.Future[T]) -> None:
            self._done += 1
            self._last = self._clock.monotonic()
            if not found.set_running_or_notify_cancel():
                return
            try:
                result = remote.result()
            except (Exception, CancelledError) as error:  # noqa: BLE001 - for who waits for it
                found.set_exception(self._explained(error))
            else:
                found.set_result(result)

        remote = client.submit(call, facts(), function, *arguments, pure=False)
        remote.add_done_callback(settle)
        found.add_done_callback(lambda done: remote.cancel() if done.cancelled() else None)
        return found

    def check(self) -> None:
        """Report a long wait. Raises SystemFailureError for a lost scheduler."""
        now = self._clock.monotonic()
        if self._client is None or self._client.status == "running":
            self._seen = now
        elif now - self._seen > _LONGEST_SILENCE:
            raise self._lost()
        if now - self._last > _PATIENCE and not self._is_told:
            self._is_told = True
            steps = f"{self._done} of {self._begun}"
            self._wait(f"Waiting for the cluster at {self._address}; steps done: {steps}.")

    def renew(self) -> None:
        """Do nothing: a cluster replaces its workers itself."""

    def stop(self) -> None:
        """End the work of this run: requests in flight are abandoned, and nothing more starts."""
        client, self._client = self._client, None
        rooms, self._rooms = self._rooms, []
        life, self._life = self._life, None
        if client is None:
            return
        with suppress(Exception):  # whatever a cluster that is gone says of it
            if client.status == "running":
                over = distributed.Event(f"{self._run.name}-over", client=client)
                over.set()
                over.clear()  # who waits for it is told; without this, the scheduler would store it for ever
                if life is not None:
                    life.release()
                    life.close()
                if self._begun == self._done:
                    self._wait_for_return(rooms)
                for room in rooms:
                    room.close()
                for name, _ in self._run.limits:
                    distributed.Variable(f"{name}-pause", client=client).delete()
        with suppress(Exception):
            client.close(timeout=2)

    def _wait_for_return(self, rooms: Sequence[distributed.Semaphore]) -> None:
        """Wait for workers to return their leases: the scheduler warns of a semaphore closed while in use."""
        deadline = self._clock.monotonic() + _RETURN
        while any(room.get_value() for room in rooms) and self._clock.monotonic() < deadline:
            self._clock.sleep(_STEP, threading.Event())

    def _opened(self) -> distributed.Client:
        """Return the client; a later cycle of a service makes another one if it was lost."""
        is_idle = self._begun <= self._done
        if self._is_lost or (is_idle and self._client is not None and self._client.status != "running"):
            self.stop()
        if self._client is not None:
            return self._client
        try:
            return self._open()
        except BaseException:
            self.stop()
            raise

    def _open(self) -> distributed.Client:
        self._run = Run(
            f"reconciler-{unique(self._randomness)}", self._parallelism, self._clock, self._randomness
        )
        self._begun = self._done = 0
        self._is_told = self._is_lost = False
        try:
            with dask.config.set({_MESSAGE_LOG: 1}):
                client = distributed.Client(self._address, timeout=_CONNECT, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"the scheduler at {self._address} cannot be reached; check --dask, and that it runs"
            ) from error
        self._client = client
        self._last = self._seen = self._clock.monotonic()
        self._check_workers(client)
        self._life = _registered(client, self._run.life, 1)
        self._life.acquire()
        for name, count in self._run.limits:
            distributed.Variable(f"{name}-pause", client=client).set(["", 0.0])
            self._rooms.append(_registered(client, name, count))
        self._last = self._clock.monotonic()
        return client

    def _check_workers(self, client: distributed.Client) -> None:
        """Check that there are workers, all of this version. Raises ConfigurationError."""
        if not client.nthreads():
            self._wait(f"Waiting for the first worker of the cluster at {self._address}.")
        try:
            client.wait_for_workers(1, timeout=_START)
        except (TimeoutError, distributed.TimeoutError) as error:
            raise ConfigurationError(
                f"the cluster at {self._address} has no worker after {_START:.0f} s; start one: dask worker"
            ) from error
        found = client.run(facts, on_error="return")
        for place, theirs in sorted(found.items()):
            if isinstance(theirs, BaseException):
                raise ConfigurationError(_unusable(f"the worker {place}", theirs)) from theirs
            if text := difference(f"the worker {place}", theirs, facts()):
                raise ConfigurationError(f"{text}; install the same on all workers")

    def _explained(self, error: BaseException) -> BaseException:
        """Return the error of this package for an exception of the cluster."""
        if isinstance(error, KilledWorker):
            return SystemFailureError(
                f"{counted(error.allowed_failures + 1, 'worker')} of the cluster ended before their work did;"
                " check their memory"
            )
        if isinstance(error, CancelledError | CommClosedError):
            return self._lost()
        if isinstance(error, _OTHER_VERSION):
            return ConfigurationError(_unusable("a worker", error))
        return error

    def _lost(self) -> SystemFailureError:
        self._is_lost = True
        return SystemFailureError(
            f"the connection to the scheduler at {self._address} is lost, and no change was sent; run the "
            "command again when the cluster is available"
        )


def _registered(client: distributed.Client, name: str, count: int) -> distributed.Semaphore:
    room = distributed.Semaphore(count, name, client.scheduler, client.loop)
    room.register()
    return room


def _unusable(place: str, error: BaseException) -> str:
    return (
        f"{place} cannot run reconciler {__version__} ({type(error).__name__}: {error}); install the same"
        " version on all workers"
    )
