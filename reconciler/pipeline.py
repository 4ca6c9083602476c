"""The steps from files to a plan: load, validate, observe, plan."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from reconciler.api.workers import completed
from reconciler.errors import ReconcilerError, StoppedError, UnreadableError
from reconciler.load.files import Loaded, load, parse_content
from reconciler.model.source import Problem
from reconciler.observe.listing import observe
from reconciler.plan.planning import assemble, fingerprint, plan_scope

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from reconciler.api.reader import Reader
    from reconciler.api.workers import Workers
    from reconciler.kinds.kind import Kind
    from reconciler.load.files import Parse
    from reconciler.model.desired import DesiredScope, DesiredState
    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.plan.planning import ScopePlan, Selection
    from reconciler.validate.validator import Validator


@contextmanager
def paused_collector() -> Iterator[None]:
    """Keep the cyclic collector from walking growing trees over and over.

    A desired state and its plan are trees of millions of small values, and walking them is most of
    the cost of building them otherwise.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def kept_for_good() -> Iterator[None]:
    """Pause the collector, and take what lives now out of its sight: it lives as long as the command."""
    with paused_collector():
        try:
            yield
        finally:
            gc.freeze()


def keep_instead() -> None:
    """Take what lives now out of the collector's sight, and what was kept before back into it."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def desired_state(
    paths: Sequence[str],
    standard_input: BinaryIO,
    validator: Validator,
    parse_one: Parse = parse_content,
) -> DesiredState:
    """Load every file, by ``parse_one``, and validate it. Raises InputError with every problem found."""
    with kept_for_good():
        return validated(load(paths, standard_input, parse_one), validator)


def desired_state_of(
    files: Iterable[tuple[str, bytes]], validator: Validator, found: Iterable[Problem] = ()
) -> DesiredState:
    """Validate the contents of ``files``, each with a name for problems. Raises InputError.

    ``found`` are the problems of files that could not be read.
    """
    parts = [parse_content(content, label) for label, content in files]
    documents = tuple(document for part in parts for document in part.documents)
    problems = (*found, *(problem for part in parts for problem in part.problems))
    return validated(Loaded(documents, problems), validator)


def validated(loaded: Loaded, validator: Validator) -> DesiredState:
    """Validate every document that was loaded. Raises InputError with every problem found."""
    for document in loaded.documents:
        validator.add(document)
    return validator.finish(loaded.problems)


@dataclass(frozen=True, slots=True)
class Planner:
    """Reads scopes, as many at a time as there are workers, and plans them as of ``now``."""

    reader: Reader
    kinds: Mapping[str, Kind]
    workers: Workers
    now: dt.datetime

    @kept_for_good()
    def plan(self, state: DesiredState, selected: Selection, on_scope: Callable[[], None]) -> Plan:
        """Plan the selected keys of ``state``; ``on_scope`` is called after each scope.

        Raises UnreadableError naming each scope that could not be read; after the first such scope
        no further one is begun.
        """
        parts, failures = self._examined(state, selected, on_scope, _cancel)
        if failures:
            raise UnreadableError({str(scope): error for scope, error in failures.items()})
        return assemble(parts, state.warnings, self.reader.base_url)

    @paused_collector()
    def plan_readable(
        self, state: DesiredState, selected: Selection, on_scope: Callable[[], None]
    ) -> tuple[Plan, Mapping[Scope, ReconcilerError]]:
        """Plan like :meth:`plan` what can be read, and give the other scopes with the reasons.

        Each of those is a problem of the plan. Raises UnreadableError if nothing could be read, or if the run
        was interrupted meanwhile: that says nothing of the scopes that were not read any more.
        """
        parts, failures = self._examined(state, selected, on_scope, _go_on)
        was_stopped = any(isinstance(error, StoppedError) for error in failures.values())
        if failures and (was_stopped or not parts):
            raise UnreadableError({str(scope): error for scope, error in failures.items()})
        unread = (Problem(f"could not be read: {failures[s]}", address=str(s)) for s in failures)
        plan = assemble(parts, state.warnings, self.reader.base_url)
        problems = (*plan.problems, *sorted(unread, key=lambda problem: problem.address))
        name = fingerprint(plan.changes, problems, plan.observed, plan.base_url)
        return replace(plan, problems=problems, fingerprint=name), failures

    def _examined(
        self,
        state: DesiredState,
        selected: Selection,
        on_scope: Callable[[], None],
        on_failure: Callable[[Iterable[Future[ScopePlan]]], None],
    ) -> tuple[list[ScopePlan], dict[Scope, ReconcilerError]]:
        """Examine every scope; ``on_failure`` is given all that was begun when one could not be read."""
        parts: list[ScopePlan] = []
        failures: dict[Scope, ReconcilerError] = {}
        self.workers.start(len(state.scopes))
        futures = {self.workers.submit(self._examine, part, selected): part.scope for part in state.scopes}
        try:
            for future in completed(futures):
                if future.cancelled():
                    continue
                try:
                    parts.append(future.result())
                except ReconcilerError as error:
                    failures[futures[future]] = error
                    on_failure(futures)
                on_scope()
        finally:
            _cancel(futures)  # after Ctrl-C; all have ended otherwise
        return parts, failures

    def _examine(self, part: DesiredScope, selected: Selection) -> ScopePlan:
        kind = self.kinds[part.scope.kind]
        return plan_scope(kind, part, observe(self.reader, kind, part.scope), self.now, selected)


def _cancel(futures: Iterable[Future[ScopePlan]]) -> None:
    for future in futures:
        future.cancel()


def _go_on(_futures: Iterable[Future[ScopePlan]]) -> None:
    """Read the other scopes all the same."""
