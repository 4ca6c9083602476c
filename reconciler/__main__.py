"""The entry point of the ``reconciler`` command and of ``python -m reconciler``."""

from __future__ import annotations

import os
import sys
from types import ModuleType

from reconciler.errors import ExitCode
from reconciler.model.collector import kept_for_good

# Where they are installed, httpx imports its own command line with rich and pygments, and deepdiff imports
# pydantic: a third of the start-up of a command, for nothing. Both do without them where these are empty.
for name in ("httpx._main", "pydantic"):
    sys.modules.setdefault(name, ModuleType(name))
with kept_for_good():  # looking for garbage in new modules takes 5 % of a command's start
    from reconciler.cli.main import run


def main() -> None:
    """Run the command line and end the process with its exit code.

    It ends without an orderly shutdown, which would free every value of a large desired state one by one, and
    wait for reads that hang after Ctrl-C.
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
