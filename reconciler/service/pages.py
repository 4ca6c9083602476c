"""The HTTP pages of a service: status page, metrics, health."""

from __future__ import annotations

import datetime as dt
import glob as globs
import urllib.parse
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from reconciler.model.frozen import dataclass
from reconciler.model.status import ServiceCondition
from reconciler.render.page import Medium, content_security_policy, render_page
from reconciler.service.history.queries import PerKey, Selection, conditions, status, window_since
from reconciler.service.http import Response, plain, serve
from reconciler.service.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.service.loop import Service
    from reconciler.service.metrics import Metrics
    from reconciler.service.monitor import Monitor

_SHOWN: Final = dt.timedelta(days=30)
_KEYS: Final = 100
_REFRESH_SECONDS: Final = 60
_LONGEST: Final = 500
"""No address that is asked for has more characters."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a running service."""

    service: Service
    monitor: Monitor
    metrics: Metrics

    @contextmanager
    def served(self, port: int) -> Iterator[None]:
        """Serve the pages within the context. Raises ConfigurationError if that fails."""
        settings, ports = self.monitor.settings, self.monitor.ports
        address = settings.metrics_address
        paths = {
            "/": self._page,
            "/metrics": lambda _query: self._metrics(),
            "/healthz": lambda _query: self._health(),
            "/readyz": lambda _query: self._readiness(),
        }
        content_security_policy()  # reads what the page needs of the package
        with serve(address, port, paths, ports.clock, settings.metrics_hosts) as reached:
            host = f"[{address}]" if ":" in address else address
            ports.observer.note(f"Status page: http://{host}:{reached}/", "page.served")
            yield

    def _page(self, query: str) -> Response:
        glob, per_key = _asked(query)
        now, database = self.monitor.ports.clock.now(), self.monitor.database
        present = {condition.condition: condition.since for condition in conditions(database)}
        service = self.service.status(present.get(ServiceCondition.FILES))
        since = window_since(database, now, now - _SHOWN)
        shown = status(database, Selection(since, glob, _KEYS), now, service, per_key)
        body = render_page(shown, Medium.SERVED, refresh_seconds=_REFRESH_SECONDS).encode()
        headers = {"Content-Security-Policy": content_security_policy()}
        return Response(body, "text/html; charset=utf-8", headers=headers)

    def _metrics(self) -> Response:
        if due := self.service.status().next_cycle:
            self.metrics.next_cycle(due)
        return Response(self.metrics.exposition(), CONTENT_TYPE)

    def _health(self) -> Response:
        """Return whether the loop is alive; a failed cycle is not a reason to restart."""
        heartbeat = self.monitor.heartbeat
        if heartbeat.is_stuck():
            text = f"the service makes no progress for {heartbeat.silence():.0f} s"
            return plain(text, HTTPStatus.SERVICE_UNAVAILABLE)
        return plain("alive")

    def _readiness(self) -> Response:
        """Return whether the last cycle could read a scope."""
        if reason := self.service.unready():
            return plain(f"not ready: {reason}", HTTPStatus.SERVICE_UNAVAILABLE)
        return plain("ready")


def _asked(query: str) -> tuple[str, PerKey]:
    """Return the glob of keys in a query, and how much of each is shown.

    ``object`` is one address, ``name`` a part of several or a glob.
    """
    asked = dict(urllib.parse.parse_qsl(query[: 9 * _LONGEST], errors="replace"))
    if one := asked.get("object", "")[:_LONGEST]:
        return globs.escape(one), PerKey(100, 100)
    name = asked.get("name", "").strip()[:_LONGEST]
    if not name:
        return "*", PerKey()
    return name if "*" in name else f"*{globs.escape(name)}*", PerKey()
