"""Making a plan: every scope read, and compared as soon as it has come."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.commands.collector import paused_collector
from reconciler.errors import ReconcilerError, UnreadableError
from reconciler.observe import observe
from reconciler.plan import assemble, plan_scope
from reconciler.waiting import completed

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from reconciler.client import Reader
    from reconciler.kinds import Kind
    from reconciler.model import DesiredScope, DesiredState, Plan
    from reconciler.plan import ScopePlan, Selection


@dataclass(frozen=True, slots=True)
class Planner:
    """Reads scopes, ``parallelism`` at a time, and plans them as of ``now``."""

    reader: Reader
    kinds: Mapping[str, Kind]
    parallelism: int
    now: dt.datetime

    @paused_collector()
    def plan(self, state: DesiredState, selected: Selection, on_scope: Callable[[], None]) -> Plan:
        """Plan the selected keys of ``state``; ``on_scope`` is called after each scope.

        Raises UnreadableError naming each scope that could not be read; after the first such scope
        no further one is begun.
        """
        parts: list[ScopePlan] = []
        failures: list[str] = []
        pool = ThreadPoolExecutor(self.parallelism, thread_name_prefix="observe")
        try:
            futures = {pool.submit(self._examine, part, selected): str(part.scope) for part in state.scopes}
            for future in completed(futures):
                if future.cancelled():
                    continue
                try:
                    parts.append(future.result())
                except ReconcilerError as error:
                    failures.append(f"{futures[future]} could not be read: {error}")
                    # Not by a shutdown of the pool: completed would wait for ever for what that cancels.
                    for other in futures:
                        other.cancel()
                on_scope()
        finally:
            # Not waited for: after Ctrl-C a read may still hang until its time-out.
            pool.shutdown(wait=False, cancel_futures=True)
        if failures:
            raise UnreadableError(failures)
        return assemble(parts, state.warnings)

    def _examine(self, part: DesiredScope, selected: Selection) -> ScopePlan:
        kind = self.kinds[part.scope.kind]
        return plan_scope(kind, part, observe(self.reader, kind, part.scope), self.now, selected)
