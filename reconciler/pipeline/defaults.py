"""The defaults of the library's own functions: what everything below them is passed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.system import SystemClock, SystemRandomness

if TYPE_CHECKING:
    from reconciler.model.clock import Clock
    from reconciler.model.randomness import Randomness

CLOCK: Final[Clock] = SystemClock()
"""The clock of this machine, where the caller gives no other time."""
RANDOMNESS: Final[Randomness] = SystemRandomness()
"""The random numbers of this machine, for pauses and names."""
