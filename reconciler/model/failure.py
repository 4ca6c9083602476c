"""The facts about a failed request, and the exit codes of commands."""

from __future__ import annotations

from enum import IntEnum

from reconciler.model.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """The facts about a failed request.

    ``in_doubt`` is true if the request may have taken effect all the same. ``request`` is method and path,
    without headers. ``status`` is None without a response. ``exception_class`` and ``request_id`` come from
    the service's error body where it has them.
    """

    request: str
    detail: str
    status: int | None = None
    exception_class: str | None = None
    request_id: str | None = None
    attempts: int = 1
    retry_after: float | None = None
    hint: str = ""
    in_doubt: bool = False

    def __str__(self) -> str:
        """Return the failure on one line."""
        facts = []
        if self.exception_class:
            facts.append(self.exception_class)
        if self.request_id:
            facts.append(f"request_id {self.request_id}")
        if self.attempts > 1:
            facts.append(f"tried {self.attempts} times")
        status = f"HTTP {self.status}: " if self.status is not None else ""
        known = f" ({', '.join(facts)})" if facts else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.request}: {status}{self.detail}{known}{hint}"


class ExitCode(IntEnum):
    """The exit code of a command; the numbers are part of the interface."""

    DONE = 0
    ERROR = 1
    CHANGES = 2
    REFUSED = 3
    PARTIAL = 4
    USAGE = 64
    INTERRUPTED = 130
