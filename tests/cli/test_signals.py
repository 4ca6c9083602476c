"""Signals, whenever they come: none is lost, and none stops the program that receives it."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from tests.support import CommandLine, declare, fill, lines_until

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator

# A program that does nothing but wait for an event and clear it, in which a signal meets the lock of the
# event's own more often than anywhere else.
WAITING = """
import signal, sys, threading
from reconciler.cli.signals import handling

wake, stop = threading.Event(), threading.Event()
handlers = {signal.SIGHUP: wake.set, signal.SIGTERM: stop.set}
with handling(handlers):
    print("ready", flush=True)
    while not stop.is_set():
        wake.wait(0.01)
        wake.clear()
print("ended")
"""


def storm(process: subprocess.Popen[str], count: int) -> None:
    """Send a signal many times, at irregular intervals."""
    rng = random.Random(1)  # noqa: S311 - spreads signals, hides nothing
    pause = threading.Event()
    for _ in range(count):
        process.send_signal(signal.SIGHUP)
        pause.wait(rng.random() / 20_000)


def test_a_signal_during_a_locked_event_does_not_deadlock() -> None:
    with subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True) as process:
        try:
            lines_until(process.stdout, "ready")
            storm(process, 5_000)
            process.terminate()
            assert process.communicate(timeout=60)[0] == "ended\n"
        finally:
            process.kill()
    assert process.returncode == 0


def test_a_service_survives_many_signals(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    fill(emulator, "web")
    path = declare(tmp_path / "keys.yaml", {"name": "web"})
    with cli.start("drift", path, "--every", "1d", "-v") as process:
        try:
            lines_until(process.stderr, "Next round")
            storm(process, 1_000)
            process.terminate()
            assert process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert process.returncode == 0
