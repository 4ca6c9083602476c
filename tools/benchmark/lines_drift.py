"""A round of a drift service that finds nothing, and looking at a large history."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

from benchmark.data import Dataset, write_files
from benchmark.processes import RECONCILER, BenchmarkError, Place, a_server, compared, run
from benchmark.report import SECONDS, Pairs, Row, Subject

if TYPE_CHECKING:
    from benchmark.scale import Scale

_ROUND_LIMIT: Final = 1.5
_SCOPES: Final = 10
_LOOK_LIMIT: Final = 1.0


def measure_round(place: Place, scale: Scale, _chosen: frozenset[str]) -> list[Row]:
    """Compare rounds over unchanged keys with their floors, and count their requests."""
    dataset = Dataset((scale.scope_keys,) * _SCOPES)
    write_files(dataset, place.directory / "watched")
    rounds = 2 * scale.rounds
    with a_server(place) as server:
        server.load(dataset)
        finished = compared(
            place, "rounds", "watched", dataset.to_json(), str(rounds), url=server.url
        ).result()
        received = sum(server.counts().methods.values())
    if finished["code"] != 0 or len(finished["rounds"]) != rounds:
        raise BenchmarkError(f"the service answered {finished}")
    # The floors send as many requests as rounds do; the first round and its floor are counted here.
    each = received / (2 * (rounds + 1))
    pairs = Pairs(tuple(finished["rounds"]), tuple(finished["floors"]))
    return [
        Subject(
            "round", f"a round over {dataset.keys:,} unchanged keys v its GETs and one validation"
        ).at_most(_ROUND_LIMIT, pairs.ratio, pairs.seconds("round", "floor")),
        Subject("round", "requests of that round").exactly(
            f"{dataset.pages} requests", f"{each:g} requests", f"{received} in {rounds + 1} rounds and floors"
        ),
    ]


def measure_history(place: Place, scale: Scale, _chosen: frozenset[str]) -> list[Row]:
    """Measure a command that shows a history with many rows, from start to end."""
    compared(place, "million", "drift.db", str(scale.history_rows))
    rows = []
    for what, words in (("text", ()), ("status page", ("--format", "html"))):
        command = (*RECONCILER, "history", "--history", "drift.db", *words)
        run(place, command)
        seconds = [run(place, command).seconds for _ in range(scale.short_rounds)]
        subject = Subject("history", f"{what} of {scale.history_rows:,} drifted fields and rounds", SECONDS)
        rows.append(subject.at_most(_LOOK_LIMIT, statistics.median(seconds), "the whole command, median"))
    return rows
