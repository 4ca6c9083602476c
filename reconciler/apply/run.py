"""Applying a plan that was approved, and judging what came of it."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING

from reconciler.api.writer import Writer
from reconciler.apply.executor import Executor
from reconciler.errors import ExitCode
from reconciler.model.outcome import Result

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from reconciler.api.client import Session
    from reconciler.apply.lifecycle import SecretStore
    from reconciler.apply.observer import Observer
    from reconciler.kinds.kind import Kind
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Plan


class Freshness(Enum):
    """Whether time has passed since a plan was made."""

    JUST_MADE = "just made"
    WAITED = "waited for approval"


def apply_plan(executor: Executor, plan: Plan, freshness: Freshness) -> tuple[Outcome, ...]:
    """Execute ``plan`` as it stands and return what became of each change, sorted by address.

    A plan that waited is checked first: a key that somebody changed in the meantime, in a field that
    would be sent, is left alone as stale, and so is a key that cannot be checked.
    """
    kept_back = executor.recheck(plan.changes) if freshness is Freshness.WAITED else ()
    not_sent = {outcome.change.sort_key for outcome in kept_back}
    sent = executor.execute([c for c in plan.changes if c.sort_key not in not_sent])
    return tuple(sorted((*kept_back, *sent), key=lambda outcome: outcome.change.sort_key))


def apply_in(  # noqa: PLR0913, PLR0917 - all that an apply depends on
    session: Session,
    kinds: Mapping[str, Kind],
    plan: Plan,
    freshness: Freshness,
    observers: Sequence[Observer] = (),
    secrets: SecretStore | None = None,
) -> tuple[Outcome, ...]:
    """Apply ``plan`` over a session that can write, with the connection of ``session``."""
    with Writer(session.connection) as writer:
        executor = Executor(writer, kinds, session.workers, session.stop, observers, secrets)
        return apply_plan(executor, plan, freshness)


def exit_code(outcomes: Sequence[Outcome], stop: threading.Event) -> ExitCode:
    """Judge a whole run by its outcomes."""
    counts = Counter(outcome.result for outcome in outcomes)
    if stop.is_set():
        return ExitCode.INTERRUPTED
    if counts[Result.APPLIED] + counts[Result.UNCHANGED] == len(outcomes):
        # A remark on what was applied says that the journal could not be kept.
        return ExitCode.PARTIAL if any(outcome.detail for outcome in outcomes) else ExitCode.DONE
    if counts[Result.STALE] == len(outcomes):
        return ExitCode.REFUSED
    if counts[Result.FAILED] + counts[Result.NOT_ATTEMPTED] == len(outcomes):
        return ExitCode.ERROR
    return ExitCode.PARTIAL
