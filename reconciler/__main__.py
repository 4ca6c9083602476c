"""The entry point of the ``reconciler`` command and of ``python -m reconciler``."""

from __future__ import annotations

import os
import sys
from types import ModuleType

from reconciler.cli.main import run
from reconciler.errors import ExitCode

# httpx imports its own command line, and with it all of rich and pygments where they are installed: a sixth
# of the start-up of a command, for nothing. Without a `main` in that module it does without.
sys.modules.setdefault("httpx._main", ModuleType("httpx._main"))


def main() -> None:
    """Run the command line and end the process with its exit code.

    Ends it at once: an orderly shutdown would first free every value of a large desired state one by
    one, and wait for reads that hang after Ctrl-C.
    """
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # as after `>&-`
                stream.flush()
        except OSError:
            code = code or ExitCode.ERROR
    os._exit(code)


if __name__ == "__main__":
    main()
