"""Execute a plan: send each change once, and compare every response with the request."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from operator import attrgetter
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from reconciler.api.workers import Workers, completed
from reconciler.api.writer import Writer
from reconciler.apply.sender import Sender
from reconciler.errors import (
    ExitCode,
    JournalError,
    ReconcilerError,
    SchemaMismatchError,
    SinkError,
)
from reconciler.kinds.ids import names_by_id, unclear_text
from reconciler.model.canonical import json_text
from reconciler.model.fate import fates_of
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Action, Change, Freshness, Plan
from reconciler.observe.listing import observe
from reconciler.plan.planning import past_expiries
from reconciler.plan.recheck import differences_text, fields_changed_since_plan, fields_not_stored

if TYPE_CHECKING:
    import datetime as dt
    import threading
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reconciler.api.client import Sessions
    from reconciler.apply.observer import Observer, SecretStore
    from reconciler.kinds.kind import Kind
    from reconciler.model.live import LiveScope
    from reconciler.model.scope import Scope
    from reconciler.plan.identity import IdAt

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
        id_at: IdAt | None = None,
    ) -> None:
        """Store what every change needs.

        Each of ``observers`` is called in turn before a change is sent and after, with its outcome;
        ``secrets`` stores the secrets of new keys. ``id_at`` returns which object a name stood for.
        """
        self._writer = writer
        self._kinds = kinds
        self._workers = workers
        self._stop = stop
        self._id_at = id_at or (lambda _address: None)
        self._sender = Sender(writer, kinds, secrets)
        store = () if secrets is None else (secrets,)
        self._starting: tuple[Observer, ...] = (*observers, *store)
        # What became of the secret is decided by then: a run that is to end waits for it no longer.
        self._finishing: tuple[Observer, ...] = (*store, *observers)

    def apply(self, plan: Plan, freshness: Freshness) -> tuple[Outcome, ...]:
        """Execute ``plan`` as it is and return what became of each change, sorted by address.

        A plan that waited is checked first: a key that was changed in the meantime, in a field that would be
        sent, is left alone as stale, and so is a key that cannot be checked.
        """
        held_back = self.recheck(plan.changes) if freshness is Freshness.WAITED else ()
        not_sent = {outcome.change.sort_key for outcome in held_back}
        sent = self.execute([change for change in plan.changes if change.sort_key not in not_sent])
        return tuple(sorted((*held_back, *sent), key=lambda outcome: outcome.change.sort_key))

    def recheck(self, changes: Iterable[Change]) -> tuple[Outcome, ...]:
        """List the scopes of ``changes`` again and return the outcome of each that must not be sent.

        A change is not needed if its key holds all of its patch already. It is stale if a field of its patch
        no longer holds the value that the plan showed, or if its key is gone; it is not attempted if that is
        unknown.
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
            observed = observe(self._writer, kind, scope, lambda live: _is_found(kind, live, changes))
        except ReconcilerError as error:
            detail = f"its scope could not be read again: {error}"
            return [Outcome(change, Result.NOT_ATTEMPTED, detail) for change in changes]
        now = self._writer.now()
        names = names_by_id(kind, observed)
        outcomes = (
            _renamed(change, self._id_at(change.address), names)
            or _recheck_key(kind, change, observed, names, now)
            for change in changes
        )
        return [outcome for outcome in outcomes if outcome is not None]

    def execute(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """Send each change once and return what became of each, in the order of completion.

        One failure does not stop the rest. Once ``stop`` is set, requests in flight finish and the
        changes that have not started are not attempted.
        Raises ConfigurationError before anything is sent if a thread cannot be started.
        """
        queue: SimpleQueue[Change] = SimpleQueue()
        for change in changes:
            queue.put(change)
        count = min(self._workers.count, len(changes))
        self._workers.start(count)  # all of them: none can fail to start between two writes
        shares = [self._workers.submit(self._work, queue) for _ in range(count)]
        return tuple(outcome for share in completed(shares) for outcome in share.result())

    def _work(self, queue: SimpleQueue[Change]) -> list[Outcome]:
        """Send changes until none is left. One task for each worker: a task for each change costs 5 %."""
        outcomes: list[Outcome] = []
        while True:
            try:
                change = queue.get_nowait()
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
            sent = self._sender.send(change)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not hide what became of the others
            fault = f"an unexpected {type(error).__name__} occurred; it may have taken effect"
            sent = Outcome(change, Result.NOT_VERIFIED, fault)
        # Without the secret of a new key, which is known only after the texts.
        redact = self._writer.redactor.text
        request_id = sent.request_id and redact(sent.request_id)
        detail, notice = (text and redact(text) for text in (sent.detail, sent.notice))
        return replace(sent, detail=detail, notice=notice, request_id=request_id)

    def _finished(self, outcome: Outcome) -> Outcome:
        """Call the observers, and return the outcome with the first failure to store it, if any."""
        remark = ""
        for observer in self._finishing:
            try:
                observer.finished(_with_remark(outcome, remark))
            except JournalError as error:
                remark = remark or str(error)
        return _with_remark(outcome, remark)


def apply_in(  # noqa: PLR0913, PLR0917 - all that an apply depends on
    client: Sessions,
    kinds: Mapping[str, Kind],
    plan: Plan,
    freshness: Freshness,
    observers: Sequence[Observer] = (),
    secrets: SecretStore | None = None,
    id_at: IdAt | None = None,
) -> tuple[Outcome, ...]:
    """Apply ``plan`` over sessions that can write, each with the connection of that of ``client``."""
    by_api: dict[str, list[Change]] = {}
    for change in plan.changes:
        by_api.setdefault(kinds[change.scope.kind].api, []).append(change)
    with ExitStack() as stack:
        runs: list[Callable[[], tuple[Outcome, ...]]] = []
        for api, changes in by_api.items():
            session = client.session(api)
            writer = stack.enter_context(Writer(session.connection))
            session.workers.start(len(changes))  # all of them: none can fail to start between two writes
            executor = Executor(writer, kinds, session.workers, client.stop, observers, secrets, id_at)
            runs.append(partial(executor.apply, replace(plan, changes=tuple(changes)), freshness))
        if len(runs) == 1:
            return runs[0]()
        workers = stack.enter_context(Workers(len(runs)))
        workers.start(len(runs))
        done = [future.result() for future in completed([workers.submit(run) for run in runs])]
    by_address = attrgetter("change.sort_key")
    return tuple(sorted((outcome for outcomes in done for outcome in outcomes), key=by_address))


def exit_code(outcomes: Sequence[Outcome], stop: threading.Event) -> ExitCode:
    """Return the exit code of a whole run."""
    counts = Counter(outcome.result for outcome in outcomes)
    if stop.is_set():
        return ExitCode.INTERRUPTED
    if all(outcome.result.is_success for outcome in outcomes):
        # A remark on what was applied says that the journal could not be written.
        return ExitCode.PARTIAL if any(outcome.detail for outcome in outcomes) else ExitCode.DONE
    if counts[Result.STALE] == len(outcomes):
        return ExitCode.REFUSED
    if counts[Result.FAILED] + counts[Result.NOT_ATTEMPTED] == len(outcomes):
        return ExitCode.ERROR
    return ExitCode.PARTIAL


def _with_remark(outcome: Outcome, remark: str) -> Outcome:
    if not remark:
        return outcome
    return replace(outcome, detail=f"{outcome.detail}; {remark}".removeprefix("; "))


def _is_found(kind: Kind, live: LiveScope, changes: Iterable[Change]) -> bool:
    """Return whether the names of changes are there, and their ids."""
    ids = {change.path_id for change in changes if kind.has_ids} - {None}
    return live.holds(change.name for change in changes) and ids <= names_by_id(kind, live).keys()


def _renamed(change: Change, path_id: str | None, names: Mapping[str, str]) -> Outcome | None:
    """Return the outcome of a change whose name stood for an object that has another name by now.

    The plan may have been made without knowing that. What is only deleted is not that object.
    """
    fate = fates_of({change.name: path_id}, names).get(change.name) if path_id else None
    if fate is None or not fate.is_rename or change.action is Action.DELETE:
        return None
    return Outcome(change, Result.STALE, fate.advice)


def _recheck_key(
    kind: Kind, change: Change, observed: LiveScope, names: Mapping[str, str], now: dt.datetime
) -> Outcome | None:
    """Return the outcome of a change that is not to be sent, None if it is. ``names`` are those of ids."""
    if renaming := _renaming(kind, change, observed, names):
        return Outcome(change, Result.STALE, renaming)
    live = observed.keys.get(change.name)
    try:
        moved = fields_changed_since_plan(kind, change, live)
        if moved and _is_done(kind, change, live):
            is_secret = change.action.adds and kind.secret is not None
            return Outcome(change, Result.UNCHANGED, secret_at=_ELSEWHERE if is_secret else "")
    except SchemaMismatchError as error:
        return Outcome(change, Result.NOT_ATTEMPTED, str(error))
    if moved:
        is_anew = kind.has_ids and any(one.field == kind.path_field for one in moved)
        text = differences_text("was planned from", "and is now", moved)
        return Outcome(change, Result.STALE, f"deleted and created again: {text}" if is_anew else text)
    for problem in past_expiries(kind, change, now):
        return Outcome(change, Result.NOT_ATTEMPTED, problem.message)
    return None


def _renaming(kind: Kind, change: Change, observed: LiveScope, names: Mapping[str, str]) -> str:
    """Return how the object of a name has changed since the plan, where the service assigns ids."""
    if change.name in observed.unclear:
        return f"its name now {unclear_text(kind, observed.unclear[change.name])}"
    name = change.name if change.path_id is None else names.get(change.path_id, change.name)
    if name == change.name:
        return ""
    what = f"{kind.path_field} {change.path_id} was planned as {json_text(change.name)}"
    return f"{what}, and is now named {json_text(name)}"


def _is_done(kind: Kind, change: Change, live: Mapping[str, Any] | None) -> bool:
    """Return whether a key already has the state that the change would produce."""
    if change.action is Action.DELETE or live is None:
        return change.action is Action.DELETE and live is None
    if change.action is Action.UPDATE and kind.has_ids and kind.id_of(live) != change.path_id:
        return False  # it is another key, of which the plan showed nothing
    # What a new key is made of leaves out what is null.
    wanted = change.after if change.action is Action.REPLACE else change.patch
    return not fields_not_stored(kind, change.address, wanted, live)
