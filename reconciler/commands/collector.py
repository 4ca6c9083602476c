"""Keeping Python's cyclic collector out of the way while many values come into being."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def paused_collector() -> Iterator[None]:
    """Keep the cyclic collector from walking growing trees over and over.

    A desired state and its plan are trees of millions of small values, and walking them is most of
    the cost of building them otherwise. They live as long as the command, so they are then taken out
    of the collector's sight for good.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
