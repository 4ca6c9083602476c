"""What a service answers over HTTP: status page, metrics, health."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from reconciler.render.notification import ServiceCondition
from reconciler.render.page import content_security_policy, render_page
from reconciler.service.history.queries import Selection, conditions, status
from reconciler.service.http import Answer
from reconciler.service.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.clock import Clock
    from reconciler.service.history.database import Database
    from reconciler.service.loop import Service
    from reconciler.service.metrics import Metrics
    from reconciler.service.systemd import Heartbeat

SHOWN: Final = dt.timedelta(days=30)
KEYS: Final = 100
_REFRESH_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Pages:
    """The answers of a running service."""

    service: Service
    database: Database
    metrics: Metrics
    heartbeat: Heartbeat
    clock: Clock

    def paths(self) -> Mapping[str, Callable[[], Answer]]:
        """Return what answers each path; what the page needs of the package is read now."""
        content_security_policy()
        return {
            "/": self._page,
            "/metrics": self._metrics,
            "/healthz": self._health,
            "/readyz": self._readiness,
        }

    def _page(self) -> Answer:
        now = self.clock.now()
        troubles = {condition.condition: condition.since for condition in conditions(self.database)}
        service = self.service.status(troubles.get(ServiceCondition.FILES))
        shown = status(self.database, Selection(now - SHOWN, limit=KEYS), now, service)
        body = render_page(shown, refresh_seconds=_REFRESH_SECONDS).encode()
        headers = {"Content-Security-Policy": content_security_policy()}
        return Answer(body, "text/html; charset=utf-8", headers=headers)

    def _metrics(self) -> Answer:
        due = self.service.status().next_cycle
        if due is not None:
            self.metrics.next_cycle(due)
        return Answer(self.metrics.exposition(), CONTENT_TYPE)

    def _health(self) -> Answer:
        """Tell a loop that moves from one that is stuck; a round that fails is no reason to restart."""
        if self.heartbeat.is_stuck():
            text = f"stuck: nothing has moved for {self.heartbeat.silence():.0f} s\n"
            return Answer(text.encode(), status=HTTPStatus.SERVICE_UNAVAILABLE)
        return Answer(b"alive\n")

    def _readiness(self) -> Answer:
        """Return whether the last round could read anything."""
        reason = self.service.unready()
        if reason:
            return Answer(f"not ready: {reason}\n".encode(), status=HTTPStatus.SERVICE_UNAVAILABLE)
        return Answer(b"ready\n")
