"""The outcome of each change of a plan that was applied."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from reconciler.model.plan import Change


class Result(StrEnum):
    """The result of one change."""

    APPLIED = "applied"
    FAILED = "failed"
    UNCHANGED = "already as planned"
    STALE = "stale"
    NOT_VERIFIED = "not verified"
    NOT_ATTEMPTED = "not attempted"

    @property
    def is_success(self) -> bool:
        """Return whether the live key is as planned, even if another writer made it so."""
        return self in {Result.APPLIED, Result.UNCHANGED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one change, with the reason if it was not applied as planned.

    ``secret_at`` is where the secret of a new key was stored, ``new_id`` the id of a new object, where the
    service makes ids and the response shows it. ``notice`` is a side effect in the service of a change that
    was applied as planned.
    """

    change: Change
    result: Result
    detail: str = ""
    request_id: str | None = None
    secret_at: str = ""
    new_id: str = ""
    notice: str = ""

    def __str__(self) -> str:
        """Return the outcome on one line that is safe to print, such as ``caas/1/76/web: applied``."""
        place = f"its secret is in {self.secret_at}" * bool(self.secret_at not in self.detail)
        detail = "; ".join(filter(None, (self.detail, place, self.notice)))
        return escape_control(": ".join(filter(None, (self.change.address, self.result.value, detail))))
