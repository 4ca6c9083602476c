"""One browser for all tests of a run; each opens tabs of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.render.browser.chromium import Browser, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started
