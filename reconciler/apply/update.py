"""Send an update, and determine its outcome."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.compare import readable
from reconciler.errors import ApiError, ReconcilerError, SchemaMismatchError, StoppedError, ThrottledError
from reconciler.kinds.wire import body_of, item_of
from reconciler.model.frozen import dataclass
from reconciler.model.outcome import Outcome, Result
from reconciler.plan.full_object import full_values
from reconciler.plan.recheck import differences_text, fields_changed_since_plan, stored_differences
from reconciler.plan.side_effects import SideEffects, side_effects_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.api.writer import Writer
    from reconciler.apply.resolution import Resolver
    from reconciler.kinds.kind import Kind
    from reconciler.model.plan import Change
    from reconciler.model.request import Request
    from reconciler.plan.recheck import Difference

UNREADABLE: Final = (ReconcilerError, RecursionError)
"""What reading a key, or comparing it, may raise."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """The content of an update: the values that the key must hold, and ``others`` as they were shown."""

    wanted: Mapping[str, Any]
    others: Mapping[str, Any] = field(default_factory=dict)


class Updater:
    """Sends updates. An inconclusive response is resolved by reading."""

    def __init__(self, writer: Writer, kinds: Mapping[str, Kind], resolver: Resolver) -> None:
        """Store the writer, the kinds, and the resolver."""
        self._writer = writer
        self._kinds = kinds
        self._resolver = resolver

    def send(self, change: Change) -> Outcome:
        """Send an update once and return its outcome."""
        (request,) = change.requests
        if request.is_whole:
            return self._replace_whole(change, request)
        return self._sent(change, request, _Sent(change.patch))

    def _sent(self, change: Change, request: Request, sent: _Sent) -> Outcome:
        return attempt(
            change,
            lambda: self._updated(change, self._writer.update(request), sent),
            lambda error: self._read_back(change, str(error), unless_accepted(error), sent),
        )

    def _replace_whole(self, change: Change, request: Request) -> Outcome:
        """Send the full object, with the fields of the change, unless the key is not as planned."""
        kind = self._kinds[change.scope.kind]
        try:
            page = self._writer.page(change.path, kind.query, kind.headers)
            live = item_of(kind, page.value)
            is_done = not stored_differences(kind, change, change.patch, live)
            moved = _moved(kind, change, live)
            values = {} if moved else full_values(kind, live, change.patch)
        except UNREADABLE as error:
            return Outcome(change, Result.NOT_ATTEMPTED, f"{error}; nothing was sent")
        if moved and is_done:
            return Outcome(change, Result.UNCHANGED)
        if moved:
            return Outcome(change, Result.STALE, differences_text("was planned from", "and is now", moved))
        tag = {} if page.etag is None else {"If-Match": page.etag}
        body = body_of(kind, values, change.path_id)
        request = replace(request, body=body, headers={**request.headers, **tag})
        return self._sent(change, request, _whole(kind, change, values))

    def _updated(self, change: Change, response: Any, sent: _Sent) -> Outcome:
        kind = self._kinds[change.scope.kind]
        item = item_of(kind, response)
        try:
            unstored = stored_differences(kind, change, sent.wanted, item)
            side_effects = SideEffects() if unstored else side_effects_of(kind, sent.others, item)
        except (SchemaMismatchError, RecursionError) as error:
            return self._read_back(change, str(error), Result.NOT_VERIFIED, sent)
        detail = differences_text("was accepted as", "but is stored as", unstored)
        # A response may show less than the key does when it is read.
        if side_effects.lost or (unstored and kind.wait):
            return self._read_back(change, detail or "it was accepted", Result.NOT_VERIFIED, sent)
        return _outcome(change, Result.NOT_VERIFIED if unstored else Result.APPLIED, detail, side_effects)

    def _read_back(self, change: Change, reason: str, unchanged: Result, sent: _Sent) -> Outcome:
        """Resolve an update: it is settled only if the key holds the complete patch, or the values before.

        If it holds the values before, the result is ``unchanged``. A key that has lost another sent field is
        not verified.
        """
        kind = self._kinds[change.scope.kind]
        before = {name: change.before[name] for name in change.patch}
        is_accepted = unchanged is Result.NOT_VERIFIED

        def read() -> Mapping[str, Any] | None:
            return self._resolver.live(change)

        def is_done(live: Mapping[str, Any] | None) -> bool:
            return live is None or not (
                stored_differences(kind, change, sent.wanted, live)
                or side_effects_of(kind, sent.others, live).lost
            )

        try:
            live = self._resolver.settled(change, read, is_done) if is_accepted else read()
            if live is None:
                return Outcome(change, Result.FAILED, f"{reason}; the key is gone; plan again")
            unstored = stored_differences(kind, change, sent.wanted, live)
            moved = stored_differences(kind, change, before, live)
            side_effects = side_effects_of(kind, sent.others, live)
        except UNREADABLE as error:
            detail = f"{reason}; it may have taken effect, and reading it back failed: {error}"
            return Outcome(change, Result.NOT_VERIFIED, detail)
        if not unstored and not side_effects.lost:
            return _outcome(change, Result.APPLIED, "", side_effects)
        different = differences_text("was sent as", "but is stored as", unstored)
        detail = f"{reason}; read back: {'; '.join(filter(None, (different, side_effects.loss)))}"
        return Outcome(change, Result.NOT_VERIFIED if moved or side_effects.lost else unchanged, detail)


def _whole(kind: Kind, change: Change, values: Mapping[str, Any]) -> _Sent:
    """Return the content of an update with ``values``; check the declared fields."""
    unchanged = {name: values[name] for name in sorted(values.keys() - change.patch.keys() - {kind.identity})}
    declared, _ = readable(kind, unchanged.keys() & change.after.keys(), unchanged)
    others = {name: value for name, value in unchanged.items() if name not in declared}
    return _Sent({**change.patch, **declared}, others)


def _outcome(change: Change, result: Result, detail: str, side_effects: SideEffects) -> Outcome:
    return Outcome(change, result, detail, notice=side_effects.notice if result is Result.APPLIED else "")


def _moved(kind: Kind, change: Change, live: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return the fields of a key, just read by itself, that differ from the plan."""
    live = kind.with_response_defaults(live)
    # Rows of a listing may show more than the key by itself, such as when it was created.
    created = change.created if kind.created in live else None
    return fields_changed_since_plan(kind, replace(change, created=created), live)


def attempt(change: Change, send: Callable[[], Outcome], resolve: Callable[[ApiError], Outcome]) -> Outcome:
    """Send a change; resolve an error after which it may have taken effect."""
    try:
        return send()
    except (StoppedError, ThrottledError) as error:
        return Outcome(change, Result.NOT_ATTEMPTED, str(error))
    except ApiError as error:
        request_id = error.failure.request_id
        if not error.failure.in_doubt:
            return Outcome(change, Result.FAILED, str(error), request_id)
        return replace(resolve(error), request_id=request_id)


def unless_accepted(error: ApiError) -> Result:
    """Return the result if nothing changed: after a success status the write may still take effect."""
    return Result.NOT_VERIFIED if error.is_success else Result.FAILED
