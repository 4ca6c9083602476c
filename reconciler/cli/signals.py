"""Signals, handled in a thread of their own."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from reconciler.api.workers import start_thread
from reconciler.cli.main import stop_signals
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from types import FrameType

    from reconciler.apply.sinks.store import SinkSecretStore
    from reconciler.cli.console import Console

_SHOW_CURSOR: Final = b"\x1b[?25h\n"
_POLL_SECONDS: Final = 0.02


@contextmanager
def handling(handlers: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Call the handler of each signal within the context, in another thread.

    Python calls handlers in the main thread, between any two of its steps. There, setting an event whose
    lock that thread holds would wait for ever; putting something into a simple queue never waits. Raises
    ConfigurationError if the thread cannot be started.
    """
    queue: SimpleQueue[int | None] = SimpleQueue()

    def put(number: int, _frame: FrameType | None) -> None:
        queue.put(number)

    def listen() -> None:
        while (number := queue.get()) is not None:
            handlers[signal.Signals(number)]()

    thread = start_thread(listen, "signals")
    before = {number: signal.signal(number, put) for number in handlers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        queue.put(None)
        thread.join()


def stop_handler(
    stop: threading.Event, console: Console, open_store: Callable[[], SinkSecretStore | None]
) -> Callable[[], None]:
    """Return a handler that asks a run to finish, by ``stop``; called again it ends the process at once.

    ``open_store`` returns the store of the secrets of new keys, if one is open. While there are pending
    secrets that would be lost with the process, the handler prints their keys, and waits; then it reports
    where secrets were stored.
    """

    def handle() -> None:
        if stop.is_set():
            if (secrets := open_store()) is not None:
                if pending := secrets.pending():
                    console.error(f"not yet: the secrets of {', '.join(pending)} would be lost")
                    pause = threading.Event()
                    while secrets.pending():
                        pause.wait(_POLL_SECONDS)
                secrets.report_stored()
            if sys.stderr is not None and sys.stderr.isatty():
                os.write(sys.stderr.fileno(), _SHOW_CURSOR)  # the progress bar had hidden it
            os._exit(ExitCode.INTERRUPTED)
        stop.set()
        console.note(
            "Interrupted: no new writes; finishing the ones in flight. Again to stop at once.", "interrupted"
        )

    return handle


def stopping(
    stop: threading.Event, console: Console, open_store: Callable[[], SinkSecretStore | None]
) -> AbstractContextManager[None]:
    """Return a context in which stop signals call a :func:`stop_handler`."""
    return handling(dict.fromkeys(stop_signals(), stop_handler(stop, console, open_store)))
