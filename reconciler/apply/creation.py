"""The outcome of a creation, by the existence of its key and the place of its secret."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from reconciler.errors import ApiError, TimedOutError, UnreachableError
from reconciler.model.outcome import Outcome, Result

if TYPE_CHECKING:
    from reconciler.apply.observer import StoredSecret
    from reconciler.model.plan import Change

LOST: Final = (
    "the key exists now, and its secret is lost: either declare it `state: absent`, apply, and declare it "
    "again, which makes another secret, or leave it, if its secret is not needed"
)


def existing(change: Change, secret: StoredSecret, different: str) -> Outcome:
    """Return the outcome of a creation whose key exists and was created by this run."""
    detail = "; ".join(filter(None, (secret.problem, LOST * secret.is_lost, different)))
    result = Result.NOT_VERIFIED if detail else Result.APPLIED
    return Outcome(change, result, detail, secret_at=secret.where)


def absent(change: Change, error: ApiError, secret: StoredSecret) -> Outcome:
    """Return the outcome of a creation whose key does not exist, or not yet."""
    is_gateway = error.failure.status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
    may_still_come = error.is_success or is_gateway or isinstance(error, UnreachableError | TimedOutError)
    if secret.where:
        why = (
            f"the key does not exist, but the response contained a secret, which is stored in {secret.where}"
        )
    elif not may_still_come:
        return Outcome(change, Result.FAILED, str(error))
    else:
        why = (
            "it does not exist yet" + "; if the service still creates it, its secret is lost" * secret.is_lost
        )
    return Outcome(change, Result.NOT_VERIFIED, f"{error}; {why}", secret_at=secret.where)


def conflicting(change: Change, error: ApiError, secret: StoredSecret, different: str) -> Outcome:
    """Return the outcome of a creation that was refused because its name is in use."""
    if different:
        detail = f"{error}; a key of this name exists, not as declared ({different}); plan again"
        return Outcome(change, Result.FAILED, detail)
    if not secret.is_lost:
        return Outcome(change, Result.UNCHANGED)
    who = "either another client created it, or this request did; in that case"
    detail = f"{error}; a key of this name exists, as declared: {who} {LOST}"
    return Outcome(change, Result.NOT_VERIFIED, detail)
