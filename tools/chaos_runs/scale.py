"""How much of everything: the full size, and a quick one for orientation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chaos_runs.processes import COMMAND

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Scale:
    """The sizes of all runs. ``sizes`` counts the keys of each scope under faults; ``seed`` starts it all.

    ``command`` is what is run, but for what is killed.
    """

    sizes: tuple[int, ...]
    kills: int
    writers: int
    odd: int
    lives: int
    workers: int
    cluster: int
    seed: int = 1
    command: Sequence[str] = COMMAND


FULL: Final = Scale(
    sizes=(4000, 2500, 1500, 1000, 600, 300, 90, 9, 1),
    kills=100,
    writers=50,
    odd=60,
    lives=40,
    workers=20,
    cluster=20,
)
QUICK: Final = Scale(sizes=(600, 300, 99, 1), kills=10, writers=8, odd=6, lives=6, workers=4, cluster=2)
