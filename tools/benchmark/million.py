"""A history of ROWS drifted fields and as many rounds: ``python -m benchmark.million FILE ROWS``."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import sys
from contextlib import closing
from typing import Final

from reconciler.service.history.database import Database

_KEYS: Final = 10_000
_SPAN: Final = 29 * 86_400
"""All of it lies within what a status page shows."""
_CACHE: Final = 2**19
"""KiB: all is one transaction, which would go to the disk in parts again and again."""


def main(file: str, rows: str) -> None:
    """Write the history."""
    count = int(rows)
    with Database(file):
        pass  # makes the tables
    latest = int(dt.datetime.now(dt.UTC).timestamp())
    declared, live = json.dumps("declared"), json.dumps("edited by hand")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"PRAGMA cache_size = -{_CACHE}")
        connection.executemany(
            "INSERT INTO episode (address, declared, live, first_seen, last_seen, ended, corrected, field,"
            " effect, reason, rounds, outcome, run, told) VALUES (?, ?, ?, ?, ?, ?, ?, 'description',"
            " 'neutral', 'access unchanged', 2, 'corrected', 'benchmark', 'corrected')",
            (
                (_address(number), declared, live, instant - 900, instant, instant, instant)
                for number in range(count)
                if (instant := latest - _SPAN * (count - number) // count)
            ),
        )
        connection.executemany(
            "INSERT INTO round (run, began, ended, result, drifted, corrected)"
            " VALUES ('benchmark', ?, ?, 'corrected', 1, 1)",
            (
                (instant, instant)
                for number in range(count)
                if (instant := latest - _SPAN * (count - number) // count)
            ),
        )


def _address(number: int) -> str:
    return f"caas/1/76/key-{number % _KEYS:05}"


if __name__ == "__main__":
    main(*sys.argv[1:])
