"""The cyclic garbage collector, around trees of millions of small values."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def paused_collector() -> Iterator[None]:
    """Pause the cyclic collector: walking a growing tree of values is most of the cost of building it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def kept_for_good() -> Iterator[None]:
    """Pause the collector, and exempt what lives at the end for as long as the process runs."""
    with paused_collector():
        try:
            yield
        finally:
            gc.freeze()


def keep_instead() -> None:
    """Exempt what lives now from collection, and nothing that was exempt before."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
