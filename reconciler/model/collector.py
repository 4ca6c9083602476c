"""Control of the cyclic garbage collector while trees of millions of small values are built."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def paused_collector() -> Iterator[None]:
    """Pause the cyclic collector, which would repeatedly traverse a tree of values while it is built."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def kept_for_good() -> Iterator[None]:
    """Pause the collector, and exempt all objects that are alive at the end until the process ends."""
    with paused_collector():
        try:
            yield
        finally:
            gc.freeze()


def keep_instead() -> None:
    """Exempt all objects that are alive now from collection, and no longer those exempted before."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
