from __future__ import annotations

import threading

import pytest

from tests.conftest import limited


def test_a_test_that_exceeds_its_limit_fails_and_is_named() -> None:
    expected = pytest.raises(pytest.fail.Exception, match="the storm took longer than 1e-06 s")
    with expected, limited("the storm", 1e-6):
        threading.Event().wait()


def test_a_test_within_its_limit_passes() -> None:
    with limited("the storm", 60):
        threading.Event().wait(0)
