"""What the operating system refuses is an error of this package, and one that may pass."""

from __future__ import annotations

import pytest

from reconciler.errors import SystemFailureError
from reconciler.service.cycle import system_failures


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (OSError(24, "Too many open files"), "Too many open files"),
        (OSError(), "OSError"),
        (MemoryError(), "MemoryError"),
        (ImportError("no file"), "no file"),
    ],
)
def test_a_system_failure_is_reported_as_transient_with_its_reason(refusal: Exception, reason: str) -> None:
    with pytest.raises(SystemFailureError) as caught, system_failures():
        raise refusal
    assert str(caught.value) == f"the system refused an operation: {reason}"
    assert caught.value.is_transient


def test_an_internal_error_is_not_converted() -> None:
    with pytest.raises(ZeroDivisionError), system_failures():
        raise ZeroDivisionError
