"""The report from which GitLab's merge request widget takes its three numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.plan import Plan


def render_gitlab(plan: Plan) -> str:
    """Return how many keys a plan creates, updates and deletes, ending with a newline."""
    return json.dumps(plan.action_counts, separators=(",", ":")) + "\n"
