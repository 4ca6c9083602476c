"""The report from which GitLab's merge request widget takes its three numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model import Plan


def render_gitlab(plan: Plan) -> str:
    """Give how many keys a plan creates, updates and deletes, ending with a newline."""
    counts = {"create": 0, "update": len(plan.changes), "delete": 0}
    return json.dumps(counts, separators=(",", ":")) + "\n"
