"""The comparison of drift: a plan of the scopes that can be read, with the side that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.collector import paused_collector
from reconciler.model.source import Problem
from reconciler.pipeline.execution import IN_PROCESS
from reconciler.pipeline.reading import (
    Comparison,
    Failing,
    apis_of,
    directory_of,
    follow_nothing,
    is_stopped,
    known_kinds,
    unread,
    unreadable,
)
from reconciler.plan.origins import with_origins
from reconciler.plan.planning import assemble, select, with_problems
from reconciler.plan.report import report_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from reconciler.api.client import Sessions
    from reconciler.model.desired import DesiredState
    from reconciler.model.plan import Plan
    from reconciler.pipeline.execution import Executor
    from reconciler.pipeline.reading import Kinds, Reading
    from reconciler.plan.origins import KeyAtBase
    from reconciler.plan.report import DriftReport


@paused_collector()
def drift(  # noqa: PLR0913 - what a comparison depends on
    state: DesiredState,
    client: Sessions,
    *,
    kinds: Kinds | None = None,
    targets: Sequence[str] = (),
    now: dt.datetime | None = None,
    origins: Callable[[Plan], KeyAtBase] | None = None,
    reading: Reading = follow_nothing,
    executor: Executor = IN_PROCESS,
) -> DriftReport:
    """Return how the live keys differ from the desired state, in the scopes that can be read.

    ``origins`` returns the earlier desired state of the keys of a plan, which shows the side that changed.
    Raises UnreadableError if no scope can be read, or if the run was interrupted meanwhile, which leaves
    scopes unread. Otherwise raises the errors of :func:`plan`.
    """
    whole, at = directory_of(client).resolved(state), now or client.clock.now()
    targeted, _ = select(whole, targets)
    known = known_kinds(kinds, whole.scopes)
    how = Comparison(known, tuple(targets), at, Failing.GOES_ON)
    parts, failures = executor.examine(client, targeted, how, reading)
    if failures and (not parts or is_stopped(failures)):
        raise unreadable(failures)
    place = client.place({api for part in parts for api in apis_of(known, part)})
    problems = (Problem(reason, address=str(scope)) for scope, reason in unread(failures).items())
    found = with_problems(assemble(parts, targeted.warnings, place), problems)
    if origins is not None:
        found = with_origins(known, found, origins(found))
    return report_of(known, found, failures)
