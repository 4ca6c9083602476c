"""Servers and clocks for the tests of the shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import FakeClock, emulate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gcore_emulator import Emulator


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with emulate() as running:
        yield running
