"""Execute a plan: send each change once, and compare every response with the request."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from operator import attrgetter
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from reconciler.api.workers import Workers, completed
from reconciler.api.writer import Writer
from reconciler.apply.handover import Handover
from reconciler.apply.sender import Sender
from reconciler.apply.stale import KnownObjects, is_found, recheck_key
from reconciler.errors import ExitCode, JournalError, ReconcilerError, SinkError
from reconciler.kinds.ids import names_by_id
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Change, Freshness, Plan
from reconciler.observe.listing import observe

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from reconciler.api.client import Sessions
    from reconciler.apply.observer import Observer, SecretStore
    from reconciler.kinds.kind import Kind
    from reconciler.model.live import LiveScope
    from reconciler.model.scope import Scope
    from reconciler.model.succession import SecretAlias
    from reconciler.plan.identity import KnownIds


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
        known_ids: KnownIds | None = None,
    ) -> None:
        """Store the shared arguments of all changes.

        Each of ``observers`` is called in turn before a change is sent and after, with its outcome;
        ``secrets`` stores the secrets of new keys. ``known_ids`` are those of objects that the plan did not
        know.
        """
        self._writer = writer
        self._kinds = kinds
        self._workers = workers
        self._stop = stop
        self._known = None if known_ids is None else KnownObjects(known_ids)
        self._secrets = secrets
        self._sender = Sender(writer, kinds, secrets)
        store = () if secrets is None else (secrets,)
        self._starting: tuple[Observer, ...] = (*observers, *store)
        # What became of the secret is decided by then: a run that is to end waits for it no longer.
        self._finishing: tuple[Observer, ...] = (*store, *observers)

    def apply(self, plan: Plan, freshness: Freshness) -> tuple[Outcome, ...]:
        """Execute ``plan`` and return the outcome of each change, sorted by address.

        A plan that is not ``JUST_MADE`` is checked first: a key that was changed in the meantime, in a field
        that would be sent, is not changed and is stale, and so is a key that cannot be checked.
        """
        held_back = self.recheck(plan.changes) if freshness is Freshness.WAITED else ()
        not_sent = {outcome.change.sort_key for outcome in held_back}
        wanted = [change for change in plan.changes if change.sort_key not in not_sent]
        sent = self._in_order(wanted, held_back, plan.aliases)
        return tuple(sorted((*held_back, *sent), key=lambda outcome: outcome.change.sort_key))

    def _in_order(
        self, changes: Iterable[Change], known: Sequence[Outcome], aliases: Sequence[SecretAlias]
    ) -> tuple[Outcome, ...]:
        """Send changes; changes to rotated keys are sent last, and only if their successors are ready.

        ``known`` are outcomes of other changes of the plan.
        """
        every = tuple(changes)
        first = self.execute([change for change in every if change.waits_for is None])
        waiting = [change for change in every if change.waits_for is not None]
        if self._stop.is_set() or not (waiting or aliases):
            return (*first, *self.execute(waiting))
        handover = Handover(self._kinds, self._workers, self._successors, self._secrets, (*known, *first))
        handover.read_back(waiting, aliases, self._writer.now())
        failed = handover.publish(aliases)
        reasons = {change.address: handover.obstacle(change) for change in waiting}
        blocked = [
            Outcome(one, Result.NOT_ATTEMPTED, text) for one in waiting if (text := reasons[one.address])
        ]
        rest = self.execute([change for change in waiting if not reasons[change.address]])
        noted = tuple(_with_remark(one, failed.get(one.change.address, "")) for one in first)
        return (*noted, *map(self._finished, blocked), *rest)

    def _successors(self, scope: Scope, names: Collection[str]) -> LiveScope:
        """List a scope in which rotated keys wait for the keys ``names``. Raises ReconcilerError."""
        return observe(self._writer, self._kinds[scope.kind], scope, lambda live: live.holds(names), names)

    def recheck(self, changes: Iterable[Change]) -> tuple[Outcome, ...]:
        """List the scopes of ``changes`` again and return the outcome of each that must not be sent.

        A change is not needed if its key holds all of its patch already. It is stale if a field of its patch
        no longer holds the value that the plan showed, or if its key was deleted; it is not attempted if that
        is unknown.
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
            names = [change.name for change in changes]
            observed = observe(self._writer, kind, scope, lambda live: is_found(kind, live, changes), names)
        except ReconcilerError as error:
            detail = f"its scope could not be read again: {error}"
            return [Outcome(change, Result.NOT_ATTEMPTED, detail) for change in changes]
        now = self._writer.now()
        by_id = names_by_id(kind, observed)
        outcomes = (
            (None if self._known is None else self._known.renamed(change, by_id))
            or recheck_key(kind, change, observed, by_id, now)
            for change in changes
        )
        return [outcome for outcome in outcomes if outcome is not None]

    def execute(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """Send each change once and return the outcomes, in the order of completion.

        One failure does not stop the rest. Once ``stop`` is set, requests in flight finish and the changes
        that have not started are not attempted. Raises ConfigurationError before anything is sent if a thread
        cannot be started.
        """
        queue: SimpleQueue[Change] = SimpleQueue()
        for change in changes:
            queue.put(change)
        count = min(self._workers.count, len(changes))
        self._workers.start(count)  # all of them: none can fail to start between two writes
        shares = [self._workers.submit(self._work, queue) for _ in range(count)]
        return tuple(outcome for share in completed(shares) for outcome in share.result())

    def _work(self, queue: SimpleQueue[Change]) -> list[Outcome]:
        """Send changes until the queue is empty. One task per worker: a task per change costs 5 %."""
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
    known_ids: KnownIds | None = None,
) -> tuple[Outcome, ...]:
    """Apply ``plan`` over sessions that can write, with the connections of ``client``.

    This includes APIs without changes, where an alias may lack a secret that an earlier run did not store.
    """
    unknown = None if plan.knows_ids else known_ids
    by_api: dict[str, tuple[list[Change], list[SecretAlias]]] = {}
    for change in plan.changes:
        by_api.setdefault(kinds[change.scope.kind].api, ([], []))[0].append(change)
    for alias in plan.aliases if secrets is not None else ():
        by_api.setdefault(kinds[alias.scope.kind].api, ([], []))[1].append(alias)
    with ExitStack() as stack:
        runs: list[Callable[[], tuple[Outcome, ...]]] = []
        for api, (changes, aliases) in by_api.items():
            session = client.session(api)
            writer = stack.enter_context(Writer(session.connection))
            session.workers.start(len(changes))  # all of them: none can fail to start between two writes
            executor = Executor(writer, kinds, session.workers, client.stop, observers, secrets, unknown)
            part = replace(plan, changes=tuple(changes), aliases=tuple(aliases))
            runs.append(partial(executor.apply, part, freshness))
        if len(runs) <= 1:
            return tuple(outcome for run in runs for outcome in run())
        workers = stack.enter_context(Workers(len(runs)))
        workers.start(len(runs))
        done = [future.result() for future in completed([workers.submit(run) for run in runs])]
    by_address = attrgetter("change.sort_key")
    return tuple(sorted((outcome for outcomes in done for outcome in outcomes), key=by_address))


def exit_code(outcomes: Sequence[Outcome], stop: threading.Event) -> ExitCode:
    """Return the exit code of a run."""
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
