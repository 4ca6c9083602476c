"""Modules that are imported when they are first used, for what few runs do."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Later:
    """What stands for a module: type checkers and the contracts of imports see an ordinary import.

    ``else: module = Later("package.module")`` follows ``if TYPE_CHECKING: from package import module``.
    """

    def __init__(self, name: str) -> None:
        """Store the name of the module."""
        self._name = name

    def __getattr__(self, name: str) -> Any:
        """Import the module, and return what it has by this name."""
        return getattr(import_module(self._name), name)
