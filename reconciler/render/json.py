"""The machine-readable plan, shaped like Terraform's; ``schemas/plan.schema.json`` describes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.canonical import format_instant
from reconciler.model.escape import neutralize_log_commands
from reconciler.model.plan import Action, Origin
from reconciler.model.scope import SCOPE_NAMES
from reconciler.model.version import __version__
from reconciler.render.gitlab import action_counts
from reconciler.render.values import origin_text

if TYPE_CHECKING:
    import datetime as dt

    from reconciler.model.plan import Change, Plan
    from reconciler.model.source import Problem
    from reconciler.plan.drift import DriftedKey
    from reconciler.render.drift import DriftView

FORMAT_VERSION: Final = "1.0"
ACTIONS: Final = {
    Action.CREATE: ["create"],
    Action.UPDATE: ["update"],
    Action.DELETE: ["delete"],
    Action.REPLACE: ["delete", "create"],
}


def render_json(plan: Plan, made_at: dt.datetime) -> str:
    """Return the plan as one JSON object, ending with a newline."""
    return _rendered(_document(plan, made_at))


def render_drift_json(plan: Plan, view: DriftView, made_at: dt.datetime) -> str:
    """Return what a round of drift found in the same form: ``plan`` would make everything as desired."""
    return _rendered(
        {
            **_document(plan, made_at),
            "resource_drift": [_drift(key) for key in view.drifted],
            "resource_pending": [_drift(key) for key in view.pending],
            "new_unmanaged": [
                {"address": key.address, "first_seen": format_instant(key.first_seen)} for key in view.new
            ],
        }
    )


def _rendered(document: dict[str, Any]) -> str:
    return neutralize_log_commands(json.dumps(document, indent=2, ensure_ascii=True)) + "\n"


def _document(plan: Plan, made_at: dt.datetime) -> dict[str, Any]:
    return {
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
        "new_secrets": plan.new_secrets,
        "resource_changes": [_change(change) for change in plan.changes],
        "unmanaged": list(plan.unmanaged),
        "errors": [_problem(problem) for problem in plan.problems],
        "refusals": [_problem(problem) for problem in plan.refusals],
        "warnings": [_problem(problem) for problem in plan.warnings],
    }


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
    """Return the request that is sent; of a replacement the last, which the deletion comes before."""
    *first, last = change.requests
    return {
        "method": last.method,
        "path": last.path,
        **({"after": f"{first[0].method} {first[0].path}"} if first else {}),
    }


def _origins(change: Change) -> dict[str, Any]:
    """Return the members that say which side made each field differ, or the whole key, if that is known."""
    origins = {field.field: field.origin.value for field in change.fields if field.origin is not None}
    whole = {} if change.origin is None else {"origin": change.origin.value}
    return {**({"origins": origins} if origins else {}), **whole}


def _origins_of_all(plan: Plan) -> dict[str, int]:
    counts = {origin.value: plan.of_origin(origin) for origin in Origin}
    return counts if any(counts.values()) else {}


def _drift(key: DriftedKey) -> dict[str, Any]:
    """Return what became of a live key, from the desired to the live values; null where there is no key."""
    fields = {field.field: field for field in key.fields}
    return {
        **_key(key.correction),
        "change": {
            "actions": [key.action.value],
            "before": None if key.action is Action.CREATE else dict(key.correction.after),
            "after": None if key.action is Action.DELETE else dict(key.correction.before),
            "effect": key.effect.value,
            "effects": {name: field.effect.value for name, field in fields.items()},
            "origins": {name: origin_text(field.origin) for name, field in fields.items()},
        },
        **({} if key.action is Action.UPDATE else {"origin": origin_text(key.origin)}),
    }


def _key(change: Change) -> dict[str, Any]:
    parts = dict(change.scope.parameters)
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
