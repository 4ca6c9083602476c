"""The machine-readable plan, shaped like Terraform's; ``schemas/plan.schema.json`` describes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from reconciler import __version__
from reconciler.model import Action, Origin
from reconciler.normalize import format_instant
from reconciler.render.escape import tamed
from reconciler.render.gitlab import action_counts
from reconciler.scope import SCOPE_NAMES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from reconciler.drift import DriftedKey
    from reconciler.errors import Problem
    from reconciler.model import Change, Plan

FORMAT_VERSION: Final = "1.0"
ACTIONS: Final = {
    Action.CREATE: ["create"],
    Action.UPDATE: ["update"],
    Action.DELETE: ["delete"],
    Action.REPLACE: ["delete", "create"],
}


def render_json(plan: Plan, made_at: dt.datetime, drifted: Sequence[DriftedKey] | None = None) -> str:
    """Give the plan as one JSON object, ending with a newline; ``drifted`` adds what changed outside Git."""
    document: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "reconciler_version": __version__,
        "timestamp": format_instant(made_at),
        "fingerprint": plan.fingerprint,
        "summary": {
            **action_counts(plan),
            "no-op": plan.unchanged,
            "unmanaged": len(plan.unmanaged),
            "grants": plan.grants,
            "revokes": plan.revokes,
            "neutral": plan.neutral,
            **_origins_of_all(plan),
        },
        "resource_changes": [_change(change) for change in plan.changes],
        "unmanaged": list(plan.unmanaged),
        "errors": [_problem(problem) for problem in plan.problems],
        "refusals": [_problem(problem) for problem in plan.refusals],
        "warnings": [_problem(problem) for problem in plan.warnings],
    }
    if drifted is not None:
        document["resource_drift"] = [_drift(key) for key in drifted]
    return tamed(json.dumps(document, indent=2, ensure_ascii=True)) + "\n"


def _change(change: Change) -> dict[str, Any]:
    return {
        **_key(change),
        "change": {
            "actions": ACTIONS[change.action],
            "before": dict(change.before) if change.action is not Action.CREATE else None,
            "after": dict(change.after) if change.action is not Action.DELETE else None,
            "patch": dict(change.patch),
            "effects": {field.field: field.effect.value for field in change.fields},
            **_origins(change),
        },
        "request": request_document(change),
        **({"undeclared": True} if change.is_undeclared else {}),
        "created_at": change.created,
    }


def request_document(change: Change) -> dict[str, Any]:
    """Give the request that is sent; of a replacement the last, which the deletion comes before."""
    *first, last = change.requests
    return {
        "method": last.method,
        "path": last.path,
        **({"after": f"{first[0].method} {first[0].path}"} if first else {}),
    }


def _origins(change: Change) -> dict[str, Any]:
    """Give the member that says who made each field differ, if that is known."""
    origins = {field.field: field.origin.value for field in change.fields if field.origin is not None}
    return {"origins": origins} if origins else {}


def _origins_of_all(plan: Plan) -> dict[str, int]:
    counts = {origin.value: plan.of_origin(origin) for origin in Origin}
    return counts if any(counts.values()) else {}


def _drift(key: DriftedKey) -> dict[str, Any]:
    return {
        **_key(key.correction),
        "change": {
            "actions": ["update"],
            "before": dict(key.correction.after),
            "after": dict(key.correction.before),
            "effects": {field.field: field.effect.value for field in key.fields},
        },
    }


def _key(change: Change) -> dict[str, Any]:
    parts = dict(change.scope.parts)
    return {
        "address": change.address,
        "type": change.scope.kind,
        "name": change.name,
        **(parts if parts.keys() <= set(SCOPE_NAMES) else {"scope": parts}),
        "declared_at": f"{change.position.source}:{change.position.line}",
    }


def _problem(problem: Problem) -> dict[str, Any]:
    place = {} if problem.position is None else {"declared_at": str(problem.position)}
    live = {"live": True} if problem.is_live else {}
    return {"address": problem.address, "message": problem.message, **place, **live}
