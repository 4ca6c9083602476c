"""Applying a plan that was approved, and judging what came of it."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING

from reconciler.errors import ExitCode
from reconciler.model import Result

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from reconciler.apply import Executor, Listener
    from reconciler.model import Outcome, Plan


class Freshness(Enum):
    """Whether time has passed since a plan was made."""

    JUST_MADE = "just made"
    WAITED = "waited for approval"


def apply_plan(
    executor: Executor, plan: Plan, freshness: Freshness, on_outcome: Listener
) -> tuple[Outcome, ...]:
    """Execute ``plan`` as it stands and give what became of each change, sorted by address.

    A plan that waited is checked first: a key that somebody changed in the meantime, in a field that
    would be sent, is left alone as stale. Raises ApiError if that check cannot be made.
    """
    stale = executor.find_stale(plan.changes) if freshness is Freshness.WAITED else ()
    for outcome in stale:
        on_outcome(outcome)
    overtaken = {outcome.change.sort_key for outcome in stale}
    current = [change for change in plan.changes if change.sort_key not in overtaken]
    sent = executor.execute(current, on_outcome)
    return tuple(sorted((*stale, *sent), key=lambda outcome: outcome.change.sort_key))


def exit_code(outcomes: Sequence[Outcome], stop: threading.Event) -> ExitCode:
    """Judge a whole run by its outcomes."""
    counts = Counter(outcome.result for outcome in outcomes)
    if stop.is_set():
        return ExitCode.INTERRUPTED
    if counts[Result.APPLIED] == len(outcomes):
        return ExitCode.DONE
    if counts[Result.STALE] == len(outcomes):
        return ExitCode.REFUSED
    if counts[Result.FAILED] == len(outcomes):
        return ExitCode.ERROR
    return ExitCode.PARTIAL
