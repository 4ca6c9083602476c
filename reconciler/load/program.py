"""Run a program with an input and a time limit, and return its output."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import field
from typing import TYPE_CHECKING, Final

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.model.clock import Clock

_PART: Final = 2**16
_POLL: Final = 0.05


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a program: its exit code, None if it exceeded its time and was killed, and its output."""

    code: int | None
    out: bytes = field(repr=False)
    err: bytes = field(repr=False)


def run(  # noqa: PLR0913 - what a program is given, and what bounds it
    command: Sequence[str],
    environment: Mapping[str, str],
    seconds: float,
    content: bytes = b"",
    most: int = sys.maxsize,
    *,
    clock: Clock,
) -> Ended:
    """Run a program with ``content`` as input; return the last ``most`` bytes of its output and errors.

    It runs in a session of its own, so that Ctrl-C does not end it. After ``seconds`` it is killed with its
    child processes. A pipe that a grandchild holds open is not waited for. Raises OSError or ValueError if it
    cannot be run.
    """
    outputs = bytearray(), bytearray()
    with subprocess.Popen(  # noqa: S603 - what the operator names, without a shell
        command,
        stdin=subprocess.PIPE if content else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
        bufsize=0,
    ) as process:
        try:
            latest = clock.monotonic() + seconds
            _communicate(process, content, lambda: latest - clock.monotonic(), most, outputs)
        finally:
            is_late = process.poll() is None
            if is_late:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    return Ended(None if is_late else process.returncode, *map(bytes, outputs))


def _communicate(
    process: subprocess.Popen[bytes],
    content: bytes,
    time_left: Callable[[], float],
    most: int,
    outputs: tuple[bytearray, bytearray],
) -> None:
    """Write and read until the program has ended or its time is over."""
    pipes = process.stdin, process.stdout, process.stderr
    with selectors.DefaultSelector() as selector:
        for pipe, output in zip(pipes, (None, *outputs), strict=True):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                event = selectors.EVENT_WRITE if output is None else selectors.EVENT_READ
                selector.register(pipe, event, (pipe, output))
        while selector.get_map():
            is_over = process.poll() is not None
            left = time_left()
            ready = selector.select(0 if is_over else max(min(left, _POLL), 0))
            if left <= 0 or (is_over and not ready):
                return
            for key, _ in ready:
                pipe, output = key.data
                if output is None:
                    content = more = _unwritten(key.fd, content)
                else:
                    more = os.read(key.fd, _PART)
                    output += more
                    del output[: max(len(output) - most, 0)]
                if not more:
                    selector.unregister(pipe)
                    pipe.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(time_left(), 0))


def _unwritten(descriptor: int, content: bytes) -> bytes:
    try:
        return content[os.write(descriptor, content[:_PART]) :]
    except BrokenPipeError:  # it does not read all: its exit code says why
        return b""
