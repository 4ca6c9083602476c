"""The server that forks processes: a process of Python's without threads (``multiprocessing.forkserver``)."""

from __future__ import annotations

import signal
from multiprocessing import forkserver, resource_tracker
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def ensure_running(modules: Sequence[str]) -> None:
    """Start the server, unless it runs. Raises OSError.

    It imports ``modules`` once for all processes, while this one goes on, and blocks Ctrl-C as they do.
    """
    forkserver.set_forkserver_preload([*modules])
    resource_tracker.ensure_running()  # which would unblock it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
