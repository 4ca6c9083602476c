"""What a service serves over HTTP: status page, metrics, health."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from reconciler.model.status import ServiceCondition
from reconciler.render.page import content_security_policy, render_page
from reconciler.service.history.queries import Selection, conditions, status
from reconciler.service.http import Response, plain, serve
from reconciler.service.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.model.clock import Clock
    from reconciler.service.history.database import Database
    from reconciler.service.loop import Service
    from reconciler.service.metrics import Metrics
    from reconciler.service.settings import CycleObserver, DriftSettings
    from reconciler.service.systemd import Heartbeat

SHOWN: Final = dt.timedelta(days=30)
KEYS: Final = 100
_REFRESH_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a running service."""

    service: Service
    database: Database
    metrics: Metrics
    heartbeat: Heartbeat
    clock: Clock

    @contextmanager
    def served(self, settings: DriftSettings, observer: CycleObserver) -> Iterator[None]:
        """Serve the pages as long as the context lasts. Raises ConfigurationError if that cannot be."""
        address = settings.metrics_address
        with serve(
            address, settings.metrics_port or 0, self.paths(), settings.metrics_hosts, self.clock
        ) as port:
            host = f"[{address}]" if ":" in address else address
            observer.note(f"Status page: http://{host}:{port}/")
            yield

    def paths(self) -> Mapping[str, Callable[[], Response]]:
        """Return what serves each path; what the page needs of the package is read now."""
        content_security_policy()
        return {
            "/": self._page,
            "/metrics": self._metrics,
            "/healthz": self._health,
            "/readyz": self._readiness,
        }

    def _page(self) -> Response:
        now = self.clock.now()
        since = {condition.condition: condition.since for condition in conditions(self.database)}
        service = self.service.status(since.get(ServiceCondition.FILES))
        shown = status(self.database, Selection(now - SHOWN, limit=KEYS), now, service)
        body = render_page(shown, refresh_seconds=_REFRESH_SECONDS).encode()
        headers = {"Content-Security-Policy": content_security_policy()}
        return Response(body, "text/html; charset=utf-8", headers=headers)

    def _metrics(self) -> Response:
        due = self.service.status().next_cycle
        if due is not None:
            self.metrics.next_cycle(due)
        return Response(self.metrics.exposition(), CONTENT_TYPE)

    def _health(self) -> Response:
        """Distinguish a loop that moves from one that is stuck; a failed cycle is not a reason to restart."""
        if self.heartbeat.is_stuck():
            text = f"stuck: nothing has moved for {self.heartbeat.silence():.0f} s"
            return plain(text, HTTPStatus.SERVICE_UNAVAILABLE)
        return plain("alive")

    def _readiness(self) -> Response:
        """Return whether the last cycle could read anything."""
        reason = self.service.unready()
        if reason:
            return plain(f"not ready: {reason}", HTTPStatus.SERVICE_UNAVAILABLE)
        return plain("ready")
