"""The plan as a document in Terraform's structure, described by ``schemas/plan.schema.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.model.canonical import format_instant
from reconciler.model.plan import Action, Change, DriftOrigin, Origin, Plan
from reconciler.model.scope import SCOPE_NAMES
from reconciler.model.version import __version__
from reconciler.plan.needs import needs

if TYPE_CHECKING:
    import datetime as dt

    from reconciler.model.identity import IdentityChange
    from reconciler.model.source import Problem
    from reconciler.plan.drift import DriftedKey
    from reconciler.plan.needs import Need

FORMAT_VERSION: Final = "1.0"
ACTIONS: Final = {
    Action.CREATE: ["create"],
    Action.UPDATE: ["update"],
    Action.DELETE: ["delete"],
    Action.REPLACE: ["delete", "create"],
}


def plan_document(plan: Plan, made_at: dt.datetime) -> dict[str, Any]:
    """Return the plan as a JSON object."""
    doubled = {address: list(ids) for address, ids in plan.unmanaged_ids.items()}
    identities = {address: _identity(identity) for address, identity in plan.identity_changes.items()}
    origins = {origin.value: plan.of_origin(origin) for origin in Origin}
    aliases = [{"address": one.address, "alias": one.alias} for one in plan.aliases]
    return {
        "format_version": FORMAT_VERSION,
        "reconciler_version": __version__,
        "timestamp": format_instant(made_at),
        "fingerprint": plan.fingerprint,
        "summary": {
            **plan.action_counts,
            "no-op": plan.unchanged,
            "unmanaged": len(plan.unmanaged),
            "grants": plan.grants,
            "revokes": plan.revokes,
            "neutral": plan.neutral,
            **(origins if any(origins.values()) else {}),
        },
        "new_secrets": plan.new_secrets,
        "needs": [_need(need) for need in needs(plan)],
        "resource_changes": [_change(change) for change in plan.changes],
        **({"secret_aliases": aliases} if aliases else {}),
        "unmanaged": list(plan.unmanaged),
        **({"unmanaged_ids": doubled} if doubled else {}),
        **({"identities": identities} if identities or plan.knows_ids else {}),
        "errors": [_problem(problem) for problem in plan.problems],
        "refusals": [_problem(problem) for problem in plan.refusals],
        "warnings": [_problem(problem) for problem in plan.warnings],
    }


def request_document(change: Change) -> dict[str, Any]:
    """Return the request that is sent; for a replacement the last one, after the deletion."""
    *first, last = change.requests
    after = {"after": f"{first[0].method} {first[0].path}"} if first else {}
    return {"method": last.method, "path": last.path, **after}


def drift_document(key: DriftedKey) -> dict[str, Any]:
    """Return how a live key differs, from the desired to the live values; null if the key is missing."""
    # What is reported of the object itself is in no correction.
    moved = [field for field in key.fields if key.identity_change is not None and field.field in key.unsent]
    before, after = {one.field: one.before for one in moved}, {one.field: one.after for one in moved}
    return {
        **_key(key.correction),
        "change": {
            "actions": [key.action.value],
            "before": None if key.action is Action.CREATE else before | dict(key.correction.after),
            "after": None if key.action is Action.DELETE else after | dict(key.correction.before),
            "effect": key.effect.value,
            "effects": {field.field: field.effect.value for field in key.fields},
            "origins": {field.field: _origin(field.origin) for field in key.fields},
        },
        **({} if key.action is Action.UPDATE else {"origin": _origin(key.origin)}),
        **({} if key.identity_change is None else {"identity": _identity(key.identity_change)}),
    }


def _identity(identity: IdentityChange) -> dict[str, Any]:
    became = "renamed" if identity.is_rename else "replaced" if identity.is_taken else "recreated"
    return {
        "became": became,
        "id": identity.path_id,
        "new_name": identity.new_name,
        "other_id": identity.other_id,
    }


def _origin(origin: Origin | DriftOrigin | None) -> str:
    return "unknown" if origin is None else origin.value


def _change(change: Change) -> dict[str, Any]:
    origins = {field.field: field.origin.value for field in change.fields if field.origin is not None}
    return {
        **_key(change),
        "change": {
            "actions": ACTIONS[change.action],
            "before": None if change.action is Action.CREATE else dict(change.before),
            "after": None if change.action is Action.DELETE else dict(change.after),
            "patch": dict(change.patch),
            "effects": {field.field: field.effect.value for field in change.fields},
            **({"origins": origins} if origins else {}),
            **({} if change.origin is None else {"origin": change.origin.value}),
        },
        "request": request_document(change),
        **({"live_members": dict(change.shown)} if change.shown and change.action is Action.UPDATE else {}),
        **({"undeclared": True} if change.is_undeclared else {}),
        **({} if change.purpose is None else {"purpose": change.purpose.value}),
        **({} if change.successor is None else {"waits_for": change.successor}),
        "created_at": change.created,
    }


def _key(change: Change) -> dict[str, Any]:
    parts = dict(change.scope.parameters)
    return {
        "address": change.address,
        "api": change.api,
        "type": change.scope.kind,
        "name": change.name,
        **({} if change.path_id in {None, change.name} else {"id": change.path_id}),
        **(parts if parts.keys() <= set(SCOPE_NAMES) else {"scope": parts}),
        "declared_at": f"{change.position.source}:{change.position.line}",
    }


def _need(need: Need) -> dict[str, Any]:
    return {"option": need.option, "reason": need.reason, "keys": list(need.keys)}


def _problem(problem: Problem) -> dict[str, Any]:
    position = {} if problem.position is None else {"declared_at": str(problem.position)}
    live = {"live": True} if problem.is_live else {}
    return {"address": problem.address, "message": problem.message, **position, **live}
