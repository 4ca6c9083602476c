"""Servers and clocks for every room; property tests try the same examples on every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support import FakeClock, emulate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gcore_emulator import Emulator

settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.load_profile("reproducible")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with emulate() as running:
        yield running
