"""The large plan against its floor, and against itself under drift, latency and other spellings."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from benchmark import engine
from benchmark.data import Dataset, Spelling, write_files
from benchmark.processes import BenchmarkError, Place, Run, Server, a_server, compared
from benchmark.report import MEBIBYTES, Pairs, Row, Subject

if TYPE_CHECKING:
    from benchmark.scale import Scale

LINES: Final = ("plan", "drift", "latency", "spelling")
_FILES: Final = "large"
_DRIFT_EVERY: Final = 100
_LATENCY_SECONDS: Final = 0.05
_FLOOR_LIMIT: Final = 1.7
_VARIANT_LIMIT: Final = 1.15
_MEMORY_LIMIT: Final = 140

_Variants = dict[str, tuple[Server, Dataset]]


def measure(place: Place, scale: Scale, chosen: frozenset[str]) -> list[Row]:
    """Run every chosen variant in each round, next to the unchanged plan and to the floor."""
    unchanged = Dataset((scale.scope_keys,) * scale.scopes)
    write_files(unchanged, place.directory / _FILES)
    datasets = {
        "plan": unchanged,
        "drift": Dataset(unchanged.sizes, drift_every=_DRIFT_EVERY),
        "latency": unchanged,
        "spelling": Dataset(unchanged.sizes, spelling=Spelling.OTHER),
    }
    with ExitStack() as stack:
        variants: _Variants = {}
        for name in LINES:
            if name == "plan" or name in chosen:
                server = stack.enter_context(a_server(place))
                server.load(datasets[name])
                server.set_latency(_LATENCY_SECONDS if name == "latency" else 0)
                variants[name] = (server, datasets[name])
        runs = _rounds(place, scale, variants, with_floor="plan" in chosen)
    return _rows(unchanged, runs, chosen)


def _rounds(place: Place, scale: Scale, variants: _Variants, *, with_floor: bool) -> dict[str, list[Run]]:
    server, unchanged = variants["plan"]
    runs: dict[str, list[Run]] = {name: [] for name in variants}
    if with_floor:
        runs["floor"] = []
    # The warm-up fills the caches of files and of compiled modules.
    _floor(place, server, unchanged)
    engine.plan(place, server, _FILES, 0)
    for number in range(scale.rounds):
        # Every other round is reversed: no variant always has the same neighbour.
        for name in list(runs)[:: -1 if number % 2 else 1]:
            if name == "floor":
                runs[name].append(_floor(place, server, unchanged))
            else:
                live, dataset = variants[name]
                runs[name].append(engine.plan(place, live, _FILES, dataset.drifted))
    return runs


def _floor(place: Place, server: Server, dataset: Dataset) -> Run:
    finished = compared(place, "floor", str(server.port), _FILES, dataset.to_json())
    result = finished.result()
    if result["equal"] != dataset.keys:
        raise BenchmarkError(f"the floor found {result['equal']} equal keys, not {dataset.keys}")
    return Run(finished.seconds - result["preparation_seconds"], finished.peak_mebibytes, finished.output)


def _rows(dataset: Dataset, runs: dict[str, list[Run]], chosen: frozenset[str]) -> list[Row]:
    keys = f"{dataset.keys:,} keys in {len(dataset.sizes)} scopes"
    rows = []
    if "plan" in chosen:
        pairs = _pairs(runs, "plan", "floor")
        subject = Subject("plan", f"plan of {keys} in one process, nothing changed v the floor")
        rows.append(subject.at_most(_FLOOR_LIMIT, pairs.ratio, pairs.seconds("plan", "floor")))
        peaks = [run.peak_mebibytes for run in runs["plan"]]
        subject = Subject("plan", "its peak memory", MEBIBYTES)
        rows.append(subject.at_most(_MEMORY_LIMIT, max(peaks), f"median {statistics.median(peaks):.0f} MiB"))
    for name, what in (
        ("drift", "with 1 % drift"),
        ("latency", f"with {_LATENCY_SECONDS * 1000:.0f} ms latency"),
    ):
        if name in chosen:
            pairs = _pairs(runs, name, "plan")
            subject = Subject(name, f"the same {what} v nothing changed")
            rows.append(subject.at_most(_VARIANT_LIMIT, pairs.ratio, pairs.seconds(name, "unchanged")))
    if "spelling" in chosen:
        pairs = _pairs(runs, "spelling", "plan")
        subject = Subject("spelling", "the same with equal values spelt otherwise v nothing changed")
        rows.append(subject.information(pairs.ratio, pairs.seconds("spelling", "unchanged")))
    return rows


def _pairs(runs: dict[str, list[Run]], upper: str, lower: str) -> Pairs:
    return Pairs(tuple(run.seconds for run in runs[upper]), tuple(run.seconds for run in runs[lower]))
