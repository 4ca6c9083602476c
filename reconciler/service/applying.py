"""The writes of one apply: recorded, shown, and summarized as an exit code."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reconciler.apply.executor import exit_code
from reconciler.errors import ExitCode
from reconciler.model.frozen import dataclass
from reconciler.pipeline.applying import apply

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from reconciler.api.client import Sessions
    from reconciler.apply.observer import Observer
    from reconciler.apply.sinks.store import SinkSecretStore
    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredState
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Freshness, Plan
    from reconciler.service.records import Records, WriteObserver


@dataclass(frozen=True, slots=True)
class PlannedApply:
    """A plan of ``targets``, and its inputs; a saved plan has no ``state``."""

    kinds: Mapping[str, Kind]
    state: DesiredState | None
    plan: Plan
    targets: Sequence[str]
    now: dt.datetime


@dataclass(frozen=True, slots=True)
class Writing:
    """How a plan is written: the observer, the store for secrets, and whether time passed since the plan.

    ``signals`` returns the context in which writes start: after a stop signal those in flight finish.
    """

    observer: WriteObserver
    secrets: SinkSecretStore | None
    freshness: Freshness
    signals: Callable[[], AbstractContextManager[None]]


def write_planned(records: Records, client: Sessions, planned: PlannedApply, how: Writing) -> ExitCode:
    """Send the changes of a plan, or only publish secrets under their aliases; return the exit code.

    Raises ReconcilerError if nothing was sent.
    """
    plan, secrets = planned.plan, how.secrets
    records.store_applied(planned.kinds, planned.state, plan, planned.targets, planned.now)
    known_ids = records.known_ids(scope for scope, _ in plan.observed)
    written = partial(apply, plan, client, kinds=planned.kinds, known_ids=known_ids)

    def send(observers: Sequence[Observer]) -> tuple[Outcome, ...]:
        with how.signals():
            return written(secrets=secrets, observers=observers, freshness=how.freshness)

    code = ExitCode.DONE
    if plan.changes:
        code, _ = records.apply(plan, secrets, how.observer, client.stop, send)
    elif secrets is not None:  # a run before was ended, perhaps before it stored the secret of an alias
        code = exit_code(send(()), client.stop)
    # A problem is a live object that could not be compared, so its changes were not applied.
    if code or not (plan.problems or (secrets is not None and secrets.failures)):
        return code
    return ExitCode.PARTIAL if plan.changes else ExitCode.ERROR
