"""Where the work of a plan is done: in this process, or in those of an executor.

Map: each file is checked by itself, and its declarations are packed. Shuffle: the parts of one scope are
joined, still packed. Reduce: each scope is read and compared. The result is the same everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from reconciler.pipeline.reading import examined
from reconciler.validate.state import check_each, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.api.client import Sessions
    from reconciler.errors import ReconcilerError
    from reconciler.load.files import Input
    from reconciler.model.desired import DesiredState
    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.pipeline.reading import Comparison, Reading
    from reconciler.validate.parts import Part
    from reconciler.validate.validator import Rules


class Executor(Protocol):
    """Checks files and compares scopes."""

    def check(self, rules: Rules, files: Iterable[Input]) -> Iterable[Part]:
        """Return the part of each file, in order."""
        ...

    def examine(
        self, client: Sessions, state: DesiredState, how: Comparison, reading: Reading
    ) -> tuple[list[Plan], dict[Scope, ReconcilerError]]:
        """Plan each scope, like :func:`reconciler.pipeline.reading.examined`."""
        ...


class InProcess:
    """Does all work in this process."""

    check = staticmethod(check_each)
    examine = staticmethod(examined)


IN_PROCESS: Final = InProcess()


class Adaptive:
    """Does little work in this process, and much in others, which are started at a threshold of input."""

    def __init__(self, open_workers: Callable[[], Executor]) -> None:
        """Store a function that starts the other processes, once."""
        self._open = open_workers
        self._executor: Executor | None = None

    def check(self, rules: Rules, files: Iterable[Input]) -> Iterable[Part]:
        """Return the part of each file, in order; the total size decides where."""
        if self._executor is None:
            files, is_large = measured(files)
            self._executor = self._open() if is_large else None
        return (self._executor or IN_PROCESS).check(rules, files)

    def examine(
        self, client: Sessions, state: DesiredState, how: Comparison, reading: Reading
    ) -> tuple[list[Plan], dict[Scope, ReconcilerError]]:
        """Plan each scope in the processes that checked its files."""
        executor = self._executor or IN_PROCESS
        return executor.examine(client, state, how, reading)
