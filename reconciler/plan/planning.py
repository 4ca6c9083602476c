"""From desired and observed keys to a plan: pure, sorted, the same bytes for the same inputs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.normalize import NotNormalError, normalize
from reconciler.errors import SchemaMismatchError, UnaddressableError
from reconciler.kinds.kind import EffectRule
from reconciler.kinds.paths import is_segment
from reconciler.model.canonical import format_instant, json_text
from reconciler.model.lookalikes import difference, skeleton
from reconciler.model.plan import Action, Plan
from reconciler.model.source import Position, Problem
from reconciler.plan.changes import (
    UNCHANGED,
    Planned,
    created_at,
    forbidden,
    planned_change,
    undeclared,
    wrong_shape,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey, DesiredScope
    from reconciler.model.plan import Change, ObservedScope
    from reconciler.model.scope import Scope

    Selection = Callable[[str], bool]
    """Tells whether an address is part of the plan."""

_FINGERPRINT_PREFIX: Final = "sha256:"
_NOWHERE: Final = Position("", 0, 0)


@dataclass(frozen=True, slots=True)
class ScopePlan:
    """What the plan of one scope found."""

    scope: Scope
    changes: tuple[Change, ...]
    unchanged: int
    unmanaged: tuple[str, ...]
    problems: tuple[Problem, ...]
    observed: int
    warnings: tuple[Problem, ...] = ()
    missing: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that does not hold what was expected; both values in normal form."""

    field: str
    expected: Any
    found: Any


def everything(_address: str) -> bool:
    """Select every address: what a plan without targets does."""
    return True


def plan_scope(
    kind: Kind,
    desired: DesiredScope,
    observed: ObservedScope,
    now: dt.datetime,
    selected: Selection = everything,
) -> ScopePlan:
    """Compare the declared keys of one scope with the live ones.

    ``selected`` narrows the plan to some addresses. An expiry that is not after ``now`` becomes a
    problem if it would be sent. What is wrong with one live key is a problem of that key, and of no other.
    """
    changes: list[Change] = []
    missing: list[Change] = []
    problems: list[Problem] = []
    warnings: list[Problem] = []
    unchanged = 0
    scope = desired.scope
    for key in desired.keys:
        if selected is not everything and not selected(scope.address(key.name)):
            continue
        planned = _planned(kind, scope, key, observed.keys.get(key.name))
        if planned is UNCHANGED:
            unchanged += 1
            continue
        problems.extend(planned.problems)
        warnings.extend(planned.warnings)
        missing.extend(filter(None, [planned.missing]))
        if planned.change is not None:
            changes.append(planned.change)
            problems.extend(past_expiries(kind, planned.change, now))
            problems.extend(forbidden(kind, key, planned.change))
    declared = {key.name for key in desired.keys}
    others = sorted(name for name in observed.keys if name not in declared and selected(scope.address(name)))
    warnings.extend(_look_alikes(desired, others))
    unnamed = observed.problems if selected(scope.address("")) else ()
    if desired.exclusive is None:
        warnings.extend(unnamed)
    else:
        problems.extend(unnamed)  # it is not as declared while it holds what cannot even be named
        ours = {name: None for name in others if kind.owner(observed.keys[name]) is None}
        problems.extend(_unaddressable(scope, name) for name in ours if not is_segment(name))
        for planned in undeclared(kind, scope, filter(is_segment, ours), observed.keys, desired.exclusive):
            changes.extend(filter(None, [planned.change]))
            warnings.extend(planned.warnings)
        others = [name for name in others if name not in ours]
    unmanaged = tuple(scope.address(name) for name in others)
    rest = (tuple(problems), observed.count, tuple(warnings), tuple(missing))
    return ScopePlan(scope, tuple(changes), unchanged, unmanaged, *rest)


def _look_alikes(desired: DesiredScope, others: Sequence[str]) -> Iterator[Problem]:
    """Warn of each live name that no file declares and that looks like a declared one."""
    if not others:
        return
    declared = {skeleton(key.name): key for key in desired.keys}
    for name in others:
        key = declared.get(skeleton(name))
        if key is not None:
            how = difference(key.name, name, "the declared name")
            message = f"is live, and looks like {json_text(key.name)}, which is declared: {how}"
            yield Problem(message, key.position, desired.scope.address(name), is_live=True)


def assemble(parts: Iterable[ScopePlan], warnings: Iterable[Problem] = (), base_url: str = "") -> Plan:
    """Join the plans of several scopes of one API, in any order, into one that does not depend on it."""
    found = sorted(parts, key=lambda part: part.scope.sort_key)
    changes = sorted((change for part in found for change in part.changes), key=lambda c: c.sort_key)
    unsorted = (problem for part in found for problem in part.problems)
    problems = sorted(unsorted, key=_place)
    live = sorted((warning for part in found for warning in part.warnings), key=_place)
    observed = tuple((part.scope, part.observed) for part in found)
    return Plan(
        changes=tuple(changes),
        unchanged=sum(part.unchanged for part in found),
        unmanaged=tuple(address for part in found for address in part.unmanaged),
        problems=tuple(problems),
        warnings=(*warnings, *live),
        fingerprint=fingerprint(changes, problems, observed, base_url),
        observed=observed,
        base_url=base_url,
        missing=tuple(sorted((c for part in found for c in part.missing), key=lambda c: c.sort_key)),
    )


def _place(problem: Problem) -> tuple[Position, str, str]:
    return problem.position or _NOWHERE, problem.address, problem.message


def with_unread(plan: Plan, errors: Mapping[Scope, Exception]) -> Plan:
    """Return ``plan`` with a problem for each scope that could not be read, and the reason."""
    unread = sorted((str(scope), f"could not be read: {error}") for scope, error in errors.items())
    problems = (*plan.problems, *(Problem(message, address=address) for address, message in unread))
    name = fingerprint(plan.changes, problems, plan.observed, plan.base_url)
    return replace(plan, problems=problems, fingerprint=name)


def fingerprint(
    changes: Sequence[Change],
    problems: Iterable[Problem],
    observed: Iterable[tuple[Scope, int]],
    base_url: str,
) -> str:
    """Return the digest of all that decides what an apply does.

    That is where it is sent: ``base_url``; what each change does, its address, when its key was made, the
    values before, and method, path and body of each request; every problem that stops an apply; and the
    number of live keys of the scopes with changes, of which limits allow a share.
    """
    facts: list[Any] = [[base_url]]
    facts += [
        [change.action, change.address, change.created, change.before, _sent(change)] for change in changes
    ]
    scopes = {change.scope for change in changes}
    facts += [[problem.address, problem.message] for problem in problems if not problem.is_live]
    facts += [[str(scope), count] for scope, count in observed if scope in scopes]
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(json_text(fact).encode("utf-8", "surrogatepass"))  # an answer may hold half a character
        digest.update(b"\n")
    return _FINGERPRINT_PREFIX + digest.hexdigest()


def _sent(change: Change) -> list[list[Any]]:
    return [[request.method, request.path, request.body] for request in change.requests]


def fields_changed_since_plan(
    kind: Kind, change: Change, live: Mapping[str, Any] | None
) -> tuple[Difference, ...]:
    """Name the fields that no longer hold the value that the plan showed, of those that would be overwritten.

    Gives the planned and the found value of each; a key that is gone has lost its identity, and one that was
    to be created has gained it.
    """
    if change.action is Action.CREATE:
        return () if live is None else (Difference(kind.identity, None, change.name),)
    if live is None or kind.owner(live) is not None:
        return (Difference(kind.identity, change.name, None),)
    names = change.before if change.action.destroys else change.patch
    found = _differences(change.before, _live_values(kind, change.address, names, live))
    born = created_at(kind, live)
    if kind.created is None or born == change.created:
        return found
    return (Difference(kind.created, change.created, born), *found)


def fields_not_stored(
    kind: Kind, address: str, patch: Mapping[str, Any], answer: Mapping[str, Any]
) -> tuple[Difference, ...]:
    """Name the fields of ``patch`` that the key at ``address`` does not hold, with what it holds instead.

    Raises SchemaMismatchError if ``answer``, the live key, cannot be compared.
    """
    return _differences(patch, _live_values(kind, address, patch, answer))


def stored_differences(
    kind: Kind, change: Change, values: Mapping[str, Any], live: Any
) -> tuple[Difference, ...]:
    """Name the fields of ``values`` that ``live``, an answer about the key of ``change``, does not hold.

    Raises SchemaMismatchError if the answer is about another key, or cannot be compared.
    """
    if not isinstance(live, dict):
        raise SchemaMismatchError("the answer is not an object")
    if live.get(kind.identity) != change.name:
        name = json_text(live.get(kind.identity))
        raise SchemaMismatchError(f"the answer is about another key: {kind.identity} {name}")
    return fields_not_stored(kind, change.address, values, kind.with_response_defaults(live))


def differences_text(expected: str, found: str, differences: Iterable[Difference]) -> str:
    """Put differences into words: each field, what ``expected`` and ``found`` say of its two values."""
    return "; ".join(
        f"{item.field} {expected} {json_text(item.expected)} {found} {json_text(item.found)}"
        for item in differences
    )


def _differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[Difference, ...]:
    return tuple(
        Difference(name, expected[name], value)
        for name, value in found.items()
        if json_text(value) != json_text(expected[name])
    )


def _live_values(kind: Kind, address: str, names: Iterable[str], live: Mapping[str, Any]) -> dict[str, Any]:
    """Return the normal forms of some live values of the key at ``address``."""
    try:
        return {name: normalize(kind.fields[name], live[name]) for name in names}
    except (KeyError, NotNormalError) as error:
        raise wrong_shape(address, error) from error


def _foreign(scope: Scope, key: DesiredKey, owner: str) -> Problem:
    message = f"belongs to another system ({owner}) and is never changed; remove it from the file"
    return Problem(message, key.position, scope.address(key.name))


def _planned(kind: Kind, scope: Scope, key: DesiredKey, live: Mapping[str, Any] | None) -> Planned:
    owner = None if live is None else kind.owner(live)
    if owner is not None:
        return Planned(problems=(_foreign(scope, key, owner),))
    try:
        return planned_change(kind, scope, key, live)
    except UnaddressableError as error:
        problem = Problem(f"{error}; write another name", key.position, scope.address(key.name))
        return Planned(problems=(problem,))


def _unaddressable(scope: Scope, name: str) -> Problem:
    shown = json_text(name)
    message = f"{shown} cannot be one segment of a request path, so the key cannot be addressed"
    return Problem(f"{message}; delete it in the portal", address=scope.address(name), is_live=True)


def past_expiries(kind: Kind, change: Change, now: dt.datetime) -> Iterable[Problem]:
    """Return a problem for each expiry that ``change`` would send and that is not after ``now``."""
    present = format_instant(now)
    for field in change.fields:
        rule = kind.fields[field.field].effect
        if rule is EffectRule.EXPIRY and field.after is not None and field.after <= present:
            message = (
                f"{field.field} {field.after} is in the past and would cut the key off at once; "
                "write a later moment, or is_disabled: true to switch the key off"
            )
            yield Problem(message, change.position, change.address)
