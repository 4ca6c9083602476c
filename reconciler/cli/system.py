"""What the operating system refuses: an error like the others, and one that may pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.errors import ReconcilerError, os_reason


class SystemFailureError(ReconcilerError):
    """The operating system refused something, such as another open file or more memory."""

    is_transient = True


@contextmanager
def system_failures() -> Iterator[None]:
    """Raise SystemFailureError for what the operating system refuses.

    That a module cannot be imported is such a refusal too: its file could not be opened.
    """
    try:
        yield
    except (OSError, MemoryError, ImportError) as error:
        reason = os_reason(error)
        raise SystemFailureError(f"the system refused what was needed: {reason}") from error
