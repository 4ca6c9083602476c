"""How much is measured: everything, or a small version to work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes and repetitions of one benchmark.

    ``scopes`` of ``scope_keys`` each make the large plan, ``obvious_scopes`` of them the one that
    the obvious code plans too. ``loop_sample`` of the keys go through the one-by-one loop, and
    ``history_rows`` is the number of drifted fields, and of rounds, of a history. ``vast_scopes`` make the
    plan that shows how time and memory grow.
    """

    scopes: int
    scope_keys: int
    obvious_scopes: int
    loop_sample: int
    apply_scopes: int
    rounds: int
    short_rounds: int
    start_rounds: int
    history_rows: int
    vast_scopes: int


FULL: Final = Scale(
    scopes=100,
    scope_keys=1000,
    obvious_scopes=10,
    loop_sample=100,
    apply_scopes=5,
    rounds=5,
    short_rounds=3,
    start_rounds=25,
    history_rows=1_000_000,
    vast_scopes=1000,
)
QUICK: Final = Scale(
    scopes=10,
    scope_keys=1000,
    obvious_scopes=2,
    loop_sample=100,
    apply_scopes=1,
    rounds=3,
    short_rounds=1,
    start_rounds=7,
    history_rows=50_000,
    vast_scopes=100,
)
