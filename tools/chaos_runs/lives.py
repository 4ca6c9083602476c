"""Keys that are created and deleted while writes return anything: the report is true."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Final

from chaos_runs.data import FIRST_REGION, PROJECT
from chaos_runs.processes import APPLY, PLAN, a_place, complaint, outcomes
from chaos_runs.promises import Findings
from gcore_emulator import Emulator, Faults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chaos_runs.scale import Scale

_KEYS: Final = 20
_FAULTS: Final = Faults(
    status_429=0.05,
    status_500=0.05,
    status_502=0.05,
    reset_before=0.05,
    reset_after=0.05,
    half_body=0.05,
    html_page=0.05,
    redirect_after=0.08,
    accepted_after=0.08,
    accepted_later=0.08,
    refused_after=0.08,
    empty_after=0.08,
    max_in_a_row=0,
)
_LOST: Final = "its secret is lost"


def live_and_die(scale: Scale) -> Findings:
    """Create and delete keys many times, each time with other faults."""
    findings = Findings("lives: keys created and deleted, three writes in four with another response")
    for number in range(scale.lives):
        one_run(scale.seed * 1000 + number, findings, scale.command)
    return findings


def one_run(seed: int, findings: Findings, command: Sequence[str]) -> None:
    """Create some keys and delete others; the second run meets no faults."""
    draw = random.Random(seed)  # noqa: S311 - has to be repeatable
    new = [f"new-{number:03}" for number in range(_KEYS)]
    old = [f"old-{number:03}" for number in range(_KEYS)]
    faults = Faults(**_FAULTS.document() | {"seed": seed, "methods": ("POST", "DELETE")})
    with a_place(command) as place:
        sink = place.directory / "secrets"
        _write_file(place.files, new, old)
        with Emulator(seed=_seed(old), token=place.token, faults=faults) as emulator:
            options = (
                "--secret-sink",
                f"file:{sink}",
                "--retries",
                "1",
                "--parallelism",
                str(draw.choice((1, 10))),
            )
            ended = place.run(emulator.url, *APPLY, *options, str(place.files))
            emulator.faults = Faults()
            reported = outcomes(ended.out)
            plan = place.run(emulator.url, *PLAN, str(place.files))  # what was accepted is done by now
            keys = set(emulator.keys(PROJECT, FIRST_REGION))
            findings.promise("a plan after it can be made", [] if plan.code in {0, 2} else [plan.reported])
            _judge(new, old, reported, keys, sink, findings)
            findings.promise("every key has an outcome", _missing([*new, *old], reported, ended.reported))
            again = place.run(emulator.url, *APPLY, "--secret-sink", f"file:{sink}", str(place.files))
            findings.promise("a second run, without faults, converges", complaint(again))
            findings.promise(
                "the plan after it is empty", complaint(place.run(emulator.url, *PLAN, str(place.files)))
            )
            findings.add("runs")
            faulty = Counter(record.fault for record in emulator.requests if record.fault)
            findings.add("requests that met a fault", faulty.total())


def _judge(  # noqa: PLR0913, PLR0917 - all that a run leaves
    new: Sequence[str],
    old: Sequence[str],
    reported: Mapping[str, tuple[str, str]],
    keys: set[str],
    sink: Path,
    findings: Findings,
) -> None:
    for name in new:
        result, detail = reported.get(_address(name), ("nothing", ""))
        findings.add(f"creations reported as {result}")
        exists, is_stored = name in keys, any(sink.glob(f"**/*{name}*"))
        where = f"{name}: {result}, exists: {exists}, secret stored: {is_stored}; {detail}"
        _promise(
            findings, "a creation reported as applied has made the key", where, result != "applied" or exists
        )
        _promise(
            findings, "a creation reported as failed has made no key", where, result != "failed" or not exists
        )
        _promise(
            findings,
            "every key has its secret in the sink, or it is reported that the secret is lost",
            where,
            not exists or is_stored or _LOST in detail,
        )
    for name in old:
        result, detail = reported.get(_address(name), ("nothing", ""))
        findings.add(f"deletions reported as {result}")
        where = f"{name}: {result}, exists: {name in keys}; {detail}"
        _promise(
            findings,
            "a deletion reported as applied has deleted the key",
            where,
            result != "applied" or name not in keys,
        )
        _promise(
            findings,
            "a deletion reported as failed has left the key",
            where,
            result != "failed" or name in keys,
        )


def _promise(findings: Findings, promise: str, where: str, kept: bool) -> None:  # noqa: FBT001 - the judgement itself
    findings.promise(promise, [] if kept else [where])


def _missing(names: Sequence[str], reported: Mapping[str, tuple[str, str]], ended: str) -> list[str]:
    return [f"{name}: {ended}" for name in names if _address(name) not in reported]


def _address(name: str) -> str:
    return f"caas/{PROJECT}/{FIRST_REGION}/{name}"


def _seed(old: Sequence[str]) -> dict[str, object]:
    return {"caas": {f"{PROJECT}/{FIRST_REGION}": [{"name": name, "containers": []} for name in old]}}


def _write_file(directory: Path, new: Sequence[str], old: Sequence[str]) -> None:
    keys = [{"name": name, "description": "new", "containers": []} for name in new]
    gone = [{"name": name, "state": "absent"} for name in old]
    document = {"project_id": PROJECT, "region_id": FIRST_REGION, "keys": [*keys, *gone]}
    directory.mkdir()
    (directory / "keys.yaml").write_text(json.dumps(document), encoding="utf-8")
