"""Declarative reconciler for cloud API keys: desired state in Git, minimal PATCH calls to the API.

The names in ``__all__`` are the library, which docs/library.md describes. Each is loaded on first use:
importing the package alone loads neither the HTTP client nor the YAML parser.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.version import __version__ as __version__

if TYPE_CHECKING:
    from reconciler.api.apis import Apis
    from reconciler.apply.observer import Observer, SecretStore, StoredSecret
    from reconciler.errors import (
        ApiError,
        ConfigurationError,
        ExitCode,
        InputError,
        JournalError,
        ReconcilerError,
        RefusedError,
        SinkError,
        UnreadableError,
    )
    from reconciler.model.desired import DesiredKey, DesiredScope, DesiredState
    from reconciler.model.outcome import Outcome, Result
    from reconciler.model.plan import Action, Change, Effect, FieldChange, Freshness, Plan
    from reconciler.model.provenance import Provenance
    from reconciler.model.request import Request
    from reconciler.model.scope import Scope
    from reconciler.model.secret import Secret
    from reconciler.model.source import Position, Problem
    from reconciler.pipeline import check, load, load_kinds, plan, read_plan, render, write_plan
    from reconciler.pipeline.applying import apply
    from reconciler.pipeline.client import Client
    from reconciler.pipeline.comparing import drift
    from reconciler.pipeline.execution import Executor
    from reconciler.pipeline.executors import cluster, processes
    from reconciler.plan.drift import DriftedKey
    from reconciler.plan.limits import Limits
    from reconciler.plan.report import DriftReport

_HOMES: Final = {
    "api.apis": "Apis",
    "apply.observer": "Observer SecretStore StoredSecret",
    "errors": "ApiError ConfigurationError ExitCode InputError JournalError ReconcilerError RefusedError"
    " SinkError UnreadableError",
    "model.desired": "DesiredKey DesiredScope DesiredState",
    "model.outcome": "Outcome Result",
    "model.plan": "Action Change Effect FieldChange Freshness Plan",
    "model.provenance": "Provenance",
    "model.request": "Request",
    "model.scope": "Scope",
    "model.secret": "Secret",
    "model.source": "Position Problem",
    "pipeline": "check load load_kinds plan read_plan render write_plan",
    "pipeline.applying": "apply",
    "pipeline.client": "Client",
    "pipeline.comparing": "drift",
    "pipeline.execution": "Executor",
    "pipeline.executors": "cluster processes",
    "plan.drift": "DriftedKey",
    "plan.limits": "Limits",
    "plan.report": "DriftReport",
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Action",
    "ApiError",
    "Apis",
    "Change",
    "Client",
    "ConfigurationError",
    "DesiredKey",
    "DesiredScope",
    "DesiredState",
    "DriftReport",
    "DriftedKey",
    "Effect",
    "Executor",
    "ExitCode",
    "FieldChange",
    "Freshness",
    "InputError",
    "JournalError",
    "Limits",
    "Observer",
    "Outcome",
    "Plan",
    "Position",
    "Problem",
    "Provenance",
    "ReconcilerError",
    "RefusedError",
    "Request",
    "Result",
    "Scope",
    "Secret",
    "SecretStore",
    "SinkError",
    "StoredSecret",
    "UnreadableError",
    "apply",
    "check",
    "cluster",
    "drift",
    "load",
    "load_kinds",
    "plan",
    "processes",
    "read_plan",
    "render",
    "write_plan",
]


if not TYPE_CHECKING:  # so that a name which is not offered is an error of types, too

    def __getattr__(name: str) -> Any:
        """Load a name of the library on first use."""
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        return value


def __dir__() -> list[str]:
    """Return the names of the library."""
    return [*__all__, "__version__"]


class _Library(ModuleType):
    """The class of the package: a function such as ``plan`` is not replaced by the subpackage ``plan``."""

    def __setattr__(self, name: str, value: object) -> None:
        """Ignore the import system when it binds an imported subpackage to its parent."""
        if not (name in _HOME_OF and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Library
