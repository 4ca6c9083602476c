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

    def __init__(self) -> None:
        self._workers: dict[tuple[str, int], Workers] = {}

    def of(self, api: str, count: int) -> Workers:
        """Return ``count`` threads for the requests to an API."""
        return self._workers.setdefault((api, count), Workers(count))


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
