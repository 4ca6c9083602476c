"""The entry point of the ``reconciler`` command and of ``python -m reconciler``."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from reconciler.cli.forking import serve_early
from reconciler.model.collector import kept_for_good
from reconciler.model.later import Later

if TYPE_CHECKING:
    from reconciler import errors
    from reconciler.cli import main as command_line
else:  # the server that forks processes is to start before, and they need no command line
    errors = Later("reconciler.errors")
    command_line = Later("reconciler.cli.main")

# Where they are installed, httpx imports its own command line with rich and pygments, and deepdiff imports
# pydantic: a third of the start-up of a command, for nothing. Both do without them where these are empty.
for name in ("httpx._main", "pydantic"):
    sys.modules.setdefault(name, ModuleType(name))


def main() -> None:
    """Run the command line and end the process with its exit code.

    It ends without an orderly shutdown, which would free every value of a large desired state one by one, and
    wait for reads that hang after Ctrl-C.
    """
    try:
        serve_early(sys.argv[1:])
        with kept_for_good():  # looking for garbage in new modules takes 5 % of a command's start
            run = command_line.run
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before the command line handles signals
        code = errors.ExitCode.INTERRUPTED
        if sys.stderr is not None:
            sys.stderr.write("\nInterrupted.\n")
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # as after `>&-`
                stream.flush()
        except OSError:
            code = code or errors.ExitCode.ERROR
    os._exit(code)


if __name__ == "__main__":
    main()
