"""Servers of commands that are loaded once."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests import served
from tests.support import pipe

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = ("apply", "drift", "plan", "renew", "rotate", "show", "validate")


@contextmanager
def loaded(*modules: str, **environment: str) -> Iterator[list[str]]:
    """Load modules and the commands; yield what runs the main function of the module that follows it.

    ``environment`` is for what modules read as they are loaded.
    """
    variables = [f"{name}={value}" for name, value in environment.items()]
    script = ["/usr/bin/env", *variables, sys.executable, "-I", served.__file__]
    names = [*(f"reconciler.cli.{name}" for name in COMMAND), *modules]
    with tempfile.TemporaryDirectory() as folder:  # its name is short, as the address of a socket has to be
        address = f"{folder}/socket"
        with subprocess.Popen(
            [*script, "serve", address, *names], stdout=subprocess.PIPE, text=True
        ) as server:
            pipe(server.stdout).readline()
            yield [sys.executable, "-I", "-S", served.__file__, "ask", address]
            server.kill()
