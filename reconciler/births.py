"""Keys that come and go: created once, their secret kept; deleted; replaced.

A key's secret is in one answer only. So a creation is sent once, and where its answer is lost it is found out
whether the key exists: then its secret is lost, which is said and never passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

from reconciler.errors import (
    ApiError,
    HeldBackError,
    NotFoundError,
    ReconcilerError,
    StoppedError,
    TimedOutError,
    UnreachableError,
    WrongShapeError,
)
from reconciler.model import Outcome, Result
from reconciler.normalize import json_text
from reconciler.plan import differences_text, stored_differences
from reconciler.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.client import Writer
    from reconciler.kinds import Kind
    from reconciler.model import Change

_LOST: Final = (
    "the key exists now, and its secret is lost: either declare it `state: absent`, apply, and declare it "
    "again, which makes another secret, or keep it, if nobody needs its secret"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a secret is; ``problem`` says why it is not where it should be."""

    where: str
    problem: str = ""


class SecretKeeper(Protocol):
    """Keeps the secrets of new keys."""

    def expect(self, change: Change) -> None:
        """Hear that a key is about to be made: until it is settled its secret is in nobody's hands."""
        ...

    def settle(self, change: Change) -> None:
        """Hear that this is over, however it ended."""
        ...

    def keep(self, change: Change, secret: Secret) -> Kept:
        """Put a secret where it belongs, or else where it can be found. Raises SinkError if it is lost."""
        ...


def _may_still_come(error: ApiError) -> bool:
    """Tell whether a request may be executed later: nobody that executes requests has answered it."""
    is_gateway = error.failure.status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
    return is_gateway or isinstance(error, UnreachableError | TimedOutError)


class Births:
    """Sends creations, deletions and replacements."""

    def __init__(self, writer: Writer, kinds: Mapping[str, Kind], keeper: SecretKeeper | None) -> None:
        """Take who sends, and who keeps secrets: nobody is needed where the kind has none."""
        self._writer = writer
        self._kinds = kinds
        self._keeper = keeper

    def create(self, change: Change) -> Outcome:
        """Create the key once and keep its secret."""
        return self._create(change, self._writer.post)

    def _create(self, change: Change, post: Callable[[str, Mapping[str, Any]], Any]) -> Outcome:
        kind = self._kinds[change.scope.kind]
        keeper = None if kind.secret is None else self._keeper
        if keeper is not None:
            keeper.expect(change)
        try:
            answer = post(change.requests[-1][1], change.patch)
            return self._born(kind, change, answer)
        except (StoppedError, HeldBackError) as error:
            return Outcome(change, Result.NOT_ATTEMPTED, str(error))
        except ApiError as error:
            found = self._found_out(change, error) if error.failure.in_doubt else None
            outcome = found or Outcome(change, Result.FAILED, str(error))
            return replace(outcome, request_id=error.failure.request_id)
        finally:
            if keeper is not None:
                keeper.settle(change)

    def delete(self, change: Change) -> Outcome:
        """Delete the key. One that is gone is deleted."""
        try:
            self._writer.delete(change.path)
        except NotFoundError:
            return Outcome(change, Result.APPLIED)
        except (StoppedError, HeldBackError) as error:
            return Outcome(change, Result.NOT_ATTEMPTED, str(error))
        except ApiError as error:
            if not error.failure.in_doubt:
                return Outcome(change, Result.FAILED, str(error), error.failure.request_id)
            return replace(self._deleted(change, str(error)), request_id=error.failure.request_id)
        return Outcome(change, Result.APPLIED)

    def replace(self, change: Change) -> Outcome:
        """Delete the key and create it anew; if that fails, it is gone, which is said."""
        deleted = self.delete(change)
        if deleted.result is not Result.APPLIED:
            return deleted
        created = self._create(change, self._post_surely)
        if created.result is not Result.APPLIED and not created.secret_at and _LOST not in created.detail:
            # It may be gone, and with it what was not declared.
            wanted = f"; it was to be {json_text(change.patch)}"
            detail = f"the key was deleted, and creating it anew failed: {created.detail}{wanted}"
            return replace(created, result=Result.NOT_VERIFIED, detail=detail)
        return created

    def _post_surely(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send the second half of a replacement, whatever interrupts the run or holds it back."""
        try:
            return self._writer.post(path, body)
        except (StoppedError, HeldBackError):
            return self._writer.post_now(path, body)

    def _born(self, kind: Kind, change: Change, answer: Any) -> Outcome:
        """Keep the secret first, whatever else the answer says."""
        remarks: list[str] = []
        where = ""
        if kind.secret is not None:
            secret = answer.pop(kind.secret, None) if isinstance(answer, dict) else None
            if isinstance(secret, str) and secret and self._keeper is not None:
                where, problem = self._kept(self._keeper, change, Secret(secret))
                remarks += [problem] if problem else []
            else:
                remarks.append(f"the answer held no secret; {_LOST}")
        try:
            unstored = stored_differences(kind, change, change.patch, answer)
            if unstored:
                remarks.append(differences_text("was accepted as", "but is stored as", unstored))
        except (WrongShapeError, RecursionError) as error:
            remarks.append(str(error))
        result = Result.NOT_VERIFIED if remarks else Result.APPLIED
        return Outcome(change, result, "; ".join(remarks), secret_at=where)

    def _kept(self, keeper: SecretKeeper, change: Change, secret: Secret) -> tuple[str, str]:
        try:
            kept = keeper.keep(change, secret)
        except ReconcilerError as error:
            return "", f"{error}; {_LOST}"
        return kept.where, kept.problem

    def _found_out(self, change: Change, error: ApiError) -> Outcome | None:
        """Tell by reading whether a creation whose answer is lost took effect; None if it did not."""
        kind = self._kinds[change.scope.kind]
        try:
            live = self._writer.read_back(change.path)
            others = stored_differences(kind, change, change.patch, live)
        except NotFoundError:
            if not _may_still_come(error):
                return None
            late = "it is not there yet; if it still comes to be, its secret is lost"
            return Outcome(change, Result.NOT_VERIFIED, f"{error}; {late}")
        except (ReconcilerError, RecursionError) as failure:
            unknown = f"{error}; it may exist now, and reading it failed: {failure}"
            return Outcome(change, Result.NOT_VERIFIED, f"{unknown}; if it does, its secret is lost")
        remark = ""
        if others:
            found = differences_text("was sent as", "but is stored as", others)
            remark = f"not as it was sent ({found}), so somebody else may have made it; if not, "
        return Outcome(change, Result.NOT_VERIFIED, f"{error}; {remark}{_LOST}")

    def _deleted(self, change: Change, reason: str) -> Outcome:
        try:
            self._writer.read_back(change.path)
        except NotFoundError:
            return Outcome(change, Result.APPLIED)
        except (ReconcilerError, RecursionError) as failure:
            detail = f"{reason}; it may be gone, and reading it failed: {failure}"
            return Outcome(change, Result.NOT_VERIFIED, detail)
        return Outcome(change, Result.FAILED, f"{reason}; read back: the key is still there")
