"""Programs that run while a test does, each ended by its own process."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Final, TypeVar

import pytest

from counterparts import find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Value = TypeVar("Value")
LONGEST: Final = 45.0
"""Seconds that anything may take to come about."""


def machine() -> dict[str, str]:
    """Return the environment of this machine, with the authorities that the tests themselves do not load."""
    found = dict(os.environ)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        found[name] = found.pop(f"MACHINE_{name}", "")
    return {name: value for name, value in found.items() if value}


def free_ports(number: int) -> list[int]:
    """Return ports on which no server listens, for servers that are started next."""
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in taken:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in taken]


@contextlib.contextmanager
def running(log: Path, program: str, *words: str) -> Iterator[None]:
    """Run a program whose messages go to a file, and end it."""
    with log.open("wb") as file:
        process = subprocess.Popen([str(find(program)), *words], stdout=file, stderr=file, cwd=log.parent)
    try:
        yield
    finally:
        process.terminate()
        process.wait(LONGEST)


def until(look: Callable[[], Value], *logs: Path) -> Value:
    """Return the first result that is true, or fail with the logs after a while."""
    latest = time.monotonic() + LONGEST
    while not (found := look()):
        if time.monotonic() > latest:
            said = "\n".join(log.read_text(encoding="utf-8", errors="replace") for log in logs)
            pytest.fail(f"{look.__name__} found nothing for {LONGEST:g} s\n{said}")
        threading.Event().wait(0.1)
    return found
