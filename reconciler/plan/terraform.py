"""The members of a plan that tools for Terraform require beyond the changes. Pure.

They require a version of Terraform, planned values, a configuration, and some of them a single line. The
planned values are the declared values of keys that change: a plan has no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.model.plan import Action

if TYPE_CHECKING:
    from reconciler.model.plan import Change, Plan

_TERRAFORM_VERSION: Final = "1.9.0"
"""The version whose shape this is: tools refuse those that they do not know."""
_SCHEMA_VERSION: Final = 0


def terraform_members(plan: Plan) -> dict[str, Any]:
    """Return the members of the plan document."""
    kept = [change for change in plan.changes if change.action is not Action.DELETE]
    return {
        "terraform_version": _TERRAFORM_VERSION,
        "planned_values": {"root_module": {"resources": [_planned(change) for change in kept]}},
        "configuration": {
            "provider_config": {change.api: {"name": change.api} for change in plan.changes},
            "root_module": {"resources": [_configured(change) for change in kept]},
        },
        "applyable": bool(plan.changes) and not plan.objections,
        "complete": not plan.errors,
        "errored": bool(plan.errors),
    }


def resource_members(change: Change) -> dict[str, Any]:
    """Return the members of each change."""
    return {"mode": "managed", "provider_name": change.api}


def _named(change: Change) -> dict[str, Any]:
    return {"address": change.address, "mode": "managed", "type": change.scope.kind, "name": change.name}


def _planned(change: Change) -> dict[str, Any]:
    # With its name and where it is: policies ask for these too.
    values = {**dict(change.scope.parameters), "name": change.name, **change.after}
    return {
        **_named(change),
        "provider_name": change.api,
        "schema_version": _SCHEMA_VERSION,
        "values": values,
    }


def _configured(change: Change) -> dict[str, Any]:
    return {
        **_named(change),
        "provider_config_key": change.api,
        "schema_version": _SCHEMA_VERSION,
        "expressions": {},
    }
