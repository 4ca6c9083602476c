"""Detecting drift from the command line: read, compare, and say which side changed what."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.cli.base import base_of
from reconciler.cli.settings import InputOptions, build
from reconciler.model.source import Problem
from reconciler.service.detection import Detection

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from reconciler.api.reader import Reader
    from reconciler.api.workers import Workers
    from reconciler.cli.console import Console
    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredState
    from reconciler.model.plan import Plan
    from reconciler.model.status import NewKey
    from reconciler.plan.origins import KeyAtBase
    from reconciler.plan.planning import Selection
    from reconciler.service.history.applied import Applied

_NOT_COMMITTED: Final = "not committed; a difference from it may be a change of yours, and no drift"


@dataclass(frozen=True, slots=True)
class Detector:
    """Reads the live keys and compares them with the files; ``applied`` is what a history knows of before."""

    parameters: Mapping[str, Any]
    kinds: Mapping[str, Kind]
    workers: Workers
    console: Console
    applied: Applied

    def detect(self, client: Reader, state: DesiredState, selected: Selection, now: dt.datetime) -> Detection:
        """Compare what can be read. Raises ReconcilerError if that is nothing, or without such a base."""
        from reconciler.pipeline import Planner  # noqa: PLC0415 - --help needs no engine
        from reconciler.plan.drift import drift_of, drifted_part, pending_part  # noqa: PLC0415 - the same

        base, warnings = self._base(client, now)
        with self.console.progress("Reading scopes", len(state.scopes)) as advance:
            found, unread = Planner(client, self.kinds, self.workers, now).plan_readable(
                state, selected, advance
            )
        plan = self._with_origins(found, base)
        keys = drift_of(self.kinds, plan)
        if keys:
            warnings = (*warnings, *self._not_committed())
        plan = replace(plan, warnings=(*plan.warnings, *warnings))
        return Detection(plan, drifted_part(keys), unread, pending_part(keys))

    def new_keys(self, detection: Detection, now: dt.datetime) -> tuple[NewKey, ...]:
        """Return the undeclared live keys that came since rounds began. Raises HistoryError."""
        return () if self.parameters["target"] else self.applied.new_keys(detection.plan, now)

    def store(
        self,
        detection: Detection,
        whole: DesiredState,
        state: DesiredState,
        selected: Selection,
        now: dt.datetime,
    ) -> None:
        """Store what later rounds compare with. Raises HistoryError."""
        is_whole = not self.parameters["target"]
        was_compared = detection.compared(whole, selected)
        self.applied.store_pending(detection.pending_fields(), was_compared, now)
        if is_whole:
            self.applied.store_unmanaged(detection.plan, now)
        if self.parameters["history"] is not None:
            self.applied.store(state, detection.plan, was_compared, is_whole=is_whole)
            if is_whole:
                self.applied.purge_undeclared(state, detection.plan)

    def _base(self, client: Reader, now: dt.datetime) -> tuple[DesiredState | None, tuple[Problem, ...]]:
        if self.parameters["base"] is None:
            return None, ()
        from reconciler.observe.names import Directory  # noqa: PLC0415 - only --base needs it

        base = base_of(self.kinds, Directory(client), build(InputOptions, self.parameters), now)
        return (None, ()) if base is None else (base.comparable, base.warnings)

    def _with_origins(self, plan: Plan, base: DesiredState | None) -> Plan:
        from reconciler.plan.origins import state_as_base, with_origins  # noqa: PLC0415 - --help needs no engine

        at_base: KeyAtBase
        if base is not None:
            at_base = state_as_base(self.kinds, plan, base)
        elif self.parameters["base"] is None and self.parameters["history"] is not None:
            at_base = self.applied.at_base()
        else:
            return plan
        return with_origins(plan, at_base)

    def _not_committed(self) -> tuple[Problem, ...]:
        from reconciler.load.git import not_committed  # noqa: PLC0415 - only a difference asks

        files = not_committed(self.parameters["paths"], os.environ)  # noqa: TID251 - until it is handed in
        return tuple(Problem(f"{file}: {_NOT_COMMITTED}") for file in files)
