"""Executing a plan: one PATCH per changed key, every answer compared with what was asked."""

from __future__ import annotations

from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from reconciler.api.workers import completed
from reconciler.apply.lifecycle import LifecycleExecutor
from reconciler.apply.resolution import Resolver
from reconciler.errors import (
    ApiError,
    JournalError,
    ReconcilerError,
    SchemaMismatchError,
    SinkError,
    StoppedError,
    ThrottledError,
)
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Action
from reconciler.observe.listing import observe
from reconciler.plan.planning import (
    differences_text,
    fields_changed_since_plan,
    fields_not_stored,
    past_expiries,
    stored_differences,
)

if TYPE_CHECKING:
    import datetime as dt
    import threading
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.api.workers import Workers
    from reconciler.api.writer import Writer
    from reconciler.apply.lifecycle import SecretStore
    from reconciler.apply.observer import Observer
    from reconciler.kinds.kind import Kind
    from reconciler.model.plan import Change
    from reconciler.model.scope import Scope


_ELSEWHERE: Final = "the sink of the run that made it, or lost"


class Executor:
    """Sends changes. Each worker has one request in flight at a time; ``stop`` ends the sending."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that an apply depends on
        self,
        writer: Writer,
        kinds: Mapping[str, Kind],
        workers: Workers,
        stop: threading.Event,
        observers: Sequence[Observer] = (),
        secrets: SecretStore | None = None,
    ) -> None:
        """Store what every change needs.

        Each of ``observers`` is called in turn before a change is sent and after, with its outcome;
        ``secrets`` stores the secrets of new keys.
        """
        self._writer = writer
        self._kinds = kinds
        self._workers = workers
        self._stop = stop
        store = () if secrets is None else (secrets,)
        self._starting: tuple[Observer, ...] = (*observers, *store)
        # What became of the secret is decided by then: a run that is to end waits for it no longer.
        self._finishing: tuple[Observer, ...] = (*store, *observers)
        self._resolver = Resolver(writer, kinds)
        self._lifecycle = LifecycleExecutor(writer, kinds, secrets)

    def recheck(self, changes: Iterable[Change]) -> tuple[Outcome, ...]:
        """List the scopes of ``changes`` again and give the outcome of each that must not be sent.

        A change is not needed if its key holds all of its patch already. It is stale if a field of its patch
        no longer holds the value that the plan showed, or if its key is gone; it is not attempted if that
        cannot be told.
        """
        by_scope: dict[Scope, list[Change]] = {}
        for change in changes:
            by_scope.setdefault(change.scope, []).append(change)
        self._workers.start(len(by_scope))
        found = [self._workers.submit(self._recheck_scope, *item) for item in by_scope.items()]
        return tuple(self._finished(outcome) for scope in completed(found) for outcome in scope.result())

    def _recheck_scope(self, scope: Scope, changes: list[Change]) -> list[Outcome]:
        if self._stop.is_set():
            return []  # nothing will be sent
        kind = self._kinds[scope.kind]
        try:
            live = observe(self._writer, kind, scope).keys
        except ReconcilerError as error:
            detail = f"its scope could not be read again: {error}"
            return [Outcome(change, Result.NOT_ATTEMPTED, detail) for change in changes]
        now = self._writer.now()
        outcomes = (_recheck_key(kind, change, live.get(change.name), now) for change in changes)
        return [outcome for outcome in outcomes if outcome is not None]

    def execute(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """Send each change once and give what became of each, in the order of completion.

        One failure does not stop the rest. Once ``stop`` is set, requests in flight finish and the
        changes that have not begun are not attempted.
        Raises ConfigurationError before anything is sent if a thread cannot be started.
        """
        waiting: SimpleQueue[Change] = SimpleQueue()
        for change in changes:
            waiting.put(change)
        count = min(self._workers.count, len(changes))
        self._workers.start(count)  # all of them: none can fail to start between two writes
        shares = [self._workers.submit(self._work, waiting) for _ in range(count)]
        return tuple(outcome for share in completed(shares) for outcome in share.result())

    def _work(self, waiting: SimpleQueue[Change]) -> list[Outcome]:
        """Take changes until none is left. One task for each worker: a task for each change costs 5 %."""
        outcomes: list[Outcome] = []
        while True:
            try:
                change = waiting.get_nowait()
            except Empty:
                return outcomes
            outcomes.append(self._finished(self._attempt(change)))

    def _attempt(self, change: Change) -> Outcome:
        if self._stop.is_set():
            return Outcome(change, Result.NOT_ATTEMPTED, "interrupted before it was sent")
        try:
            for observer in self._starting:
                observer.started(change)
        except (JournalError, SinkError) as error:
            return Outcome(change, Result.NOT_ATTEMPTED, str(error))
        try:
            sent = self._send(change)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not hide what became of the others
            fault = f"an unexpected {type(error).__name__} came between; it may have taken effect"
            sent = Outcome(change, Result.NOT_VERIFIED, fault)
        return self._redacted(sent)

    def _finished(self, outcome: Outcome) -> Outcome:
        """Call the observers, and return the outcome with the first failure to store it, if any."""
        failures: list[JournalError] = []
        for observer in self._finishing:
            try:
                observer.finished(_with_remark(outcome, failures))
            except JournalError as error:
                failures.append(error)
        return _with_remark(outcome, failures)

    def _redacted(self, outcome: Outcome) -> Outcome:
        """Return an outcome without the secret of a new key, which is known only after the texts."""
        if not outcome.detail and not outcome.request_id:
            return outcome
        redact = self._writer.redactor.text
        request_id = None if outcome.request_id is None else redact(outcome.request_id)
        return replace(outcome, detail=redact(outcome.detail), request_id=request_id)

    def _send(self, change: Change) -> Outcome:
        match change.action:
            case Action.UPDATE:
                return self._update(change)
            case Action.CREATE:
                return self._lifecycle.create(change)
            case Action.DELETE:
                return self._lifecycle.delete(change)
            case Action.REPLACE:
                return self._lifecycle.replace(change)

    def _update(self, change: Change) -> Outcome:
        (request,) = change.requests
        try:
            answer = self._writer.patch(request.path, request.body or {})
        except (StoppedError, ThrottledError) as error:
            return Outcome(change, Result.NOT_ATTEMPTED, str(error))
        except ApiError as error:
            if not error.failure.in_doubt:
                return Outcome(change, Result.FAILED, str(error), error.failure.request_id)
            # After a success status it may still take effect, whatever the key holds now.
            unchanged = Result.NOT_VERIFIED if error.is_success else Result.FAILED
            outcome = self._read_back(change, str(error), unchanged)
            return replace(outcome, request_id=error.failure.request_id)
        try:
            unstored = stored_differences(self._kinds[change.scope.kind], change, change.patch, answer)
        except (SchemaMismatchError, RecursionError) as error:
            return self._read_back(change, str(error), Result.NOT_VERIFIED)
        if unstored:
            detail = differences_text("was accepted as", "but is stored as", unstored)
            return Outcome(change, Result.NOT_VERIFIED, detail)
        return Outcome(change, Result.APPLIED)

    def _read_back(self, change: Change, reason: str, unchanged: Result) -> Outcome:
        """Resolve by reading whether a PATCH whose response proves nothing took effect.

        Only a key that holds all of the patch, or all of what it held before, settles the question; the
        second gives ``unchanged``.
        """
        kind = self._kinds[change.scope.kind]
        before = {name: change.before[name] for name in change.patch}
        try:
            live = self._resolver.live(change)
            if live is None:
                return Outcome(change, Result.FAILED, f"{reason}; the key is gone; plan again")
            unstored = stored_differences(kind, change, change.patch, live)
            moved = stored_differences(kind, change, before, live)
        except (ReconcilerError, RecursionError) as error:
            detail = f"{reason}; it may have taken effect, and reading it back failed: {error}"
            return Outcome(change, Result.NOT_VERIFIED, detail)
        if not unstored:
            return Outcome(change, Result.APPLIED)
        detail = f"{reason}; read back: {differences_text('was sent as', 'but is stored as', unstored)}"
        return Outcome(change, Result.NOT_VERIFIED if moved else unchanged, detail)


def _with_remark(outcome: Outcome, failures: Sequence[JournalError]) -> Outcome:
    if not failures:
        return outcome
    return replace(outcome, detail=f"{outcome.detail}; {failures[0]}".removeprefix("; "))


def _recheck_key(
    kind: Kind, change: Change, live: Mapping[str, Any] | None, now: dt.datetime
) -> Outcome | None:
    try:
        moved = fields_changed_since_plan(kind, change, live)
        if moved and _is_done(kind, change, live):
            is_secret = change.action.adds and kind.secret is not None
            return Outcome(change, Result.UNCHANGED, secret_at=_ELSEWHERE if is_secret else "")
    except SchemaMismatchError as error:
        return Outcome(change, Result.NOT_ATTEMPTED, str(error))
    if moved:
        return Outcome(change, Result.STALE, differences_text("was planned from", "and is now", moved))
    for problem in past_expiries(kind, change, now):
        return Outcome(change, Result.NOT_ATTEMPTED, problem.message)
    return None


def _is_done(kind: Kind, change: Change, live: Mapping[str, Any] | None) -> bool:
    """Return whether a key is already what the change would make it."""
    if change.action is Action.DELETE or live is None:
        return change.action is Action.DELETE and live is None
    # What a new key is made of leaves out what is null.
    wanted = change.after if change.action is Action.REPLACE else change.patch
    return not fields_not_stored(kind, change.address, wanted, live)
