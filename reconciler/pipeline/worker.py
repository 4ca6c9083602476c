"""The work in other processes: files are checked, and scopes are read and compared.

Only values are sent, and never tokens: a worker connects with its own environment.
"""

from __future__ import annotations

import functools
import gc
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.errors import ConfigurationError
from reconciler.model.collector import paused_collector
from reconciler.model.desired import DesiredState
from reconciler.model.frozen import dataclass
from reconciler.pipeline.reading import examined, follow_nothing
from reconciler.validate.validator import Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.api.client import Sessions
    from reconciler.api.exchange import Exchange
    from reconciler.api.surroundings import Surroundings
    from reconciler.errors import ReconcilerError
    from reconciler.load.files import Input
    from reconciler.model.desired import DesiredScope
    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.pipeline.reading import Comparison
    from reconciler.validate.parts import Part

    Connect = Callable[[Surroundings], Sessions]
    """Opens the APIs in a worker, by the environment there; a function that can be pickled."""


@dataclass(frozen=True, slots=True)
class Task:
    """The shared arguments of the comparison of every scope."""

    connect: Connect
    how: Comparison


@dataclass(frozen=True, slots=True)
class Examined:
    """The plans of some scopes, the errors of others, and the requests that were sent."""

    plans: Sequence[Plan]
    failures: Mapping[Scope, ReconcilerError]
    exchanges: Sequence[Exchange]


@functools.lru_cache(maxsize=2)
def _validator(rules: bytes) -> Validator:
    return Validator(unpickled(rules))


def unpickled(content: bytes) -> Any:
    """Return an object that the run of this worker has pickled."""
    return pickle.loads(content)  # noqa: S301 - from the process that started this one, or that it trusts


def check_files(rules: bytes, files: Sequence[Input]) -> list[Part]:
    """Check files; ``rules`` are pickled, because most of them are the same in every call."""
    with paused_collector():
        validator = _validator(rules)
        return [validator.check(file) for file in files]


class Comparer:
    """Compares scopes in a worker: its connections stay open while the task is the same."""

    def __init__(self, surroundings: Surroundings) -> None:
        """Store the resources that the worker shares with others."""
        self._exchanges: list[Exchange] = []

        def follow(exchange: Exchange) -> None:
            self._exchanges.append(exchange)
            surroundings.on_exchange(exchange)

        self._surroundings = replace(surroundings, on_exchange=follow)
        self._task: tuple[bytes, Task, Sessions] | None = None

    def examine(self, task: bytes, scopes: Sequence[DesiredScope]) -> Examined:
        """Read and compare some scopes. Raises ConfigurationError if the worker lacks a token."""
        known, client = self._opened(task)
        self._exchanges.clear()
        with paused_collector():
            plans, failures = examined(client, DesiredState(tuple(scopes)), known.how, follow_nothing)
        return Examined(plans, failures, tuple(self._exchanges))

    def _opened(self, content: bytes) -> tuple[Task, Sessions]:
        if self._task is None or self._task[0] != content:
            if self._task is not None:
                self._task[2].close()
                gc.collect()  # it is paused while there is work, and would never find the time
            task: Task = unpickled(content)
            try:
                self._task = content, task, task.connect(self._surroundings)
            except ConfigurationError as error:
                raise ConfigurationError(f"the worker {self._surroundings.name}: {error}") from error
        return self._task[1:]
