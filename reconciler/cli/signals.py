"""Signals, heard in a thread of their own."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from reconciler.api.workers import start_thread
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import FrameType

    from reconciler.cli.console import Console

_SHOW_CURSOR: Final = b"\x1b[?25h\n"
_LOOK_AGAIN: Final = 0.02
"""Seconds between two looks at whether something is still held."""


def stop_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that ask a run to end; one that is ignored, as under nohup, is left alone."""
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return tuple(number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN)


@contextmanager
def heard(handlers: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Call the handler of each signal that comes as long as the context lasts, in another thread.

    Python runs what it is given in the main thread, between any two of its steps. There, setting an event
    whose lock that thread holds would wait for ever; putting something into a simple queue never waits.
    Raises ConfigurationError if the thread cannot be started.
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


def nothing_held() -> Sequence[str]:
    """Name nothing that would be lost with the process."""
    return ()


def nothing_to_say() -> None:
    """Do nothing before the process ends."""


def finisher(
    stop: threading.Event,
    console: Console,
    held: Callable[[], Sequence[str]] = nothing_held,
    last_words: Callable[[], None] = nothing_to_say,
) -> Callable[[], None]:
    """Make a handler that asks a run to finish, by ``stop``; called again it ends the process at once.

    But not while something is ``held`` that would be lost with the process: then it says what, and ends the
    process as soon as nothing is. Before the process ends, ``last_words`` says what nobody else will say.
    """

    def handle() -> None:
        if stop.is_set():
            if lost := held():
                console.error(f"not yet: the secrets of {', '.join(lost)} would be lost")
                pause = threading.Event()
                while held():
                    pause.wait(_LOOK_AGAIN)
            last_words()
            if sys.stderr is not None and sys.stderr.isatty():
                os.write(sys.stderr.fileno(), _SHOW_CURSOR)  # the progress bar had hidden it
            os._exit(ExitCode.INTERRUPTED)
        stop.set()
        console.note("Interrupted: no new writes; finishing the ones in flight. Again to stop at once.")

    return handle


def finishing(
    stop: threading.Event,
    console: Console,
    held: Callable[[], Sequence[str]] = nothing_held,
    last_words: Callable[[], None] = nothing_to_say,
) -> AbstractContextManager[None]:
    """Let stop signals set ``stop`` as long as the context lasts; the second ends the process at once.

    See :func:`finisher` for what is ``held``, and for ``last_words``.
    """
    return heard(dict.fromkeys(stop_signals(), finisher(stop, console, held, last_words)))
