"""The plan as ``terraform show -json`` prints one, for the tools that read those. Pure.

They insist on more than the changes: on a version of Terraform, planned values, a configuration, and some of
them on a single line. The planned values are what is declared of keys that change: a plan has no others.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.canonical import format_instant
from reconciler.model.escape import neutralize_log_commands
from reconciler.model.plan import Action
from reconciler.plan.document import ACTIONS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from reconciler.model.plan import Change, Plan

_FORMAT_VERSION: Final = "1.2"
_TERRAFORM_VERSION: Final = "1.9.0"
"""The version whose shape this is: tools refuse those that they do not know."""
_SCHEMA_VERSION: Final = 0


def render_terraform(plan: Plan, made_at: dt.datetime) -> str:
    """Return the document, on one line as Terraform prints it."""
    kept = [change for change in plan.changes if change.action is not Action.DELETE]
    document = {
        "format_version": _FORMAT_VERSION,
        "terraform_version": _TERRAFORM_VERSION,
        "planned_values": {"root_module": {"resources": [_planned(change) for change in kept]}},
        "resource_changes": [_change(change) for change in plan.changes],
        "configuration": {
            "provider_config": {change.api: {"name": change.api} for change in plan.changes},
            "root_module": {"resources": [_configured(change) for change in kept]},
        },
        "timestamp": format_instant(made_at),
        "applyable": bool(plan.changes) and not plan.objections,
        "complete": not plan.errors,
        "errored": bool(plan.errors),
    }
    return neutralize_log_commands(json.dumps(document, separators=(",", ":"))) + "\n"


def _named(change: Change) -> dict[str, Any]:
    return {"address": change.address, "mode": "managed", "type": change.scope.kind, "name": change.name}


def _planned(change: Change) -> Mapping[str, Any]:
    return {
        **_named(change),
        "provider_name": change.api,
        "schema_version": _SCHEMA_VERSION,
        "values": _values(change, change.after),
    }


def _configured(change: Change) -> Mapping[str, Any]:
    return {
        **_named(change),
        "provider_config_key": change.api,
        "schema_version": _SCHEMA_VERSION,
        "expressions": {},
    }


def _change(change: Change) -> Mapping[str, Any]:
    return {
        **_named(change),
        "provider_name": change.api,
        "change": {
            "actions": ACTIONS[change.action],
            "before": None if change.action is Action.CREATE else _values(change, change.before),
            "after": None if change.action is Action.DELETE else _values(change, change.after),
            "after_unknown": {},
            "before_sensitive": False,
            "after_sensitive": False,
        },
    }


def _values(change: Change, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a key holds, with its name and where it is: policies ask for these too."""
    return {**dict(change.scope.parameters), "name": change.name, **fields}
