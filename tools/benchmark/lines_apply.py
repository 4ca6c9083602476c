"""What an apply sends, and how fast."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

from benchmark import engine
from benchmark.data import Dataset, write_files
from benchmark.processes import BenchmarkError, Place, Server, a_server, compared
from benchmark.report import PERCENT, Pairs, Row, Subject

if TYPE_CHECKING:
    from benchmark.scale import Scale

# More than two pages, exactly two, exactly one, one short of one, and a single key.
_SIZES: Final = (2500, 2000, 1000, 999, 1)
_DRIFT_EVERY: Final = 100
_RATE_LIMIT: Final = 80


def measure_requests(place: Place, _scale: Scale, _chosen: frozenset[str]) -> list[Row]:
    """Count the requests of a plan, of an apply, and of the plan after it."""
    dataset = Dataset(_SIZES, drift_every=_DRIFT_EVERY)
    write_files(dataset, place.directory / "requests")
    behind = f"scopes of {', '.join(f'{size:,}' for size in _SIZES)} keys, {dataset.drifted} of them changed"
    pages = f"{dataset.pages} GET"
    with a_server(place) as server:
        server.load(dataset)
        engine.plan(place, server, "requests", dataset.drifted)
        planned = server.counts().text
        server.load(dataset)
        engine.apply(place, server, "requests", dataset.drifted)
        applied = server.counts().text
        # The server really has the new values: the next plan is empty.
        engine.plan(place, server, "requests", 0)
    return [
        Subject("requests", "requests of a plan").exactly(pages, planned, behind),
        Subject("requests", "requests of an apply").exactly(
            f"{pages} + {dataset.drifted} PATCH", applied, behind
        ),
    ]


def measure_rate(place: Place, scale: Scale, _chosen: frozenset[str]) -> list[Row]:
    """Compare the rate of an apply's PATCHes with that of a bare loop of the same PATCHes."""
    dataset = Dataset((scale.scope_keys,) * scale.apply_scopes, drift_every=1)
    write_files(dataset, place.directory / "apply")
    ours, bare = [], []
    with a_server(place) as server:
        for number in range(scale.rounds + 1):
            server.load(dataset)
            engine.apply(place, server, "apply", dataset.drifted)
            applied = _rate(server, dataset)
            server.load(dataset)
            sent = compared(place, "bare_patches", server.url, dataset.to_json(), engine.PARALLELISM)
            if sent.result() != {"sent": dataset.drifted}:
                raise BenchmarkError(f"the bare loop answered {sent.output.strip()}")
            # The first round is the warm-up.
            if number:
                ours.append(applied)
                bare.append(_rate(server, dataset))
    pairs = Pairs(tuple(ours), tuple(bare))
    subject = Subject("apply", f"rate of {dataset.drifted:,} PATCHes, parallelism 10 v a bare loop", PERCENT)
    behind = (
        f"apply {statistics.median(ours):,.0f}/s, bare loop {statistics.median(bare):,.0f}/s, "
        "from the first PATCH received to the last one answered"
    )
    return [subject.at_least(_RATE_LIMIT, 100 * pairs.ratio, behind)]


def _rate(server: Server, dataset: Dataset) -> float:
    counts = server.counts()
    if counts.methods.get("PATCH") != dataset.drifted:
        raise BenchmarkError(f"the server received {counts.text}, not {dataset.drifted} PATCH")
    return dataset.drifted / counts.patching_seconds
