"""What must hold of a history, whatever happened."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from reconciler.apply.in_doubt import read_journal
from soak_runs.world import EVERY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chaos_runs.promises import Findings

_BLIND = "could not be read"


def check_history(file: Path, findings: Findings) -> None:
    """State what the history promises, and what in ``file`` breaks it."""
    with closing(sqlite3.connect(file)) as history:
        rounds = history.execute(
            "SELECT id, began, ended, result, corrected, errors FROM round ORDER BY id"
        ).fetchall()
        episodes = history.execute(
            "SELECT id, first_seen, last_seen, ended, outcome, corrected, run, rounds FROM episode"
        ).fetchall()
        lines = [line.encode() for (line,) in history.execute("SELECT line FROM journal ORDER BY id")]
        ((integrity,),) = history.execute("PRAGMA integrity_check").fetchall()
        results = Counter(dict(history.execute("SELECT result, count(*) FROM round GROUP BY result")))
        ((contested,),) = history.execute("SELECT count(*) FROM round WHERE contested").fetchall()
    findings.add("rounds", len(rounds))
    for result, count in sorted(results.items(), key=str):
        findings.add(f"rounds {result or 'cut off'}", count)
    findings.add("rounds with a contested field", contested)
    findings.add("drifted fields", len(episodes))
    findings.add("drifted fields corrected", sum(row[5] is not None for row in episodes))
    findings.promise("no round is missed or doubled", _grid(rounds))
    findings.promise(
        "every round that began has ended", [f"round {row[0]}" for row in rounds if row[2] is None]
    )
    findings.promise("the file is whole", [] if integrity == "ok" else [integrity])
    findings.promise("every drifted field has its facts", _facts(episodes))
    corrected = sum(row[4] for row in rounds)
    known = sum(row[5] is not None for row in episodes)
    # A correction whose outcome was not verified may turn out to have been one: then the drift is gone.
    findings.promise(
        "rounds and drifted fields count the same corrections",
        [] if corrected == known else [f"{corrected} in rounds, {known} in fields"],
    )
    applied = sum(json.loads(line).get("outcome") == "applied" for line in lines)
    findings.add("writes applied", applied)
    doubts = read_journal(lines).in_doubt
    findings.promise("no write is in doubt", [f"{doubt.address} since {doubt.at}" for doubt in doubts])


def _grid(rounds: list[tuple[Any, ...]]) -> Iterator[str]:
    """Compare each distance with what the round before allows: one quarter, or a multiple while blind."""
    blind = 0
    for (_, began, _, result, _, errors), (number, following, *_) in pairwise(rounds):
        blind = blind + 1 if result == "failed" and _BLIND in errors else 0
        longest = min(2**blind, 4)
        distance = following - began
        # Times are stored in whole seconds, so a distance may be one off.
        off = abs(distance - round(distance / EVERY) * EVERY) > 1 or distance < EVERY - 1
        if off or distance > longest * EVERY + 1:
            yield f"round {number} came {distance} s after a round that was {result}"


def _facts(episodes: list[tuple[Any, ...]]) -> Iterator[str]:
    for number, first, last, ended, outcome, corrected, run, rounds in episodes:
        ordered = first <= last and (ended is None or last <= ended)
        if not ordered or rounds < 1 or (corrected is None) != (run is None):
            yield f"drifted field {number}: {first} {last} {ended} {outcome} {corrected} {run}"
        if (outcome == "corrected") != (corrected is not None):
            yield f"drifted field {number} is {outcome}, corrected {corrected}"
