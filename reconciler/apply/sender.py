"""Send one change and determine its outcome: update, create, delete, replace.

The secret of a key is in one response only. So a creation is sent once. If its response is lost, the key is
read; if it exists, its secret is lost, which is reported and never skipped.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from reconciler.apply.creation import LOST, absent, conflicting, existing
from reconciler.apply.observer import SecretStore, StoredSecret
from reconciler.apply.resolution import Resolver, new_id
from reconciler.apply.update import UNREADABLE, Updater, attempt, unless_accepted
from reconciler.errors import (
    ApiError,
    ConflictError,
    Failure,
    InvalidResponseError,
    ReconcilerError,
    SchemaMismatchError,
    StoppedError,
    ThrottledError,
)
from reconciler.kinds.ids import short_json
from reconciler.kinds.wire import item_of, member, unwrapped
from reconciler.model.canonical import json_text
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Action, Change
from reconciler.model.secret import Secret
from reconciler.model.strict_json import Doubled
from reconciler.plan.changes import created_at
from reconciler.plan.recheck import differences_text, stored_differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.api.writer import Writer
    from reconciler.kinds.kind import Kind

_TWO_SECRETS: Final = (
    "the response held several secrets, and only the last one is stored; check that it works"
)


class Sender:
    """Sends changes. A write in doubt is resolved by reading the key."""

    def __init__(self, writer: Writer, kinds: Mapping[str, Kind], secrets: SecretStore | None) -> None:
        """Store the writer, and the store of secrets, which kinds without secrets do not need."""
        self._writer = writer
        self._kinds = kinds
        self._secrets = secrets
        self._resolver = Resolver(writer, kinds)
        self._updater = Updater(writer, kinds, self._resolver)

    def send(self, change: Change) -> Outcome:
        """Send a change once and return its outcome."""
        match change.action:
            case Action.UPDATE:
                return self._updater.send(change)
            case Action.CREATE:
                return self._create(change)[0]
            case Action.DELETE:
                return self._delete(change)
            case Action.REPLACE:
                return self._replace(change)

    def _delete(self, change: Change) -> Outcome:
        """Delete the key; it is deleted when a read shows that it does not exist."""

        def send() -> Outcome:
            self._writer.delete(change.requests[0])
            reason, read = f"DELETE {change.path}: accepted", self._resolver.after_deletion
            return self._deleted(change, reason, read, Result.NOT_VERIFIED)

        def resolve(error: ApiError) -> Outcome:
            return self._deleted(change, str(error), self._resolver.live, unless_accepted(error))

        return attempt(change, send, resolve)

    def _deleted(
        self,
        change: Change,
        reason: str,
        read: Callable[[Change], Mapping[str, Any] | None],
        still_there: Result,
    ) -> Outcome:
        """Determine by reading whether the key was deleted; if unchanged, the result is ``still_there``."""
        is_accepted = still_there is Result.NOT_VERIFIED
        there = partial(read, change)
        try:
            live = (
                self._resolver.settled(change, there, lambda live: live is None) if is_accepted else there()
            )
        except UNREADABLE as failure:
            detail = f"{reason}; it may be gone, and reading it failed: {failure}"
            return Outcome(change, Result.NOT_VERIFIED, detail)
        if live is None:
            return Outcome(change, Result.APPLIED)
        if created_at(self._kinds[change.scope.kind], live) != change.created:
            detail = f"{reason}; read back: another key of this name is there"
            return Outcome(change, Result.NOT_VERIFIED, detail)
        return Outcome(change, still_there, f"{reason}; read back: the key is still there")

    def _replace(self, change: Change) -> Outcome:
        """Delete the key and create it again; if that fails, the outcome states that it no longer exists."""
        deleted = self._delete(change)
        if deleted.result is not Result.APPLIED:
            return deleted
        created, exists = self._create(_anew(self._kinds[change.scope.kind], change))
        created = replace(created, change=change)
        if not exists:  # it is gone, and with it what was not declared
            wanted = f"; it was to be {json_text(change.patch)}"
            detail = f"the key was deleted, and creating it again failed: {created.detail}{wanted}"
            created = replace(created, result=Result.NOT_VERIFIED, detail=detail)
        elif created.result is Result.UNCHANGED:
            created = replace(created, result=Result.APPLIED)
        has_secret = self._kinds[change.scope.kind].secret is not None
        if has_secret and self._secrets is not None and not created.secret_at:
            detail = "; ".join(filter(None, (created.detail, self._secrets.outdated(change))))
            return replace(created, detail=detail)
        return created

    def _create(self, change: Change) -> tuple[Outcome, bool]:
        """Create the key and store its secret. Return the outcome, and whether the key is known to exist."""
        try:
            response = self._post(change)
        except (StoppedError, ThrottledError) as error:
            return Outcome(change, Result.NOT_ATTEMPTED, str(error)), False
        except ApiError as error:
            request_id, response = error.failure.request_id, error.response
            if not error.failure.in_doubt:
                return Outcome(change, Result.FAILED, str(error), request_id), False
            secret, found = self._store(change, response), self._item(change, response)
            outcome, exists = self._resolve(change, error, secret, found)
            outcome = replace(outcome, request_id=request_id)
        else:
            outcome, exists = self._created(change, response)
        number = new_id(self._kinds[change.scope.kind], change, self._item(change, response))
        return replace(outcome, new_id=number), exists

    def _post(self, change: Change) -> Any:
        """Send a creation; that of a replacement is sent even after an interruption or in a pause."""
        request = change.requests[-1]
        try:
            return self._writer.post(request, lambda: self.exists(change))
        except (StoppedError, ThrottledError):
            if change.action is not Action.REPLACE:
                raise
            return self._writer.post_now(request)

    def exists(self, change: Change) -> bool:
        """Return whether the key of a creation exists, by its name. Raises ReconcilerError."""
        kind = self._kinds[change.scope.kind]
        if kind.has_ids:
            return self._resolver.is_listed(change)
        return self._writer.exists(change.path, kind.query, kind.headers)

    def _item(self, change: Change, response: Any) -> Any:
        return item_of(self._kinds[change.scope.kind], response)

    def _created(self, change: Change, response: Any) -> tuple[Outcome, bool]:
        """Store the secret first, whatever else the response holds."""
        secret, found = self._store(change, response), self._item(change, response)
        try:
            unstored = stored_differences(self._kinds[change.scope.kind], change, change.patch, found)
        except (SchemaMismatchError, RecursionError) as error:
            stored_as = _stored_as(self._kinds[change.scope.kind], change, found)
            if stored_as and self._kinds[change.scope.kind].has_ids:
                return existing(change, secret, stored_as), True
            failure = Failure(f"POST {change.requests[-1].path}", str(error), in_doubt=True)
            outcome, exists = self._resolve(change, InvalidResponseError(failure), secret, found)
            if stored_as and not exists:
                outcome = replace(outcome, detail=f"{outcome.detail}; {stored_as}")
            return outcome, exists
        different = differences_text("was accepted as", "but is stored as", unstored)
        if different and self._kinds[change.scope.kind].wait:
            failure = Failure(f"POST {change.requests[-1].path}", different, in_doubt=True)
            return self._resolve(change, InvalidResponseError(failure), secret, found)
        return existing(change, secret, different), True

    def _store(self, change: Change, response: Any) -> StoredSecret:
        """Store the secret in a response, if the kind has one."""
        name = self._kinds[change.scope.kind].secret
        if name is None:
            return StoredSecret()
        if response is None:
            return StoredSecret(is_lost=True)
        found = _take_out(self._kinds[change.scope.kind], response, name)
        secrets = found if isinstance(found, Doubled) else [found]
        self._writer.redactor.add(*(Secret(secret) for secret in secrets if isinstance(secret, str)))
        secret, remark = secrets[-1], _TWO_SECRETS if len(secrets) > 1 else ""
        if not isinstance(secret, str) or not secret or self._secrets is None:
            return StoredSecret(problem="the response held no secret", is_lost=True)
        try:
            stored = self._secrets.store(change, Secret(secret))
        except ReconcilerError as error:
            return StoredSecret(problem=str(error), is_lost=True)
        return replace(stored, problem="; ".join(filter(None, (remark, stored.problem))))

    def _resolve(
        self, change: Change, error: ApiError, secret: StoredSecret, response: Any
    ) -> tuple[Outcome, bool]:
        """Determine by reading whether a creation with an inconclusive ``response`` took effect."""
        kind = self._kinds[change.scope.kind]

        def is_done(live: Mapping[str, Any] | None) -> bool:
            return live is not None and not stored_differences(kind, change, change.patch, live)

        def read() -> Mapping[str, Any] | None:
            return self._resolver.created(change, response)

        try:
            live = self._resolver.settled(change, read, is_done) if error.is_success else read()
            others = () if live is None else stored_differences(kind, change, change.patch, live)
        except UNREADABLE as failure:
            if_there = "; if it does, its secret is lost" if secret.is_lost else ""
            unknown = f"{error}; it may exist now, and reading it failed: {failure}{if_there}"
            return Outcome(change, Result.NOT_VERIFIED, unknown, secret_at=secret.where), False
        if live is None:
            return absent(change, error, secret), False
        found = differences_text("was sent as", "but is stored as", others) or kind.owner(live) or ""
        if isinstance(error, ConflictError) and not secret.where:
            return conflicting(change, error, secret, found), True
        if not secret.is_lost and not found:
            return existing(change, secret, ""), True
        remark = f"it exists, not as it was sent ({found})" if found else LOST
        if found and secret.is_lost:
            remark = f"not as it was sent ({found}), so another client may have created it; if not, {LOST}"
        detail = "; ".join(filter(None, (str(error), secret.problem, remark)))
        return Outcome(change, Result.NOT_VERIFIED, detail, secret_at=secret.where), True


def _anew(kind: Kind, change: Change) -> Change:
    """Return the creation of a replacement: where the service makes ids, the new key gets another."""
    return replace(change, path_id=None, path=kind.collection_path(change.scope)) if kind.has_ids else change


def _stored_as(kind: Kind, change: Change, response: Any) -> str:
    """Return a message if the service created the key under another name, as its id proves."""
    name = kind.name_of(response) if isinstance(response, dict) else None
    path_id = None if name is None else kind.id_of(response)
    if name is None or path_id is None or name == change.name:
        return ""
    stored = f"it may have been created with {kind.identity} {short_json(name)}"
    if kind.has_ids:
        stored = f"it was created with {kind.identity} {short_json(name)}, {kind.path_field} {path_id}"
    return f"{stored}; write this {kind.identity} into the file, or the next apply creates another one"


def _take_out(kind: Kind, response: Any, name: str) -> Any:
    """Remove and return a field of a response: of its key, or else of the only object with the field."""
    there, item = kind.renamed.get(name, name), unwrapped(kind, response)
    nearest = (item, member(item, "attributes"), response)
    places = [place for place in nearest if isinstance(place, dict) and there in place]
    inside = list(_holders(response, there))
    holder = places[0] if places else inside[0] if len(inside) == 1 else {}
    return holder.pop(there, None)


def _holders(value: Any, name: str) -> Iterator[dict[str, Any]]:
    """Yield every object within ``value``, at any depth of objects, that has a member ``name``."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            waiting.extend(found.values())
            if name in found:
                yield found
