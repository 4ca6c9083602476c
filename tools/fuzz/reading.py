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
from reconciler.validate.schema import SchemaChecker
from reconciler.validate.validator import Validator, desired_state

if TYPE_CHECKING:
    from reconciler.kinds.kind import Kind

NOW: Final = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
_CONSOLE: Final = Console(0, color=False)
_COLLECT_EVERY: Final = 50


class _WarmValidator(Validator):
    """A validator that compiles its schemas once for all inputs: that is most of the time otherwise."""

    def _checker(self, kind: Kind) -> SchemaChecker:
        return _checker(kind.name)


@functools.cache
def _checker(name: str) -> SchemaChecker:
    return SchemaChecker(document_schema(), load_kinds()[name])


@functools.cache
def _validator_parts() -> tuple[dict[str, Kind], dict[str, object]]:
    return dict(load_kinds()), dict(document_schema())


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of one input: accepted or not, how long it took, and what was not as promised."""

    accepted: bool
    seconds: float
    complaint: str = ""


def read(data: bytes) -> Reading:
    """Validate one input and print every problem or warning to nowhere."""
    kinds, schema = _validator_parts()
    screen = io.StringIO()
    accepted = False
    complaint = ""
    began = time.perf_counter()
    try:
        with contextlib.redirect_stderr(screen):
            accepted = _read(data, _WarmValidator(schema, kinds, ScopeDefaults(), NOW))
    except Exception:  # noqa: BLE001 - any exception is what is looked for
        complaint = traceback.format_exc(limit=-4)
    seconds = time.perf_counter() - began
    return Reading(accepted, seconds, complaint or _unprintable(screen.getvalue()))


def _read(data: bytes, validator: Validator) -> bool:
    try:
        state = desired_state(["-"], io.BytesIO(data), validator)
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
