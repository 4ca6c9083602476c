"""Applying a plan that was approved, and judging what came of it."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING

from reconciler.errors import ExitCode
from reconciler.model.outcome import Result

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from reconciler.apply.executor import Executor
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
