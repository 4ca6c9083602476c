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
    the cost of building them otherwise.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def kept_for_good() -> Iterator[None]:
    """Pause the collector, and take what lives now out of its sight: it lives as long as the command."""
    with paused_collector():
        try:
            yield
        finally:
            gc.freeze()


def keep_instead() -> None:
    """Take what lives now out of the collector's sight, and what was kept before back into it."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
