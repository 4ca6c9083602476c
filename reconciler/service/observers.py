"""Who hears of rounds besides the terminal: metrics, a webhook, the heartbeat of the service."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from reconciler.cli.credentials import webhook_secret
from reconciler.cli.options import USER_AGENT, missing_extra
from reconciler.errors import ConfigurationError, ReconcilerError, os_reason
from reconciler.model.cycle import CycleResult
from reconciler.model.secret import Secret
from reconciler.model.version import __version__
from reconciler.render.notification import (
    Delivery,
    ServiceCondition,
    condition_message,
    delivery_of,
    drift_message,
    new_keys_message,
)
from reconciler.service.history.notifications import Notifications
from reconciler.service.systemd import Heartbeat, Supervisor

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.api.exchange import Exchange
    from reconciler.api.webhook import Webhook
    from reconciler.cli.console import Console
    from reconciler.model.clock import Clock
    from reconciler.model.cycle import CycleReport
    from reconciler.render.notification import PendingNotification
    from reconciler.service.history.database import Database
    from reconciler.service.metrics import Metrics

_LONGEST_SILENCE: Final = 300.0
_READ_PARTS: Final = 4


class Watch:
    """Passes on what happens. Use :func:`open_watch` to make one."""

    def __init__(  # noqa: PLR0913, PLR0917 - everybody who is told
        self,
        parameters: Mapping[str, Any],
        run: str,
        console: Console,
        database: Database,
        heartbeat: Heartbeat,
        metrics: Metrics | None = None,
        webhook: Webhook | None = None,
    ) -> None:
        """Store everybody who is told."""
        self._parameters = parameters
        self._run = run
        self._console = console
        self._notifications = Notifications(database)
        self._webhook = webhook
        self.heartbeat = heartbeat
        self.metrics = metrics

    def exchange(self, exchange: Exchange) -> None:
        """Hear of a request to the API."""
        self.heartbeat.touch()
        self._console.exchange(exchange)
        if self.metrics is not None:
            self.metrics.exchange(exchange)

    def ended(self, report: CycleReport, troubles: Collection[ServiceCondition]) -> None:
        """Hear of the end of a round, which the history holds already. Raises HistoryError."""
        self.heartbeat.touch()
        if self.metrics is not None:
            self.metrics.cycle(report)
            self.metrics.files(valid=ServiceCondition.FILES not in troubles)
        if report.result is not CycleResult.INTERRUPTED:
            self._tell(report, troubles)
        if self.metrics is not None and self._parameters["metrics_file"] is not None:
            self._write(self.metrics, self._parameters["metrics_file"])

    def unrecorded(self, report: CycleReport) -> None:
        """Hear of a round that the history could not hold."""
        self.heartbeat.touch()
        if self.metrics is not None:
            self.metrics.cycle(report)

    def _write(self, metrics: Metrics, file: str) -> None:
        try:
            metrics.write(file)
        except OSError as error:
            self._console.error(f"the metrics file {file} cannot be written: {os_reason(error)}")

    def _tell(self, report: CycleReport, troubles: Collection[ServiceCondition]) -> None:
        present = {*troubles, *([ServiceCondition.ROUNDS] if report.result is CycleResult.FAILED else [])}
        after, now = self._parameters["notify_after"], report.ended
        conditions = self._notifications.update(present, after, now)
        if self._webhook is None:
            return
        base_url = self._parameters["base_url"]
        for condition in conditions:
            if not self._send(condition_message(condition, now, base_url, self._run, report.errors)):
                return  # trying the next as long would hold up the rounds
            self._notifications.mark_condition_notified(condition)
        by_telling: dict[Delivery, list[PendingNotification]] = {choice: [] for choice in Delivery}
        for one in self._notifications.pending(now):
            by_telling[delivery_of(one, after)].append(one)
        due = by_telling[Delivery.NOW]
        if due and self._send(drift_message([one.episode for one in due], now, base_url, self._run)):
            self._notifications.mark_notified(due)
        self._notifications.mark_notified(by_telling[Delivery.NEVER])
        keys = self._notifications.pending_keys()
        if keys and self._send(new_keys_message(keys, now, base_url, self._run)):
            self._notifications.mark_keys_notified(keys)

    def _send(self, message: Mapping[str, Any]) -> bool:
        """Send a message, and tell whether it arrived: if not, a later round sends it again."""
        if self._webhook is None:
            return False
        try:
            self._webhook.send(message)
        except ReconcilerError as error:
            self._console.error(f"nobody was told: {error}")
        else:
            if self.metrics is not None:
                self.metrics.notification(sent=True)
            return True
        if self.metrics is not None:
            self.metrics.notification(sent=False)
        return False


@contextmanager
def open_watch(  # noqa: PLR0913, PLR0917 - everything that those who are told need
    parameters: Mapping[str, Any],
    run: str,
    clock: Clock,
    console: Console,
    stop: threading.Event,
    database: Database,
    supervisor: Supervisor,
) -> Iterator[Watch]:
    """Make everybody who is to be told. Raises ConfigurationError if one of them cannot be."""
    silence = _LONGEST_SILENCE + parameters["connect_timeout"] + _READ_PARTS * parameters["read_timeout"]
    heartbeat = Heartbeat(clock, supervisor, silence)
    with ExitStack() as stack:
        webhook = None
        if parameters["webhook"] is not None:
            from reconciler.api.environment import network_variables  # noqa: PLC0415 - the same
            from reconciler.api.exchange import HttpSettings  # noqa: PLC0415 - the same
            from reconciler.api.webhook import Webhook  # noqa: PLC0415 - httpx, only for a webhook

            settings = HttpSettings(USER_AGENT, clock, environment=network_variables(os.environ), stop=stop)
            url = Secret(parameters["webhook"])
            secret = webhook_secret(parameters["webhook_secret_file"], console)
            webhook = stack.enter_context(Webhook(url, secret, settings))
        yield Watch(parameters, run, console, database, heartbeat, _metrics(parameters), webhook)


def systemd() -> Supervisor:
    """Return the systemd of this process, by what it left in the environment."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    is_ours = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    watchdog = int(microseconds) / 1e6 if microseconds.isdigit() and is_ours else None
    return Supervisor(os.environ.get("NOTIFY_SOCKET"), watchdog)


def _metrics(parameters: Mapping[str, Any]) -> Metrics | None:
    if parameters["metrics_port"] is None and parameters["metrics_file"] is None:
        return None
    try:
        from reconciler.service.metrics import Metrics  # noqa: PLC0415 - an extra, and 60 ms
    except ImportError as error:
        raise missing_extra("metrics", error) from error
    metrics = Metrics(__version__)
    if parameters["metrics_file"] is not None:
        try:
            metrics.resume(parameters["metrics_file"])
        except (OSError, ValueError) as error:
            message = f"the metrics file {parameters['metrics_file']} cannot be read: {error}"
            raise ConfigurationError(message) from error
    return metrics
