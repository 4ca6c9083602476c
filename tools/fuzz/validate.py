"""The validate run: many inputs in watched processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from fuzz.inputs import content
from fuzz.mutations import LARGEST
from fuzz.report import Broken, Report

_SECONDS: Final = 1.0
_MIB: Final = 500.0
_BATCH: Final = 1000
_HANG_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.2
_RETRIES: Final = 3
_PLACES: Final = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent.parent)]


@dataclass(slots=True)
class _Total:
    inputs: int = 0
    accepted: int = 0
    slowest: float = 0.0
    slowest_number: int = -1
    peak: float = 0.0
    slow: list[int] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)

    def add(self, tally: dict[str, Any], seed: int) -> None:
        """Add what one worker saw."""
        self.inputs += tally["inputs"]
        self.accepted += tally["accepted"]
        self.peak = max(self.peak, tally["peak"])
        if tally["slowest"] > self.slowest:
            self.slowest, self.slowest_number = tally["slowest"], tally["slowest_number"]
        self.slow += tally["slow"]
        for number, complaint in tally["complaints"]:
            self.blame(seed, number, "no exception but InputError, and every line printable", complaint)
        for number in tally["greedy"]:
            self.blame(seed, number, f"at most {_MIB:.0f} MiB", f"{tally['peak']:.0f} MiB")

    def blame(self, seed: int, number: int, promise: str, detail: str) -> None:
        """Note a broken promise."""
        self.broken.append(Broken(promise, f"input {number}", detail, content(seed, number)))


def run(seed: int, inputs: int) -> Report:
    """Read ``inputs`` inputs in as many processes as there are cores."""
    began = time.perf_counter()
    total = _Total()
    batches = [(first, min(_BATCH, inputs - first)) for first in range(0, inputs, _BATCH)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for found in pool.map(lambda batch: _watched(seed, *batch), batches):
            for tally in found:
                _take(total, tally, seed)
    suspects, acquitted = list(total.slow), 0
    for number in suspects:
        seconds = _alone(seed, number)
        if seconds > _SECONDS:
            total.blame(seed, number, f"at most {_SECONDS:.0f} s", f"{seconds:.2f} s alone")
        else:
            acquitted += 1
    figures = [
        f"{total.inputs:,} inputs of at most {LARGEST // 1024} KiB",
        f"{total.accepted:,} accepted, {total.inputs - total.accepted:,} refused",
        f"slowest {total.slowest:.3f} s (input {total.slowest_number})",
        f"over {_SECONDS:.0f} s at first: {len(suspects)}, of which faster alone: {acquitted}",
        f"peak memory of a worker {total.peak:.0f} MiB",
        f"{time.perf_counter() - began:.1f} s",
    ]
    return Report("validate", seed, figures, total.broken)


def _take(total: _Total, tally: dict[str, Any], seed: int) -> None:
    if "died" in tally:
        total.inputs += 1
        total.blame(seed, tally["died"], "no hang and no crash", tally["how"])
    else:
        total.add(tally, seed)


def _alone(seed: int, number: int) -> float:
    """Return the best time of one input in processes of its own."""
    times = []
    for _ in range(_RETRIES):
        tally = _watched(seed, number, 1)[0]
        times.append(_HANG_SECONDS if "died" in tally else float(tally["slowest"]))
    return min(times)


def _watched(seed: int, first: int, count: int) -> list[dict[str, Any]]:
    """Read a batch; an input that hangs or kills its process is named, and the rest continues without it."""
    found: list[dict[str, Any]] = []
    end = first + count
    while first < end:
        tally, died, how = _worker(seed, first, end - first)
        if tally is not None:
            return [*found, tally]
        if died > first:
            found += _watched(seed, first, died - first)
        found.append({"died": died, "how": how})
        first = died + 1
    return found


def _worker(seed: int, first: int, count: int) -> tuple[dict[str, Any] | None, int, str]:
    """Run one process, and kill it if it stays with one input for too long."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, tempfile.TemporaryFile() as output:
        mark = Path(folder) / "mark"
        mark.write_bytes(first.to_bytes(8, "little"))
        words = [str(word) for word in (seed, first, count, _SECONDS, _MIB, mark)]
        paths = os.pathsep.join([*_PLACES, os.environ.get("PYTHONPATH", "")])
        process = subprocess.Popen(
            [sys.executable, "-m", "fuzz.worker", *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            env=os.environ | {"PYTHONPATH": paths},
        )
        hung = _watch(process, mark)
        present = int.from_bytes(mark.read_bytes(), "little")
        if hung:
            return None, present, f"no end after {_HANG_SECONDS:.0f} s"
        if process.returncode != 0:
            return None, present, f"the process ended with {process.returncode}"
        output.seek(0)
        tally: dict[str, Any] = json.load(output)
        return tally, -1, ""


def _watch(process: subprocess.Popen[bytes], mark: Path) -> bool:
    """Wait for a process; kill it, and say so, if its mark does not change."""
    seen, since = b"", time.monotonic()
    while True:
        try:
            process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            now = mark.read_bytes()
            if now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > _HANG_SECONDS:
                process.kill()
                process.wait()
                return True
        else:
            return False
