"""A local stand-in for the cloud's key APIs, and an oracle independent of the engine.

Nothing here imports the rest of the package: a mistake shared by both sides would hide itself.
Starlette and uvicorn are loaded by the first use of `Emulator`, so that the command line can list
the switches and faults without them::

    with Emulator(seed={"caas": {"1/76": [{"name": "web", "containers": []}]}}) as emulator:
        ...  # emulator.url, emulator.requests, emulator.keys(1, 76), emulator.keys(1, family="inference")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from gcore_emulator.errors import EmulatorError, SeedError
from gcore_emulator.faults import Faults
from gcore_emulator.switches import Switches

if TYPE_CHECKING:
    from gcore_emulator.concurrent_writers import Disturbance
    from gcore_emulator.requestlog import RequestRecord
    from gcore_emulator.server import Emulator

__all__ = ["Disturbance", "Emulator", "EmulatorError", "Faults", "RequestRecord", "SeedError", "Switches"]

_LAZY: Final = {"Disturbance": "concurrent_writers", "Emulator": "server", "RequestRecord": "requestlog"}


def __getattr__(name: str) -> object:
    """Load a name that needs more modules on first use."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    return value
