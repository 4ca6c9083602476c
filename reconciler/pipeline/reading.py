"""Read the live keys of all scopes concurrently, from one API or several."""

from __future__ import annotations

from contextlib import nullcontext
from enum import Enum
from typing import TYPE_CHECKING

from reconciler import errors
from reconciler.api.workers import cancel, settled
from reconciler.kinds import packaged
from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import from_api
from reconciler.model.source import Problem
from reconciler.observe.listing import observe
from reconciler.observe.names import Directory
from reconciler.plan.planning import plan_scope, selected_keys, selection

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from reconciler.api.client import Sessions
    from reconciler.api.reader import Reader
    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredScope, DesiredState
    from reconciler.model.plan import Change, Plan
    from reconciler.model.scope import Scope
    from reconciler.observe.names import Lists

    Kinds = Mapping[str, Kind]
    Reading = Callable[[DesiredState], AbstractContextManager[Callable[[], object]]]
    """Called with what is to be read; the value of its context is called after each scope."""


def follow_nothing(_state: DesiredState) -> AbstractContextManager[Callable[[], object]]:
    """Return a context whose value may be called after each scope, and does nothing."""
    return nullcontext(tuple)


def directory_of(client: Sessions, last: Lists | None = None) -> Directory:
    """Return the directory of names of projects and regions, which belong to the built-in API."""
    return Directory(lambda: client.session(BUILT_IN_API).reader, last)


def known_kinds(kinds: Kinds | None, parts: Iterable[DesiredScope | Change]) -> Kinds:
    """Return ``kinds``, or the packaged ones. Raises ConfigurationError if a scope has another kind."""
    known = kinds or packaged.load_kinds()
    for part in parts:
        if part.scope.kind not in known:
            raise errors.ConfigurationError(f"the kind {part.scope.kind} is not known; pass it with kinds=")
    return known


def apis_of(kinds: Kinds, plan: Plan) -> set[str]:
    """Return the names of the APIs in a plan."""
    return {kinds[scope.kind].api for scope, _ in plan.observed}


def is_stopped(failures: Mapping[Scope, errors.ReconcilerError]) -> bool:
    """Return whether scopes were not read because the run was interrupted."""
    return any(isinstance(error, errors.StoppedError) for error in failures.values())


class Failing(Enum):
    """The consequences for an API when one scope cannot be read, or the API cannot be opened."""

    STOPS_API = "no further scope of it is started; an API that cannot be opened is an error"
    GOES_ON = "its other scopes are read; if the API cannot be opened, none can be read"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the plan of every scope depends on; ``targets`` select keys, all of them if there are none.

    ``failing`` says what follows where a scope cannot be read.
    """

    kinds: Kinds
    targets: tuple[str, ...]
    now: dt.datetime
    failing: Failing


def examined(
    client: Sessions, state: DesiredState, how: Comparison, reading: Reading
) -> tuple[list[Plan], dict[Scope, errors.ReconcilerError]]:
    """Return the plan of each scope, and the errors of scopes that could not be read."""
    kinds, selected = how.kinds, selection(how.targets)

    def examine(kind: Kind, part: DesiredScope, reader: Reader) -> Plan:
        part = part.unpacked()

        names = [key.name for key in selected_keys(part.scope, part.keys, selected)]
        read = names if part.exclusive is None else None  # an exclusive scope deletes others too
        observed = observe(reader, kind, part.scope, lambda live: live.holds(names), read)
        return plan_scope(kind, part, observed, how.now, selected)

    def stop_api(failed: Scope) -> None:
        api = kinds[failed.kind].api
        cancel(future for future, scope in futures.items() if kinds[scope.kind].api == api)

    futures: dict[Future[Plan], Scope] = {}
    by_api, failures = opened(client, state, how)
    with reading(state) as on_scope:
        for api, parts in by_api.items():
            session = client.session(api)
            session.workers.start(len(parts))
            for part in parts:
                kind = kinds[part.scope.kind]
                futures[session.workers.submit(examine, kind, part, session.reader)] = part.scope
        plans, unread = settled(
            futures, on_scope, stop_api if how.failing is Failing.STOPS_API else lambda _scope: None
        )
    return plans, failures | unread


def opened(
    client: Sessions, state: DesiredState, how: Comparison
) -> tuple[dict[str, list[DesiredScope]], dict[Scope, errors.ReconcilerError]]:
    """Open the APIs; return the scopes to read by API, and the errors of others, as for :func:`examined`."""
    by_api: dict[str, list[DesiredScope]] = {}
    stops_api = how.failing is Failing.STOPS_API
    for part in state.scopes:
        by_api.setdefault(how.kinds[part.scope.kind].api, []).append(part)
    wanted: dict[str, list[DesiredScope]] = {}
    failures: dict[Scope, errors.ReconcilerError] = {}
    refused: list[errors.ConfigurationError] = []
    for api, parts in by_api.items():
        try:
            client.session(api)
        except errors.ConfigurationError as error:
            refused.append(error)
            failures |= {part.scope: error for part in parts}
            continue
        failures |= (unknown := _unresolved(state, parts))
        is_over = unknown and stops_api
        wanted[api] = [part for part in parts if not is_over and part.scope not in unknown]
    if refused and (stops_api or len(by_api) == 1):
        raise errors.ConfigurationError("; ".join(map(str, refused)))
    return wanted, failures


def _unresolved(state: DesiredState, parts: Iterable[DesiredScope]) -> Mapping[Scope, errors.ReconcilerError]:
    """Return why the names of some of ``parts`` could not be looked up."""
    reasons = {part.scope: state.unresolved.get(part.scope) for part in parts}
    return {scope: one for scope, one in reasons.items() if isinstance(one, errors.ReconcilerError)}


def unread(failures: Mapping[Scope, errors.ReconcilerError]) -> dict[Scope, str]:
    """Return the reason for each scope that could not be read."""
    return {
        scope: f"could not be read{from_api(scope.shown_api)}: {error}" for scope, error in failures.items()
    }


def not_planned(
    others: Mapping[Scope, Scope | None], failures: Mapping[Scope, errors.ReconcilerError]
) -> list[Problem]:
    """Return a problem for each scope that could not be read, or beside which another of its API was not."""
    reasons = {
        scope: (
            "is not planned, because a scope of the same API could not be"
            f" read{from_api(scope.shown_api)}: {other}"
        )
        for scope, other in others.items()
        if other is not None
    }
    return [
        Problem(reason, address=str(scope), is_live=True)
        for scope, reason in (reasons | unread(failures)).items()
    ]


def unreadable(failures: Mapping[Scope, errors.ReconcilerError]) -> errors.UnreadableError:
    """Return the error of scopes that could not be read."""
    causes = {str(scope): error for scope, error in failures.items()}
    return errors.UnreadableError(causes, {str(scope): scope.shown_api for scope in failures})
