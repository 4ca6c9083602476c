"""Signals, heard in a thread of their own."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from types import FrameType

    from reconciler.cli.console import Console

_SHOW_CURSOR: Final = b"\x1b[?25h\n"


def stop_signals() -> tuple[signal.Signals, ...]:
    """Give the signals that ask a run to end; one that is ignored, as under nohup, is left alone."""
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return tuple(number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN)


@contextmanager
def heard(handlers: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Call the handler of each signal that comes as long as the context lasts, in another thread.

    Python itself would run a handler in the main thread between any two of its steps. One that sets an
    event while that thread holds the lock within the same event would wait for ever.
    """
    ear, mouth = socket.socketpair()
    mouth.settimeout(0)  # a signal waits for nobody

    def listen() -> None:
        while number := ear.recv(1):
            if handler := handlers.get(signal.Signals(number[0])):
                handler()

    thread = threading.Thread(target=listen, name="signals", daemon=True)
    thread.start()
    descriptor = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, _nothing) for number in handlers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(descriptor)
        mouth.close()  # the thread hears what came before, and then the end
        thread.join()
        ear.close()


def _nothing(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing: the signal's number is on its way to the thread that listens."""


def finisher(stop: threading.Event, console: Console) -> Callable[[], None]:
    """Make a handler that asks a run to finish, by ``stop``; called again it ends the process at once."""

    def handle() -> None:
        if stop.is_set():
            if sys.stderr is not None and sys.stderr.isatty():
                os.write(sys.stderr.fileno(), _SHOW_CURSOR)  # the progress bar had hidden it
            os._exit(ExitCode.INTERRUPTED)
        stop.set()
        console.note("Interrupted: no new writes; finishing the ones in flight. Again to stop at once.")

    return handle


def finishing(stop: threading.Event, console: Console) -> AbstractContextManager[None]:
    """Let stop signals set ``stop`` as long as the context lasts; the second ends the process at once."""
    return heard(dict.fromkeys(stop_signals(), finisher(stop, console)))
