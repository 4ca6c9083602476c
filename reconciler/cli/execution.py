"""Where files are checked and scopes are compared, by the options."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from reconciler.api.apis import Apis
from reconciler.cli.console import Console
from reconciler.cli.credentials import private_file, sessions
from reconciler.cli.execution_options import AUTO, ExecutionOptions
from reconciler.cli.forking import MODULES
from reconciler.cli.machine import usable_cores
from reconciler.cli.options import ConnectionOptions
from reconciler.cli.system import CLOCK, RANDOMNESS
from reconciler.errors import ConfigurationError, SystemFailureError
from reconciler.pipeline.execution import IN_PROCESS, Adaptive, Executor

if TYPE_CHECKING:
    from reconciler.api.surroundings import Surroundings

_MOST_AUTOMATIC: Final = 8


@contextmanager
def executor(
    options: ExecutionOptions,
    connection: ConnectionOptions | None,
    console: Console,
    on_life: Callable[[], object] = tuple,
) -> Iterator[Executor]:
    """Open the executor; other processes are started when there is work for them.

    Without a ``connection`` there are no scopes to compare. ``on_life`` is called while others send requests.
    """
    count = options.processes
    width = min(usable_cores(), _MOST_AUTOMATIC) if isinstance(count, str) else count
    parallelism = {} if connection is None else connection.parallelism_by_api
    connect = partial(_connect, connection)
    private = None if connection is None or options.dask is not None else private_file(connection)
    if private is not None:
        if isinstance(count, int) and count > 1:
            raise ConfigurationError(
                f"{count} processes cannot read the token from {private}; use a file, or --processes 1"
            )
        width = 1
    with ExitStack() as stack:

        def start() -> Executor:
            from reconciler.pipeline import distribution, executors, processes  # noqa: PLC0415 - for few runs

            if options.dask is not None:
                logging.disable()  # what distributed logs of a fault is told once, as an error
                cluster = executors.cluster_pool(options.dask, parallelism, console.note, CLOCK, RANDOMNESS)
                return distribution.Distributed(stack.enter_context(cluster), connect)
            pool = stack.enter_context(processes.ProcessPool(width, parallelism, CLOCK, on_life, MODULES))
            if count != AUTO:
                pool.prepare()
            else:
                try:
                    pool.start()
                except SystemFailureError as error:
                    console.detail(f"All work is done in this process: {error}")
                    return IN_PROCESS
            return distribution.Distributed(pool, connect)

        if options.dask is not None:
            yield start()
        elif width == 1:
            yield IN_PROCESS
        else:
            yield Adaptive(start) if count == AUTO else start()


def _connect(connection: ConnectionOptions | None, surroundings: Surroundings) -> Apis:
    """Open the APIs in a worker, with the tokens of its own environment."""
    clock, redactor = CLOCK, surroundings.redactor
    if connection is None:
        return Apis({}, clock, surroundings.stop, redactor)
    return sessions(
        connection,
        clock,
        Console(-1, color=None),
        surroundings.stop,
        surroundings.on_exchange,
        {name: surroundings.threads.of(name, count) for name, count in connection.parallelism_by_api.items()},
        redactor,
        surroundings.gate,
    ).opened()
