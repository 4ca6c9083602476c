"""What a run by several processes starts before the command line is imported."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from reconciler.model.later import Later

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.api import fork_server
else:
    fork_server = Later("reconciler.api.fork_server")

MODULES: Final = ("reconciler.__main__", "reconciler.cli.forked")
"""What every process needs: the program, and what opens the APIs."""


def serve_early(arguments: Sequence[str]) -> None:
    """Start the server that forks processes if ``arguments`` of the program ask for several.

    It imports the engine while this process imports the command. What is wrong with them is reported later.
    """
    words = [part for word in arguments for part in word.split("=", 1)]
    if any(word == "--processes" and count.isdecimal() and count != "1" for word, count in pairwise(words)):
        with suppress(OSError):
            fork_server.ensure_running(MODULES)
