"""The options that say where files are checked and scopes are compared."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.api.apis import Apis
from reconciler.cli.console import Console
from reconciler.cli.credentials import sessions
from reconciler.cli.options import ConnectionOptions
from reconciler.cli.values import option
from reconciler.model.clock import SystemClock
from reconciler.pipeline.execution import IN_PROCESS, Adaptive, Distributed, Executor
from reconciler.pipeline.worker import Surroundings

if TYPE_CHECKING:
    from reconciler.pipeline.cluster import ClusterPool

AUTO: Final = "auto"
_MOST_AUTOMATIC: Final = 8


class ProcessesType(click.ParamType[Any]):
    """A number of processes, or ``auto``."""

    name = "N|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or ``auto``."""
        if value == AUTO:
            return value
        if not str(value).isdecimal():
            self.fail(f"{value!r} is neither a number nor {AUTO}.", param, ctx)
        return click.IntRange(1, 256).convert(value, param, ctx)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionOptions:
    """Where files are checked and scopes are compared; changes are sent by this process alone."""

    processes: int | str = option(
        "Check files and compare scopes in N processes; auto: where there is enough for several cores.",
        type=ProcessesType(),
        default=AUTO,
        metavar="N|auto",
    )
    dask: str | None = option(
        "Check files and compare scopes on the Dask cluster with this scheduler, such as tcp://HOST:8786.",
        metavar="ADDRESS",
    )


@contextmanager
def executor(
    options: ExecutionOptions, connection: ConnectionOptions, console: Console
) -> Iterator[Executor]:
    """Open what checks files and compares scopes; other processes are started when there is work for them."""
    count = options.processes
    width = min(usable_cores(), _MOST_AUTOMATIC) if isinstance(count, str) else count
    parallelism = {name: api.parallelism or connection.parallelism for name, api in connection.apis.items()}
    connect, shown = partial(_connect, connection), connection.shown_by(console)
    with ExitStack() as stack:

        def start() -> Executor:
            from reconciler.pipeline.processes import ProcessPool  # noqa: PLC0415 - few runs need it

            return Distributed(stack.enter_context(ProcessPool(width, parallelism)), connect, shown)

        if options.dask is not None:
            pool = stack.enter_context(_cluster(options.dask, parallelism, console))
            yield Distributed(pool, connect, shown)
        elif width == 1:
            yield IN_PROCESS
        else:
            yield Adaptive(start) if count == AUTO else start()


def _cluster(address: str, parallelism: Mapping[str, int], console: Console) -> ClusterPool:
    """Return the workers of a cluster, which is reached when they are needed."""
    from reconciler.pipeline.cluster import ClusterPool  # noqa: PLC0415 - an extra, and half a second

    logging.disable()  # what distributed logs of a fault is told once, as an error
    return ClusterPool(address, parallelism, console.note)


def usable_cores() -> int:
    """Return how many cores this process may use, by its affinity."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _connect(connection: ConnectionOptions, surroundings: Surroundings) -> Apis:
    """Open the APIs in a worker, with the tokens of its own environment."""
    quiet = Console(-1, color=None)
    return sessions(
        connection,
        SystemClock(),
        quiet,
        surroundings.stop,
        surroundings.on_exchange,
        gate=surroundings.gate,
    )
