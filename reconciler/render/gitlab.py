"""The report from which GitLab's merge request widget takes its three numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.model.plan import Action

if TYPE_CHECKING:
    from reconciler.model.plan import Plan


def action_counts(plan: Plan) -> dict[str, int]:
    """Count keys by what happens to them; one that is replaced is deleted and created."""
    replaced = plan.count(Action.REPLACE)
    return {
        "create": plan.count(Action.CREATE) + replaced,
        "update": plan.count(Action.UPDATE),
        "delete": plan.count(Action.DELETE) + replaced,
    }


def render_gitlab(plan: Plan) -> str:
    """Return how many keys a plan creates, updates and deletes, ending with a newline."""
    counts = action_counts(plan)
    return json.dumps(counts, separators=(",", ":")) + "\n"
