"""The followers of a service's cycles besides the terminal: metrics, notifications, the heartbeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import os_reason
from reconciler.model.cycle import CycleResult
from reconciler.model.endpoint import place_text
from reconciler.model.frozen import dataclass
from reconciler.model.status import ApiOutage, PendingNotification, ServiceCondition
from reconciler.render.notification import (
    Delivery,
    condition_message,
    delivery_of,
    drift_message,
    new_keys_message,
)
from reconciler.service.history.notifications import Notifications
from reconciler.service.history.queries import conditions, shown_apis

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from reconciler.api.exchange import Exchange
    from reconciler.model.cycle import CycleReport
    from reconciler.model.status import Condition
    from reconciler.service.history.database import Database
    from reconciler.service.metrics import Metrics
    from reconciler.service.outbox import Outbox
    from reconciler.service.settings import DriftSettings, Ports
    from reconciler.service.systemd import Heartbeat


@dataclass(frozen=True, slots=True)
class Monitor:
    """Passes requests and ends of cycles to the heartbeat, and to metrics and receivers if there are any."""

    settings: DriftSettings
    ports: Ports
    run: str
    database: Database
    heartbeat: Heartbeat
    metrics: Metrics | None
    outbox: Outbox

    def exchange(self, exchange: Exchange) -> None:
        """Record a request to the API."""
        self.heartbeat.touch()
        if self.metrics is not None:
            self.metrics.exchange(exchange)

    def finished(self, report: CycleReport, present: Collection[ServiceCondition]) -> None:
        """Record the end of a cycle, which the history has stored. Raises HistoryError."""
        self.unrecorded(report)
        if self.metrics is not None:
            self.metrics.set_files_valid(int(ServiceCondition.FILES not in present))
        if report.result is not CycleResult.INTERRUPTED:
            self._notify(report, present)
        file = self.settings.metrics_file
        if self.metrics is not None and file is not None:
            try:
                self.metrics.write(file)
            except OSError as error:
                self.ports.observer.error(
                    f"the metrics file {file} cannot be written: {os_reason(error)}", "metrics.failed"
                )

    def unrecorded(self, report: CycleReport) -> None:
        """Record the end of a cycle that the history could not store."""
        self.heartbeat.touch()
        if self.metrics is not None:
            self.metrics.cycle(report)

    def _notify(self, report: CycleReport, present: Collection[ServiceCondition]) -> None:
        now, after = report.ended, self.settings.notify_after
        notifications = Notifications(self.database)
        base_urls = self.settings.records.base_urls
        source = place_text(base_urls), self.run
        due = notifications.update({*present, *self._failures(report)}, after, now)
        if not self.outbox.receivers:
            return
        self.outbox.begin(now)
        apis = shown_apis(self.database)
        for condition in due:
            api = condition.condition.api if isinstance(condition.condition, ApiOutage) else ""
            errors = _errors_of(report, api) if api else report.errors
            place = base_urls.get(api, source[0]), self.run
            if self.outbox.send(condition_message(condition, now, *place, errors)):
                notifications.mark_condition_notified(condition)
        by_delivery: dict[Delivery, list[PendingNotification]] = {delivery: [] for delivery in Delivery}
        for pending in notifications.pending(now):
            by_delivery[delivery_of(pending, after)].append(pending)
        drift = [pending.episode for pending in by_delivery[Delivery.NOW]]
        if drift and self.outbox.send(drift_message(drift, now, *source, apis)):
            notifications.mark_notified(by_delivery[Delivery.NOW])
        notifications.mark_notified(by_delivery[Delivery.NEVER])
        keys = notifications.pending_keys()
        if keys and self.outbox.send(new_keys_message(keys, now, *source, apis)):
            notifications.mark_keys_notified(keys)

    def _failures(self, report: CycleReport) -> Iterator[Condition]:
        """Yield the conditions of failed cycles: the outage of single APIs, or that cycles fail altogether.

        The latter lasts until a cycle succeeds. A cycle that compared nothing has no information about single
        APIs.
        """
        before = {one.condition for one in conditions(self.database)}
        if not report.scopes:
            yield from (one for one in before if isinstance(one, ApiOutage))
        yield from map(ApiOutage, report.outages)
        is_failing = report.result is CycleResult.FAILED
        if is_failing and (ServiceCondition.ROUNDS in before or not report.is_outage_alone):
            yield ServiceCondition.ROUNDS


def _errors_of(report: CycleReport, api: str) -> tuple[str, ...]:
    """Return why the scopes of an API could not be read."""
    parts = (part for part in report.scopes if part.scope.api == api and part.detail)
    return tuple(f"{part.scope}: {part.detail}" for part in parts)
