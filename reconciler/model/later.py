"""Modules that are imported on first use, for code that few runs need."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Later:
    """A proxy of a module: type checkers and the import contracts see an ordinary import.

    ``else: module = Later("package.module")`` follows ``if TYPE_CHECKING: from package import module``.
    """

    def __init__(self, name: str) -> None:
        """Store the name of the module."""
        self._name = name

    def __getattr__(self, name: str) -> Any:
        """Import the module, and return its attribute ``name``."""
        return getattr(import_module(self._name), name)
