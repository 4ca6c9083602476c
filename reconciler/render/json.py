"""The machine-readable plan: its document as text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.model.canonical import format_instant
from reconciler.model.escape import neutralize_log_commands
from reconciler.plan.document import drift_document, plan_document

if TYPE_CHECKING:
    import datetime as dt

    from reconciler.model.plan import Plan
    from reconciler.render.drift import DriftView


def render_json(plan: Plan, made_at: dt.datetime) -> str:
    """Return the plan as one JSON object, ending with a newline."""
    return _rendered(plan_document(plan, made_at))


def render_drift_json(plan: Plan, view: DriftView, made_at: dt.datetime) -> str:
    """Return what a drift cycle found in the same form: ``plan`` would make everything as desired."""
    drift = {
        "resource_drift": [drift_document(key) for key in view.drifted],
        "resource_pending": [drift_document(key) for key in view.pending],
        "new_unmanaged": [
            {"address": key.address, "first_seen": format_instant(key.first_seen)} for key in view.new
        ],
    }
    return _rendered(plan_document(plan, made_at) | drift)


def _rendered(document: dict[str, Any]) -> str:
    return neutralize_log_commands(json.dumps(document, indent=2, ensure_ascii=True)) + "\n"
