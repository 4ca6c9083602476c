"""A large apply while one request in five fails: it converges, and reports the truth where it does not."""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chaos_runs.data import make_keys, seed_of, stored, truthful, write_files
from chaos_runs.processes import APPLY, PLAN, a_place, complaint, outcomes
from chaos_runs.promises import Findings
from gcore_emulator import Emulator, Faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from chaos_runs.data import Key
    from chaos_runs.processes import Ended, Place
    from chaos_runs.scale import Scale
    from gcore_emulator import RequestRecord

_NO_FAULTS: Final = Faults()
_MISLEADING: Final = ("redirect_after", "accepted_after", "accepted_later", "refused_after", "empty_after")
_LOST_AFTER_EFFECT: Final = frozenset({"reset_after", "half_body", *_MISLEADING})
_PARTIAL: Final = 4
# Together one request in five. A page of HTML with status 200 is not among them: by the rule that a
# invalid response is never retried, it ends a plan, and it ends the attempt at a key.
_TRANSIENT: Final = Faults(
    status_429=0.03,
    status_429_seconds=0.002,
    status_429_date=0.001,
    status_500=0.03,
    status_502=0.03,
    status_503=0.03,
    reset_before=0.03,
    reset_after=0.02,
    half_body=0.02,
    slow_answer=0.002,
    slow_seconds=0.05,
    wrong_content_type=0.005,
)
# Without a bound, and with a single retry, some keys fail, and some reads that clear up a doubt as well.
_GIVING_UP: Final = Faults(
    status_429=0.02,
    status_500=0.02,
    status_502=0.02,
    status_503=0.02,
    reset_before=0.02,
    reset_after=0.04,
    half_body=0.03,
    html_page=0.02,
    wrong_content_type=0.01,
    max_in_a_row=0,
)
# Half of all writes return a response as if they had no effect, or none yet.
_MISLED: Final = Faults(
    redirect_after=0.1,
    accepted_after=0.1,
    accepted_later=0.1,
    refused_after=0.1,
    empty_after=0.1,
    status_500=0.02,
    max_in_a_row=0,
)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An apply that has ended; the emulator still runs, and fails no more."""

    place: Place
    keys: Sequence[Key]
    emulator: Emulator
    ended: Ended

    @property
    def reported(self) -> Mapping[str, tuple[str, str]]:
        """Result and detail of each key, as they were printed."""
        return outcomes(self.ended.out)


def converge(scale: Scale) -> Findings:
    """Apply everything under faults that a retry overcomes: one run does it."""
    findings = Findings("faults: one request in five fails, four retries")
    faults = _with_seed(_TRANSIENT, scale.seed)
    with _attempt(scale, faults, faults, 4) as attempt:
        _judge(attempt, findings)
        findings.promise("one run converges", complaint(attempt.ended))
        reported = ((key.address, attempt.reported.get(key.address, ("nothing",))) for key in attempt.keys)
        findings.promise(
            "it applies every key",
            (f"{address}: {reported}" for address, reported in reported if reported[0] != "applied"),
        )
        _plan_again(attempt, findings)
    return findings


def give_up(scale: Scale) -> Findings:
    """Apply everything under faults that outlast the retries, from the first write on."""
    findings = Findings("faults-giving-up: any number of faults in a row, one retry")
    with _attempt(scale, _NO_FAULTS, _with_seed(_GIVING_UP, scale.seed), 1) as attempt:
        _judge(attempt, findings)
        for result, number in Counter(result for result, _ in attempt.reported.values()).items():
            findings.add(f"reported as {result}", number)
        is_complete = all(result == "applied" for result, _ in attempt.reported.values())
        findings.promise(
            "the exit code says whether every key was applied",
            complaint(attempt.ended, 0 if is_complete else _PARTIAL),
        )
        again = attempt.place.run(attempt.emulator.url, *APPLY, str(attempt.place.files))
        findings.promise("a second run, without faults, converges", complaint(again))
        _plan_again(attempt, findings)
    return findings


def mislead(scale: Scale) -> Findings:
    """Apply everything while half of the writes with effect return a response that does not show it."""
    findings = Findings("faults-misleading: redirects, 202, 204 and 400 with effect")
    # One at a time, so that what is accepted is still to come when it is read.
    with _attempt(scale, _NO_FAULTS, _with_seed(_MISLED, scale.seed), 1, 1) as attempt:
        _judge(attempt, findings)
        for result, number in Counter(result for result, _ in attempt.reported.values()).items():
            findings.add(f"reported as {result}", number)
        is_complete = all(result == "applied" for result, _ in attempt.reported.values())
        findings.promise(
            "the exit code says whether every key was applied",
            complaint(attempt.ended, 0 if is_complete else _PARTIAL),
        )
        again = attempt.place.run(attempt.emulator.url, *APPLY, str(attempt.place.files))
        findings.promise("a second run, without faults, converges", complaint(again))
        _plan_again(attempt, findings)
    return findings


def _with_seed(faults: Faults, seed: int) -> Faults:
    return Faults(**faults.document() | {"seed": seed})


@contextmanager
def _attempt(
    scale: Scale, reading: Faults, writing: Faults, retries: int, parallelism: int = 40
) -> Iterator[_Attempt]:
    """Apply, under the first faults up to the first write and under the second from then on."""
    keys = make_keys(scale.sizes, random.Random(scale.seed))  # noqa: S311 - has to be repeatable
    courses = [] if reading == writing else [writing]

    def listen(record: RequestRecord) -> None:
        if record.method == "PATCH" and courses:
            emulator.faults = courses.pop()

    with a_place(scale.command) as place:
        write_files(keys, place.files)
        emulator = Emulator(seed=seed_of(keys), token=place.token, faults=reading, listen=listen)
        with emulator:
            options = ("--retries", str(retries), "--parallelism", str(parallelism))
            ended = place.run(emulator.url, *APPLY, *options, str(place.files))
            emulator.faults = _NO_FAULTS
            yield _Attempt(place, keys, emulator, ended)


def _judge(attempt: _Attempt, findings: Findings) -> None:
    """Count the faults, and check what must be true after every run."""
    requests = attempt.emulator.requests
    faults = Counter(record.fault for record in requests if record.fault)
    lost = sum(record.fault in _LOST_AFTER_EFFECT and record.effective for record in requests)
    findings.add("keys to change", len(attempt.keys))
    findings.add("requests", len(requests))
    findings.add("requests that met a fault", faults.total())
    for name, number in sorted(faults.items()):
        findings.add(f"    {name}", number)
    findings.add("effective writes", sum(record.effective for record in requests))
    findings.add("effective writes whose response was lost", lost)
    findings.promise("no outcome is misreported", _misreports(attempt))
    findings.promise(
        "no key gets more effective writes than lost responses explain", _needless_writes(requests)
    )


def _plan_again(attempt: _Attempt, findings: Findings) -> None:
    ended = attempt.place.run(attempt.emulator.url, *PLAN, str(attempt.place.files))
    findings.promise("the plan after it is empty", complaint(ended))
    held = stored(attempt.emulator, attempt.keys)
    findings.promise(
        "every key ends as declared, and what is not declared as it was",
        (f"{key.address}: {held[key.address]}" for key in attempt.keys if held[key.address] != key.new),
    )


def _misreports(attempt: _Attempt) -> Iterator[str]:
    """Compare what was reported of each key with what is stored: the new values, or the old ones."""
    reported, held = attempt.reported, stored(attempt.emulator, attempt.keys)
    if reported.keys() != held.keys():
        yield f"{len(reported)} outcomes for {len(held)} keys; {attempt.ended.reported}"
    for key in attempt.keys:
        result, detail = reported.get(key.address, ("nothing", ""))
        if held[key.address] not in truthful(key, result):
            yield f"{key.address}: {result}, but holds {json.dumps(held[key.address])}; {detail}"


def _needless_writes(requests: Sequence[RequestRecord]) -> Iterator[str]:
    effective = [record for record in requests if record.method == "PATCH" and record.effective]
    writes = Counter(record.path for record in effective)
    lost = Counter(record.path for record in effective if record.fault in _LOST_AFTER_EFFECT)
    for path, number in writes.items():
        if number > 1 + lost[path]:
            yield f"{path}: {number} effective writes, {lost[path]} lost responses"
