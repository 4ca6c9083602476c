"""Keys that come and go: created once, their secret kept; deleted; replaced.

A key's secret is in one answer only. So a creation is sent once, and where its answer is lost it is found out
whether the key exists: then its secret is lost, which is said and never passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

from reconciler.apply.observer import Observer
from reconciler.apply.resolution import Resolver, take_out
from reconciler.errors import (
    ApiError,
    ConflictError,
    Failure,
    InvalidResponseError,
    ReconcilerError,
    SchemaMismatchError,
    StoppedError,
    ThrottledError,
    TimedOutError,
    UnreachableError,
)
from reconciler.model.canonical import json_text
from reconciler.model.outcome import Outcome, Result
from reconciler.model.secret import Secret
from reconciler.model.strict_json import Doubled
from reconciler.plan.changes import created_at
from reconciler.plan.planning import differences_text, stored_differences

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.api.writer import Writer
    from reconciler.kinds.kind import Kind
    from reconciler.model.plan import Change

_TWO_SECRETS: Final = "the answer held more than one secret, of which the last is stored; try it"
_LOST: Final = (
    "the key exists now, and its secret is lost: either declare it `state: absent`, apply, and declare it "
    "again, which makes another secret, or keep it, if nobody needs its secret"
)


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """Where a secret is; ``problem`` says why it is not where it should be."""

    where: str
    problem: str = ""


class SecretStore(Observer, Protocol):
    """Stores the secrets of new keys. Between start and end of a change its secret may be in memory only.

    ``started`` raises SinkError if no further key is to be created.
    """

    def outdated(self, change: Change) -> str:
        """Return what to say of the secret of a deleted key in its place, empty if there is none."""
        ...

    def store(self, change: Change, secret: Secret) -> StoredSecret:
        """Store a secret in its place, or else where it can be found. Raises SinkError if it is lost."""
        ...


@dataclass(frozen=True, slots=True)
class _Secret:
    """What became of the secret of a new key.

    ``where`` it is stored, if it is; ``remark`` says what is wrong. ``is_lost`` unless there is none.
    """

    where: str = ""
    remark: str = ""
    is_lost: bool = False


def _may_still_come(error: ApiError) -> bool:
    """Return whether a request may be executed later: it was accepted, or never answered by its executor."""
    is_gateway = error.failure.status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
    return error.is_success or is_gateway or isinstance(error, UnreachableError | TimedOutError)


class LifecycleExecutor:
    """Sends creations, deletions and replacements."""

    def __init__(self, writer: Writer, kinds: Mapping[str, Kind], secrets: SecretStore | None) -> None:
        """Store what sends, and what stores secrets: not needed where no kind has one."""
        self._writer = writer
        self._kinds = kinds
        self._secrets = secrets
        self._resolver = Resolver(writer, kinds)

    def create(self, change: Change) -> Outcome:
        """Create the key once and store its secret."""
        return self._create(change, self._post)[0]

    def _create(self, change: Change, post: Callable[[Change], Any]) -> tuple[Outcome, bool]:
        """Return the outcome, and whether the key is known to exist."""
        try:
            return self._born(change, post(change))
        except (StoppedError, ThrottledError) as error:
            return Outcome(change, Result.NOT_ATTEMPTED, str(error)), False
        except ApiError as error:
            if not error.failure.in_doubt:
                return Outcome(change, Result.FAILED, str(error), error.failure.request_id), False
            outcome, exists = self._resolve(change, error, self._stored(change, error.answer))
            return replace(outcome, request_id=error.failure.request_id), exists

    def delete(self, change: Change) -> Outcome:
        """Delete the key. It is deleted once it is shown to be gone."""
        try:
            self._writer.delete(change.path)
        except (StoppedError, ThrottledError) as error:
            return Outcome(change, Result.NOT_ATTEMPTED, str(error))
        except ApiError as error:
            if not error.failure.in_doubt:
                return Outcome(change, Result.FAILED, str(error), error.failure.request_id)
            still_there = Result.NOT_VERIFIED if error.is_success else Result.FAILED
            outcome = self._deleted(change, str(error), self._resolver.live, still_there)
            return replace(outcome, request_id=error.failure.request_id)
        accepted = f"DELETE {change.path}: accepted"
        return self._deleted(change, accepted, self._resolver.after_deletion, Result.NOT_VERIFIED)

    def replace(self, change: Change) -> Outcome:
        """Delete the key and create it anew; if that fails, it is gone, which is said."""
        deleted = self.delete(change)
        if deleted.result is not Result.APPLIED:
            return deleted
        created, exists = self._create(change, self._post_surely)
        if exists:
            is_as_planned = created.result is Result.UNCHANGED
            return self._with_outdated(replace(created, result=Result.APPLIED) if is_as_planned else created)
        # It is gone, and with it what was not declared.
        wanted = f"; it was to be {json_text(change.patch)}"
        detail = f"the key was deleted, and creating it anew failed: {created.detail}{wanted}"
        return self._with_outdated(replace(created, result=Result.NOT_VERIFIED, detail=detail))

    def _with_outdated(self, outcome: Outcome) -> Outcome:
        """Return the outcome, and that a deleted key's secret is dead if no other one has its place."""
        has_secret = self._kinds[outcome.change.scope.kind].secret is not None
        if self._secrets is None or not has_secret or outcome.secret_at:
            return outcome
        if not (dead := self._secrets.outdated(outcome.change)):
            return outcome
        return replace(outcome, detail=f"{outcome.detail}; {dead}")

    def _post(self, change: Change) -> Any:
        request = change.requests[-1]
        return self._writer.post(request.path, request.body or {}, change.path)

    def _post_surely(self, change: Change) -> Any:
        """Send the second half of a replacement, whatever interrupts the run or holds it back."""
        try:
            return self._post(change)
        except (StoppedError, ThrottledError):
            request = change.requests[-1]
            return self._writer.post_now(request.path, request.body or {})

    def _born(self, change: Change, answer: Any) -> tuple[Outcome, bool]:
        """Store the secret first, whatever else the answer says."""
        secret = self._stored(change, answer)
        try:
            unstored = stored_differences(self._kinds[change.scope.kind], change, change.patch, answer)
        except (SchemaMismatchError, RecursionError) as error:
            failure = Failure(f"POST {change.requests[-1].path}", str(error), in_doubt=True)
            return self._resolve(change, InvalidResponseError(failure), secret)
        different = differences_text("was accepted as", "but is stored as", unstored)
        return _existing(change, secret, different), True

    def _stored(self, change: Change, answer: Any) -> _Secret:
        """Store the secret that ``answer`` holds, if the kind has one."""
        member = self._kinds[change.scope.kind].secret
        if member is None:
            return _Secret()
        if answer is None:
            return _Secret(is_lost=True)
        found = take_out(answer, member)
        secrets = found if isinstance(found, Doubled) else [found]
        self._writer.redactor.add(*(Secret(secret) for secret in secrets if isinstance(secret, str)))
        secret, remark = secrets[-1], _TWO_SECRETS if len(secrets) > 1 else ""
        if not isinstance(secret, str) or not secret or self._secrets is None:
            return _Secret(remark="the answer held no secret", is_lost=True)
        try:
            stored = self._secrets.store(change, Secret(secret))
        except ReconcilerError as error:
            return _Secret(remark=str(error), is_lost=True)
        return _Secret(stored.where, "; ".join(filter(None, (remark, stored.problem))))

    def _resolve(self, change: Change, error: ApiError, secret: _Secret) -> tuple[Outcome, bool]:
        """Find out by reading whether a creation whose response proves nothing took effect."""
        kind = self._kinds[change.scope.kind]
        if_there = "; if it does, its secret is lost" if secret.is_lost else ""
        try:
            live = self._resolver.live(change)
            others = () if live is None else stored_differences(kind, change, change.patch, live)
        except (ReconcilerError, RecursionError) as failure:
            unknown = f"{error}; it may exist now, and reading it failed: {failure}{if_there}"
            return Outcome(change, Result.NOT_VERIFIED, unknown, secret_at=secret.where), False
        if live is None:
            return _absent(change, error, secret), False
        owner = kind.owner(live)
        found = differences_text("was sent as", "but is stored as", others) or owner or ""
        if isinstance(error, ConflictError) and not secret.where:
            return _conflicting(change, error, secret, found), True
        if not secret.is_lost and not found:
            return _existing(change, secret, ""), True
        remarks = [str(error), secret.remark]
        if found and secret.is_lost:
            maybe = f"not as it was sent ({found}), so somebody else may have made it; if not, {_LOST}"
            remarks.append(maybe)
        else:
            remarks.append(f"it exists, not as it was sent ({found})" if found else _LOST)
        detail = "; ".join(filter(None, remarks))
        return Outcome(change, Result.NOT_VERIFIED, detail, secret_at=secret.where), True

    def _deleted(
        self,
        change: Change,
        reason: str,
        read: Callable[[Change], Mapping[str, Any] | None],
        still_there: Result,
    ) -> Outcome:
        """Find out by reading whether the key is gone; if it is as it was, the result is ``still_there``."""
        kind = self._kinds[change.scope.kind]
        try:
            live = read(change)
        except (ReconcilerError, RecursionError) as failure:
            detail = f"{reason}; it may be gone, and reading it failed: {failure}"
            return Outcome(change, Result.NOT_VERIFIED, detail)
        if live is None:
            return Outcome(change, Result.APPLIED)
        if created_at(kind, live) != change.created:
            detail = f"{reason}; read back: another key of this name is there"
            return Outcome(change, Result.NOT_VERIFIED, detail)
        return Outcome(change, still_there, f"{reason}; read back: the key is still there")


def _existing(change: Change, secret: _Secret, different: str) -> Outcome:
    """Return the outcome of a creation whose key exists, made by this run."""
    lost = f"{secret.remark}; {_LOST}" if secret.is_lost else secret.remark
    detail = "; ".join(filter(None, (lost, different)))
    result = Result.NOT_VERIFIED if detail else Result.APPLIED
    return Outcome(change, result, detail, secret_at=secret.where)


def _absent(change: Change, error: ApiError, secret: _Secret) -> Outcome:
    """Return the outcome of a creation whose key does not exist."""
    if secret.where:
        detail = f"{error}; the key is not there, and a secret that came with the answer is in {secret.where}"
        return Outcome(change, Result.NOT_VERIFIED, detail, secret_at=secret.where)
    if not _may_still_come(error):
        return Outcome(change, Result.FAILED, str(error))
    late = "; if it still comes to be, its secret is lost" if secret.is_lost else ""
    return Outcome(change, Result.NOT_VERIFIED, f"{error}; it is not there yet{late}")


def _conflicting(change: Change, error: ApiError, secret: _Secret, different: str) -> Outcome:
    """Return the outcome of a creation that was refused because a key of its name exists."""
    if different:
        detail = f"{error}; a key of this name exists, not as declared ({different}); plan again"
        return Outcome(change, Result.FAILED, detail)
    if not secret.is_lost:
        return Outcome(change, Result.UNCHANGED)
    who = "either somebody else made it, or this request did, and then"
    detail = f"{error}; a key of this name exists, as declared: {who} {_LOST}"
    return Outcome(change, Result.NOT_VERIFIED, detail)
