"""The engine against what one would write without it: the obvious code, and a loop over keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmark import engine
from benchmark.data import Dataset, write_files
from benchmark.processes import ROOT, BenchmarkError, Place, Server, a_server, compared
from benchmark.report import Pairs, Row, Subject

if TYPE_CHECKING:
    from benchmark.scale import Scale

_SCHEMA: Final = "schemas/caas.schema.json"
_OBVIOUS_LIMIT: Final = 8
_LOOP_LIMIT: Final = 80
_LOOP_KEYS: Final = 1000
_DRIFT_EVERY: Final = 100
_LATENCY_SECONDS: Final = 0.05


def measure_obvious(place: Place, scale: Scale, _chosen: frozenset[str]) -> list[Row]:
    """Compare a plan with the obvious code's."""
    dataset = Dataset((scale.scope_keys,) * scale.obvious_scopes)
    write_files(dataset, place.directory / "obvious")
    slow, fast = [], []
    with a_server(place) as server:
        server.load(dataset)
        engine.plan(place, server, "obvious", 0)
        for _ in range(scale.short_rounds):
            fast.append(engine.plan(place, server, "obvious", 0).seconds)
            finished = compared(place, "obvious", server.url, "obvious", str(ROOT / _SCHEMA))
            if finished.result() != {"compared": dataset.keys, "changed": 0}:
                raise BenchmarkError(f"the obvious code answered {finished.output.strip()}")
            slow.append(finished.seconds)
    pairs = Pairs(tuple(slow), tuple(fast))
    subject = Subject("obvious", f"the obvious code on {dataset.keys:,} keys v the same plan")
    return [subject.at_least(_OBVIOUS_LIMIT, pairs.ratio, pairs.seconds("obvious", "plan"))]


def measure_loop(place: Place, scale: Scale, _chosen: frozenset[str]) -> list[Row]:
    """Compare an apply with a loop of one GET for each key, on a slow network."""
    dataset = Dataset((_LOOP_KEYS,), drift_every=_DRIFT_EVERY)
    write_files(dataset, place.directory / "loop")
    slow, fast, received = [], [], set()
    with a_server(place) as server:
        server.set_latency(_LATENCY_SECONDS)
        server.load(dataset)
        engine.plan(place, server, "loop", dataset.drifted)
        for _ in range(scale.short_rounds):
            server.load(dataset)
            fast.append(engine.apply(place, server, "loop", dataset.drifted).seconds)
            received.add(sum(server.counts().methods.values()))
            server.load(dataset)
            slow.append(_loop_seconds(place, server, dataset, scale.loop_sample))
    pairs = Pairs(tuple(slow), tuple(fast))
    what = f"a GET per key, {_LOOP_KEYS:,} keys, 1 % drift, {_LATENCY_SECONDS * 1000:.0f} ms v apply"
    behind = (
        f"{pairs.seconds('loop', 'apply')}; the loop is scaled from {scale.loop_sample} keys by requests, "
        "and stands in for the vendor's SDK, which is not installed"
    )
    wanted = f"{dataset.pages + dataset.drifted} requests"
    found = ", ".join(f"{total} requests" for total in sorted(received))
    return [
        Subject("loop", what).at_least(_LOOP_LIMIT, pairs.ratio, behind),
        Subject("loop", "requests of that apply").exactly(
            wanted, found, f"{dataset.pages} list + {dataset.drifted} PATCH; the loop needs 1,010"
        ),
    ]


def _loop_seconds(place: Place, server: Server, dataset: Dataset, sample: int) -> float:
    finished = compared(place, "one_by_one", server.url, dataset.to_json(), str(sample))
    result = finished.result()
    expected = sample + sample // dataset.drift_every
    if result["requests"] != expected:
        raise BenchmarkError(f"the loop sent {result['requests']} requests, not {expected}")
    # Only the loop grows with the keys: its start-up is counted once.
    start_up: float = finished.seconds - result["loop_seconds"]
    whole = dataset.keys + dataset.drifted
    return start_up + float(result["loop_seconds"]) * whole / expected
