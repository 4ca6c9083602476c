"""The settings of a drift run, and the ports of its caller. Durations are in seconds unless stated."""

from __future__ import annotations

import datetime as dt
from dataclasses import field
from threading import Event
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from reconciler.model.frozen import dataclass
from reconciler.service.records import RecordSettings, WriteObserver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from reconciler.api.client import Sessions
    from reconciler.api.exchange import Exchange
    from reconciler.api.redaction import Redactor
    from reconciler.api.workers import Workers
    from reconciler.apply.sinks.store import SinkSecretStore
    from reconciler.kinds.kind import Kind
    from reconciler.model.clock import Clock
    from reconciler.model.cycle import DriftedField
    from reconciler.model.plan import Change
    from reconciler.model.randomness import Randomness
    from reconciler.model.status import NewKey, ServiceCondition
    from reconciler.model.succession import SecretAlias
    from reconciler.observe.base import Base
    from reconciler.observe.names import Directory
    from reconciler.pipeline.execution import Executor
    from reconciler.plan.correction import Permissions
    from reconciler.plan.drift import Correction, FlappingRule
    from reconciler.plan.limits import Limits
    from reconciler.plan.report import DriftReport
    from reconciler.service.outbox import Receiver
    from reconciler.service.schedule import Schedule
    from reconciler.service.systemd import Supervisor
    from reconciler.validate.validator import Rules


_IN_MEMORY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftSettings:
    """What a drift run reads, compares and corrects, and the followers of its cycles.

    ``correct`` is None if nothing is written, ``schedule`` if there is one cycle only. A cycle starts up to
    ``jitter`` seconds late. A loop without a heartbeat for ``longest_silence`` is stuck.
    """

    paths: Sequence[str]
    targets: Sequence[str]
    parallelism: Mapping[str, int]
    limits: Limits
    correct: Correction | None
    permissions: Permissions
    flapping: FlappingRule
    records: RecordSettings
    retention: dt.timedelta
    metrics_port: int | None
    metrics_address: str
    metrics_hosts: Sequence[str]
    metrics_file: str | None
    notify_after: int
    longest_silence: float
    schedule: Schedule | None
    jitter: float

    @property
    def purged_after(self) -> dt.timedelta:
        """Return how long ended records are stored; in memory just long enough to detect flapping."""
        if self.records.history is not None:
            return self.retention
        return min(self.retention, max(_IN_MEMORY, self.flapping.window))


class Messages(Protocol):
    """Shows messages to people; ``event`` is their type, for logs, and ``address`` the key if any."""

    def note(self, text: str, event: str, address: str = "") -> None:
        """Show a message."""

    def detail(self, text: str, event: str, address: str = "") -> None:
        """Show a detailed message."""

    def error(self, text: str, event: str, address: str = "") -> None:
        """Show an error that does not end the run."""


class CycleObserver(Messages, WriteObserver, Protocol):
    """Follows reconcile cycles for people. Every method is called by the thread that runs the cycles."""

    def progress(self, what: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """Return a context for ``total`` steps, whose value is called after each."""

    def troubled(self, conditions: Mapping[ServiceCondition, Sequence[str]]) -> None:
        """Show the problems of the files or their checkout, in each cycle of a service."""

    def detected(self, detection: DriftReport, new_keys: tuple[NewKey, ...], at: dt.datetime) -> None:
        """Show the findings of a cycle."""

    def left(self, detection: DriftReport, fields: Sequence[DriftedField]) -> None:
        """Show the drift that is left to a person, and contested drift."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What the caller provides.

    ``connect`` opens the APIs for each cycle, as a token may have changed; its arguments are the observer of
    requests, the threads of each API, and the redactor. ``base`` reads the desired state at the base commit,
    None without one. ``open_store`` opens a store for the secrets of new keys and their aliases. ``pull``
    updates the checkout. ``executor`` opens an executor that checks files and compares scopes, for all
    cycles; its argument is called while other processes send requests. ``signals`` returns a context in which
    a stop signal sets ``stop``, so that writes in flight finish; ``wake`` starts a cycle at once.
    ``receivers`` are notified.
    """

    clock: Clock
    randomness: Randomness
    kinds: Mapping[str, Kind]
    standard_input: BinaryIO
    rules_at: Callable[[dt.datetime], Rules]
    not_committed: Callable[[], Sequence[str]]
    connect: Callable[[Callable[[Exchange], None], Mapping[str, Workers], Redactor], Sessions]
    open_store: Callable[[Sequence[Change], Sequence[SecretAlias], Redactor], SinkSecretStore | None]
    executor: Callable[[Callable[[], object]], AbstractContextManager[Executor]]
    signals: Callable[[], AbstractContextManager[None]]
    supervisor: Supervisor
    observer: CycleObserver
    base: Callable[[Directory, dt.datetime], Base | None]
    pull: Callable[[], None] | None = None
    receivers: Sequence[Receiver] = ()
    stop: Event = field(default_factory=Event)
    wake: Event = field(default_factory=Event)
