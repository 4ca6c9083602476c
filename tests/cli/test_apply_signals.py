"""Interrupting a run: no new writes, a report of what was done, and the exit code 130."""

from __future__ import annotations

import re
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support import CommandLine, declare, emulate, fill, lines_until, patches

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gcore_emulator import Emulator, RequestRecord

NAMES = ("key-a", "key-b", "key-c")
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Gate:
    """Holds back the response to each request of one method until it is opened."""

    def __init__(self) -> None:
        self.method = "PATCH"
        self.reached = threading.Event()
        self._open = threading.Event()

    def __call__(self, record: RequestRecord) -> None:
        if record.method == self.method:
            self.reached.set()
            self._open.wait(timeout=60)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def held(cli: CommandLine, gate: Gate) -> Iterator[Emulator]:
    """An emulated API behind the gate, with three keys."""
    with emulate(listen=gate) as emulator:
        cli.use(emulator)
        fill(emulator, *NAMES)
        yield emulator
        gate.open()


@pytest.fixture
def drifted(tmp_path: Path) -> str:
    return declare(tmp_path / "keys.yaml", *({"name": name, "description": "new"} for name in NAMES))


@pytest.mark.parametrize("number", SIGNALS)
def test_after_the_first_signal_the_write_in_flight_finishes_and_no_other_starts(
    cli: CommandLine, held: Emulator, gate: Gate, drifted: str, number: signal.Signals
) -> None:
    with cli.start("apply", drifted, "--auto-approve", "--parallelism", "1") as process:
        assert gate.reached.wait(timeout=60)
        process.send_signal(number)
        assert "finishing the ones in flight" in lines_until(process.stderr, "Interrupted")[-1]
        gate.open()
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert re.findall(r"(key-\S+): (applied|not attempted)", out) == [
        ("key-a", "applied"),
        ("key-b", "not attempted"),
        ("key-c", "not attempted"),
    ]
    assert "Apply incomplete: 1 applied, 2 not attempted." in out
    assert len(patches(held)) == 1


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(
    "command", [("apply", "--auto-approve"), ("drift", "--correct", "all", "--every", "1d")], ids=" ".join
)
def test_the_second_signal_ends_the_run_at_once(  # noqa: PLR0913, PLR0917 - fixtures and cases
    cli: CommandLine,
    held: Emulator,
    gate: Gate,
    drifted: str,
    command: tuple[str, ...],
    number: signal.Signals,
) -> None:
    with cli.start(*command, drifted, "--parallelism", "1") as process:
        assert gate.reached.wait(timeout=60)
        process.send_signal(number)
        lines_until(process.stderr, "Interrupted")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert "Apply" not in out
    assert len(patches(held)) == 1


@pytest.mark.parametrize("run", [("plan", signal.SIGINT), ("plan", signal.SIGTERM), ("apply", signal.SIGINT)])
def test_a_signal_during_a_read_ends_the_run_at_once(
    cli: CommandLine, held: Emulator, gate: Gate, drifted: str, run: tuple[str, signal.Signals]
) -> None:
    gate.method = "GET"
    with cli.start(run[0], drifted) as process:
        assert gate.reached.wait(timeout=60)
        process.send_signal(run[1])
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (130, "", "Interrupted.")
    assert patches(held) == []


def test_an_interrupted_run_is_completed_by_the_next_run(
    cli: CommandLine, held: Emulator, gate: Gate, drifted: str
) -> None:
    with cli.start("apply", drifted, "--auto-approve", "--parallelism", "1") as process:
        assert gate.reached.wait(timeout=60)
        process.kill()
    gate.open()
    assert cli("apply", drifted, "--auto-approve").code == 0
    assert {key["description"] for key in held.keys(1, 76).values()} == {"new"}
