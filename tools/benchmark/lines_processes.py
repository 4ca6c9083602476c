"""The plan in several processes against the plan in one, and how time and memory grow with the keys."""

from __future__ import annotations

import os
import statistics
from typing import TYPE_CHECKING, Final

from benchmark import engine
from benchmark.data import Dataset, write_files
from benchmark.processes import Place, a_server
from benchmark.report import MEBIBYTES, Pairs, Row, Subject

if TYPE_CHECKING:
    from benchmark.processes import Run
    from benchmark.scale import Scale

_TWO: Final = "2"
_TWO_LIMIT: Final = 0.6
_AUTO_LIMIT: Final = 1.05
_VAST_LIMIT: Final = 1.1
"""For each time as many keys: ten times the keys may take 11 times as long."""
_VAST_MEMORY: Final = 500


def measure_two(place: Place, scale: Scale, _chosen: frozenset[str]) -> list[Row]:
    """Plan the same keys in two processes and in one by turns."""
    dataset = Dataset((scale.scope_keys,) * scale.scopes)
    two, one = _by_turns(place, dataset, _TWO, scale.rounds)
    pairs = _pairs(two, one)
    what = f"plan of {dataset.keys:,} keys in two processes v one"
    behind = f"{pairs.seconds('two', 'one')}; the server shares the {os.cpu_count()} cores with them"
    return [Subject("processes", what).at_most(_TWO_LIMIT, pairs.ratio, behind)]


def measure_auto(place: Place, scale: Scale, _chosen: frozenset[str]) -> list[Row]:
    """Plan few keys with the number of processes left to the engine, and in one process, by turns."""
    dataset = Dataset((scale.scope_keys,))
    auto, one = _by_turns(place, dataset, engine.AUTO, scale.start_rounds)
    pairs = _pairs(auto, one)
    subject = Subject("auto", f"plan of {dataset.keys:,} keys with --processes auto v one process")
    return [subject.at_most(_AUTO_LIMIT, pairs.ratio, pairs.seconds("auto", "one"))]


def measure_vast(place: Place, scale: Scale, _chosen: frozenset[str]) -> list[Row]:
    """Plan many keys and some of them by turns, in one process."""
    part, whole = (Dataset((scale.scope_keys,) * scopes) for scopes in (scale.scopes, scale.vast_scopes))
    many: list[Run] = []
    few: list[Run] = []
    write_files(part, place.directory / "part")
    write_files(whole, place.directory / "whole")
    with a_server(place) as server:
        server.load(whole)
        engine.plan(place, server, "part", 0)
        for _ in range(scale.short_rounds):
            many.append(engine.plan(place, server, "whole", 0))
            few.append(engine.plan(place, server, "part", 0))
    pairs = _pairs(many, few)
    peaks = [run.peak_mebibytes for run in many]
    what = f"plan of {whole.keys:,} keys in {len(whole.sizes):,} scopes v of {part.keys:,}, in one process"
    limit = whole.keys / part.keys * _VAST_LIMIT
    return [
        Subject("vast", what).at_most(limit, pairs.ratio, pairs.seconds("many", "few")),
        Subject("vast", "its peak memory", MEBIBYTES).at_most(
            _VAST_MEMORY, max(peaks), f"median {statistics.median(peaks):.0f} MiB"
        ),
    ]


def _by_turns(place: Place, dataset: Dataset, processes: str, rounds: int) -> tuple[list[Run], list[Run]]:
    """Plan unchanged keys with ``processes``, and in one process, in each round; every other is reversed."""
    write_files(dataset, place.directory / "keys")
    runs: dict[str, list[Run]] = {processes: [], engine.ONE_PROCESS: []}
    with a_server(place) as server:
        server.load(dataset)
        engine.plan(place, server, "keys", 0)
        for number in range(rounds):
            for name in list(runs)[:: -1 if number % 2 else 1]:
                runs[name].append(engine.plan(place, server, "keys", 0, processes=name))
    return runs[processes], runs[engine.ONE_PROCESS]


def _pairs(upper: list[Run], lower: list[Run]) -> Pairs:
    return Pairs(tuple(run.seconds for run in upper), tuple(run.seconds for run in lower))
