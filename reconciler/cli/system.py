"""The composition root: the environment, clock and randomness of this machine, which all else is passed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from reconciler.load.process import Host
from reconciler.model.system import SystemClock, SystemRandomness

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click

    from reconciler.model.clock import Clock
    from reconciler.model.randomness import Randomness

ENVIRONMENT: Final[Mapping[str, str]] = os.environ
"""The variables of this process, as they are when one is looked up."""
CLOCK: Final[Clock] = SystemClock()
RANDOMNESS: Final[Randomness] = SystemRandomness()
HOST: Final = Host(ENVIRONMENT, CLOCK)
"""For Git, which real time bounds whatever the clock of a run is."""


def clock_of(context: click.Context) -> Clock:
    """Return the clock of the caller, or the machine's."""
    return context.obj or CLOCK
