"""A complete drift run: one reconcile cycle, or cycles on a schedule with their followers."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final

from reconciler.errors import ConfigurationError, ExitCode
from reconciler.model.cycle import CycleResult
from reconciler.model.version import __version__
from reconciler.service.cycle import DriftCycle
from reconciler.service.history.undelivered import Undelivered
from reconciler.service.loop import Service
from reconciler.service.monitor import Monitor
from reconciler.service.outbox import Outbox
from reconciler.service.systemd import Heartbeat

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from reconciler.service.history.cycles import History
    from reconciler.service.metrics import Metrics
    from reconciler.service.records import Records
    from reconciler.service.settings import DriftSettings, Ports

_EXIT_CODES: Final = {
    CycleResult.DRIFTED: ExitCode.CHANGES,
    CycleResult.REFUSED: ExitCode.REFUSED,
    CycleResult.INCOMPLETE: ExitCode.PARTIAL,
    CycleResult.FAILED: ExitCode.ERROR,
    CycleResult.INTERRUPTED: ExitCode.INTERRUPTED,
}
"""The exit code of a command by the result of its cycle; all others are done."""


def run_drift(settings: DriftSettings, ports: Ports, records: Records, history: History) -> ExitCode:
    """Detect, and correct if requested, the drift of all keys: once, or on the schedule of ``settings``.

    Raises ReconcilerError if nothing could be compared; a service does so only before its first cycle that
    reaches the API. Raises ImportError if metrics or pages are requested and their extra is not installed.
    """
    heartbeat = Heartbeat(ports.clock, ports.supervisor, settings.longest_silence)
    metrics = _metrics(settings)
    count = _ignore if metrics is None else metrics.notification
    failed = partial(ports.observer.error, event="notification.failed")
    outbox = Outbox(ports.receivers, Undelivered(history.database), failed, count, ports.randomness)
    monitor = Monitor(settings, ports, records.run, history.database, heartbeat, metrics, outbox)
    with ExitStack() as stack, ports.executor(heartbeat.touch) as executor:
        for receiver in ports.receivers:
            stack.callback(receiver.close)
        cycle = DriftCycle(settings, ports, records, history, monitor, executor)
        if settings.schedule is None:
            return _EXIT_CODES.get(cycle.once().result, ExitCode.DONE)
        service = Service(
            settings.schedule,
            settings.jitter,
            heartbeat,
            ports.stop,
            ports.wake,
            ports.observer,
            ports.randomness,
        )
        with _pages(service, monitor), ports.signals():
            service.run(cycle.again)
    return ExitCode.DONE


def _ignore(_result: str) -> None:
    """Do not count a notification: there are no metrics."""


def _metrics(settings: DriftSettings) -> Metrics | None:
    """Return the metrics, with the counters of an earlier run. Raises ConfigurationError."""
    file = settings.metrics_file
    if settings.metrics_port is None and file is None:
        return None
    from reconciler.service.metrics import Metrics  # noqa: PLC0415 - an extra, and 60 ms

    metrics = Metrics(__version__, settings.parallelism)
    if file is not None:
        try:
            metrics.resume(file)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"the metrics file {file} cannot be read: {error}") from error
    return metrics


def _pages(service: Service, monitor: Monitor) -> AbstractContextManager[None]:
    """Return a context that serves the pages, if requested. Raises ConfigurationError."""
    if monitor.settings.metrics_port is None or monitor.metrics is None:
        return nullcontext()
    from reconciler.service.pages import Pages  # noqa: PLC0415 - an extra

    return Pages(service, monitor, monitor.metrics).served(monitor.settings.metrics_port)
