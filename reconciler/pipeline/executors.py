"""Executors of the library: other processes of this machine, and a Dask cluster."""

from __future__ import annotations

import pickle
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.model.collector import paused_collector
from reconciler.model.frozen import dataclass
from reconciler.pipeline.defaults import CLOCK, RANDOMNESS
from reconciler.pipeline.distribution import Distributed
from reconciler.pipeline.processes import ProcessPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.api.client import Sessions
    from reconciler.api.surroundings import Surroundings
    from reconciler.model.clock import Clock
    from reconciler.model.randomness import Randomness
    from reconciler.pipeline.cluster import ClusterPool
    from reconciler.pipeline.execution import Executor


@contextmanager
def processes(count: int, connect: Callable[[], Sessions]) -> Iterator[Executor]:
    """Yield an executor of ``count`` processes, which end with the context.

    ``connect`` opens the APIs in each of them, by the environment there, and here to determine the number of
    concurrent requests. It is a function at the top level of a module. Nothing is started before there is
    work. Raises ConfigurationError if ``connect`` cannot be sent to another process.
    """
    if count < 1:
        raise ConfigurationError("the number of processes must be positive")
    opening = _Opening(connect)
    with ProcessPool(count, opening.parallelism(), CLOCK) as pool:
        yield Distributed(pool, opening)


@contextmanager
def cluster(
    address: str, connect: Callable[[], Sessions], *, on_wait: Callable[[str], object] = str
) -> Iterator[Executor]:
    """Yield an executor on the Dask cluster whose scheduler is at ``address``.

    ``connect`` is as for :func:`processes`, ``on_wait`` is called with a description when a wait takes long.
    The cluster is contacted when there is work. Raises ImportError without the extra ``dask``.
    """
    opening = _Opening(connect)
    with cluster_pool(address, opening.parallelism(), on_wait, CLOCK, RANDOMNESS) as pool:
        yield Distributed(pool, opening)


def cluster_pool(
    address: str,
    parallelism: Mapping[str, int],
    on_wait: Callable[[str], object],
    clock: Clock,
    randomness: Randomness,
) -> ClusterPool:
    """Return the workers of a cluster. Raises ImportError without the extra ``dask``."""
    with paused_collector():  # looking for garbage in new modules takes a tenth of it
        from reconciler.pipeline.cluster import ClusterPool  # noqa: PLC0415 - an extra, and 0.3 s

    return ClusterPool(address, parallelism, on_wait, clock, randomness)


@dataclass(frozen=True, slots=True)
class _Opening:
    """Opens the APIs in a worker by a function without arguments."""

    connect: Callable[[], Sessions]

    def __call__(self, surroundings: Surroundings) -> Sessions:
        return self.connect().within(surroundings)

    def parallelism(self) -> dict[str, int]:
        """Return the maximum number of concurrent requests to each API. Raises ConfigurationError."""
        try:
            pickle.dumps(self)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ConfigurationError(
                f"connect cannot be sent to another process ({error}); use a function at the top level of a"
                " module that the processes can import"
            ) from error
        client = self.connect()
        try:
            return dict(client.parallelism)
        finally:
            client.close()
