"""One input through validation, the way the command line does it."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import gc
import io
import resource
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fuzz.inputs import content
from reconciler.cli.console import Console
from reconciler.errors import InputError
from reconciler.kinds.packaged import document_schema, load_kinds
from reconciler.model.scope import ScopeDefaults
from reconciler.validate.state import desired_state
from reconciler.validate.validator import Rules, Validator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.load.files import Input
    from reconciler.validate.parts import Part

NOW: Final = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
_RULES: Final = Rules(
    document_schema=document_schema(), kinds=load_kinds(), defaults=ScopeDefaults(), now=NOW
)
_CONSOLE: Final = Console(0, color=False)
_COLLECT_EVERY: Final = 50


@functools.cache
def _warm() -> Validator:
    """Return a validator for all inputs: to compile its schemas is most of the time otherwise."""
    return Validator(_RULES)


def _check(_: Rules, files: Iterable[Input]) -> Iterator[Part]:
    return map(_warm().check, files)


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of one input: accepted or not, how long it took, and what was not as promised."""

    accepted: bool
    seconds: float
    complaint: str = ""


def read(data: bytes) -> Reading:
    """Validate one input and print every problem or warning to nowhere."""
    screen = io.StringIO()
    accepted = False
    complaint = ""
    began = time.perf_counter()
    try:
        with contextlib.redirect_stderr(screen):
            accepted = _read(data)
    except Exception:  # noqa: BLE001 - any exception is what is looked for
        complaint = traceback.format_exc(limit=-4)
    seconds = time.perf_counter() - began
    return Reading(accepted, seconds, complaint or _unprintable(screen.getvalue()))


def _read(data: bytes) -> bool:
    try:
        state = desired_state(["-"], io.BytesIO(data), _RULES, check=_check)
    except InputError as error:
        if not error.problems:
            raise AssertionError("refused without a reason") from error
        for problem in error.problems:
            _CONSOLE.error(str(problem))
        return False
    _CONSOLE.warn(state.warnings)
    return True


def _unprintable(shown: str) -> str:
    """Return the first line that a terminal would not show as it is."""
    for line in shown.removesuffix("\n").split("\n") if shown else ():
        if not line.isprintable() or not line.startswith(("Error: ", "Warning: ")):
            return f"not a line to print: {line!r}"
    return ""


@dataclass(slots=True)
class Tally:
    """What a worker saw; ``slow`` and ``greedy`` name inputs to be looked at alone."""

    inputs: int = 0
    accepted: int = 0
    slowest: float = 0.0
    slowest_number: int = -1
    peak: float = 0.0
    complaints: list[tuple[int, str]] | None = None
    slow: list[int] | None = None
    greedy: list[int] | None = None


def read_many(seed: int, first: int, count: int, limits: tuple[float, float], mark: memoryview) -> Tally:
    """Read the inputs ``first`` and after, with the number of the present one in ``mark``.

    ``limits`` are the seconds of one input and the MiB of this process.
    """
    tally = Tally(complaints=[], slow=[], greedy=[])
    for number in range(first, first + count):
        mark[0:8] = number.to_bytes(8, "little")
        reading = read(content(seed, number))
        _add(tally, number, reading, limits)
        if number % _COLLECT_EVERY == 0:
            gc.unfreeze()
            gc.collect()
    return tally


def _add(tally: Tally, number: int, reading: Reading, limits: tuple[float, float]) -> None:
    tally.inputs += 1
    tally.accepted += reading.accepted
    if reading.seconds > tally.slowest:
        tally.slowest, tally.slowest_number = reading.seconds, number
    if reading.complaint and tally.complaints is not None:
        tally.complaints.append((number, reading.complaint))
    if reading.seconds > limits[0] and tally.slow is not None:
        tally.slow.append(number)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if peak > limits[1] >= tally.peak and tally.greedy is not None:
        tally.greedy.append(number)
    tally.peak = max(tally.peak, peak)
