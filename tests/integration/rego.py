"""Asks an engine of Rego what policies say; it runs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from counterparts import FOLDER, ROOT
from tests.support import pipe

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that waits for questions."""

    name: str
    process: subprocess.Popen[str]

    def __call__(
        self, policies: Mapping[str, str], path: str, document: Any, data: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the value at ``path`` below ``data``: None if there is none, a text after ! for an error."""
        question = {"policies": policies, "path": path, "input": document, "data": data or {}}
        pipe(self.process.stdin).write(json.dumps(question) + "\n")
        pipe(self.process.stdin).flush()
        return json.loads(pipe(self.process.stdout).readline())


def start(name: str) -> Engine:
    """Start an engine that was obtained."""
    words = [sys.executable, str(ROOT / "tools/rego.py"), str(FOLDER / "rego"), name]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    first = pipe(process.stdout).readline().strip()
    if first != "ready":
        process.communicate()
        pytest.fail(first)
    return Engine(name, process)
