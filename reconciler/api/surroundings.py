"""The resources that connections of a worker share, with each other and with those of other workers."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from reconciler.api.redaction import Redactor
from reconciler.api.workers import Workers
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from reconciler.api.exchange import Exchange
    from reconciler.api.gate import Gate


class Threads:
    """The threads of a worker, which live as long as it does: new ones for each task use more memory."""

    def __init__(self, workers: int = 1) -> None:
        """Store how many workers share the concurrent requests."""
        self._users = workers
        self._workers: dict[tuple[str, int], Workers] = {}

    def of(self, api: str, count: int) -> Workers:
        """Return the threads for the share of ``count`` concurrent requests to an API.

        More of them would wait for one another, at the gate and for the interpreter.
        """
        return self._workers.setdefault((api, count), Workers(-(-count // self._users)))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The resources that all connections of a worker share, also one after another.

    ``gate`` returns the gate of an API, by its name; ``on_exchange`` is called with each exchange.
    ``redactor`` knows the secrets of all tasks.
    """

    name: str
    stop: threading.Event
    gate: Callable[[str], Gate | None]
    on_exchange: Callable[[Exchange], None]
    redactor: Redactor = field(default_factory=Redactor)
    threads: Threads = field(default_factory=Threads)
