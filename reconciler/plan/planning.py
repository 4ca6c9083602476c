"""From desired and live keys to a plan: pure, sorted, the same bytes for the same inputs."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.compare import equality
from reconciler.errors import ConfigurationError
from reconciler.kinds.ids import names_by_id
from reconciler.kinds.kind import EffectRule, Kind
from reconciler.kinds.rotation import ends_of
from reconciler.model.addresses import advice_near, ending_in
from reconciler.model.canonical import format_instant, json_text
from reconciler.model.expressions import expression
from reconciler.model.lookalikes import difference, skeleton
from reconciler.model.phrases import listed
from reconciler.model.plan import Plan
from reconciler.model.source import Position, Problem
from reconciler.plan.changes import UNCHANGED, Planned, planned_change, undeclared
from reconciler.plan.lifecycle import forbidden
from reconciler.plan.rotation import planned_rotations
from reconciler.plan.unclear import unclear_names

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.model.desired import DesiredKey, DesiredScope, DesiredState
    from reconciler.model.live import LiveScope
    from reconciler.model.plan import Change
    from reconciler.model.scope import Scope

    Selection = Callable[[str], bool]
    """Returns whether an address is part of the plan."""

_FINGERPRINT_PREFIX: Final = "sha256:"
_NOWHERE: Final = Position("", 0, 0)


def everything(_address: str) -> bool:
    """Return True for every address: a plan without targets selects all."""
    return True


_GLOB: Final = expression(r"[*?\[]")


def selection(targets: Sequence[str]) -> Selection:
    """Return a predicate that matches addresses against ``targets``, globs; without targets all match."""
    if not targets:
        return everything
    patterns = [_pattern(target) for target in targets]
    return lambda address: any(matches(address) for matches in patterns)


def selected_keys(scope: Scope, keys: Iterable[DesiredKey], selected: Selection) -> list[DesiredKey]:
    """Return the keys of a scope that are selected; where all are, no addresses are made."""
    return [key for key in keys if selected is everything or selected(scope.address(key.name))]


def _pattern(target: str) -> Callable[[str], object]:
    if _GLOB.search(target):
        return re.compile(fnmatch.translate(target)).fullmatch
    return re.compile(f"(?s:.*/)?{re.escape(target)}").fullmatch


def select(
    state: DesiredState, targets: Sequence[str], what: str = "--target "
) -> tuple[DesiredState, Selection]:
    """Return the keys of ``state`` that ``targets``, globs over addresses, match; all without targets.

    The second value is a function that returns whether an address is selected. Raises ConfigurationError for
    a target that matches no declared key, unless it may mean a key whose scope's names could not be looked
    up; its message begins with ``what``.
    """
    selected = selection(targets)
    if not targets:
        return state, selected
    patterns = {target: _pattern(target) for target in targets}
    hits = [
        {target for key in part.keys for target in targets if patterns[target](part.scope.address(key.name))}
        for part in state.scopes
    ]
    _check_unique([target for target in targets if not _GLOB.search(target)], state, what)
    unmatched = sorted(set(targets).difference(*hits))
    if unmatched and state.unresolved:
        hits = [
            {*found, *unmatched} if part.scope in state.unresolved else found
            for part, found in zip(state.scopes, hits, strict=True)
        ]
    elif unmatched:
        names, declared = ", ".join(unmatched), _addresses(state)
        advice = next(filter(None, (advice_near(target, declared) for target in unmatched)), "")
        advice = advice or "; addresses look like caas/1/76/name"
        raise ConfigurationError(f"{what}matches no declared key: {names}{advice}")
    warnings = tuple(warning for warning in state.warnings if selected(warning.address))
    scopes = tuple(part for part, found in zip(state.scopes, hits, strict=True) if found)
    return replace(state, scopes=scopes, warnings=warnings), selected


def _addresses(state: DesiredState) -> list[str]:
    return [part.scope.address(key.name) for part in state.scopes for key in part.keys]


def _check_unique(names: Sequence[str], state: DesiredState, what: str) -> None:
    """Raise ConfigurationError for a text that is no glob and the end of several addresses."""
    for name in names:
        found = ending_in(name, _addresses(state))
        if len(found) > 1:
            every = f"write one of {listed(found)}, or '*/{name}' for all"
            raise ConfigurationError(f"{what}{name} is the end of several addresses; {every}")


def plan_scope(
    kind: Kind, desired: DesiredScope, observed: LiveScope, now: dt.datetime, selected: Selection = everything
) -> Plan:
    """Return the plan of one scope, without a fingerprint, which :func:`assemble` makes.

    ``selected`` restricts the plan to some addresses. An expiry that is not after ``now`` becomes a problem
    if it would be sent. A fault of one live key is a problem of that key only.
    """
    scope, live = desired.scope, observed.keys
    unclear = unclear_names(kind, desired, observed, selected)
    results, problems = list[Planned](), [*unclear.problems]
    wanted = selected_keys(scope, unclear.others, selected)
    doubtful = _not_surely_unchanged(kind, wanted, live)
    unchanged = len(wanted) - len(doubtful)
    for key in doubtful:
        result = planned_change(kind, scope, key, live.get(key.name))
        if result is UNCHANGED:
            unchanged += 1
            continue
        results.append(result)
        problems.extend(_problems(kind, key, result, now))
    declared = {key.name for key in desired.keys}
    others = sorted(name for name in live.keys() - declared if selected(scope.address(name)))
    warnings = [*_look_alikes(desired, [*others, *unclear.unmanaged]), *unclear.warnings]
    unnamed = observed.problems if selected(scope.address("")) else ()
    if desired.exclusive is None:
        warnings.extend(unnamed)
    else:
        problems.extend(unnamed)  # it is not as declared while it holds what cannot even be named
        owned = {name for name in others if kind.owner(live[name]) is not None}
        found = [undeclared(kind, scope, n, live[n], desired.exclusive) for n in others if n not in owned]
        others = sorted(owned)
        results.extend(found)
        problems.extend(problem for result in found for problem in result.problems)
    rotated = planned_rotations(kind, desired, (result.change for result in results), live, now)
    return Plan(
        changes=rotated.changes,
        unchanged=unchanged,
        unmanaged=tuple(scope.address(name) for name in sorted([*others, *unclear.unmanaged])),
        problems=(*problems, *rotated.problems),
        fingerprint="",
        observed=((scope, observed.count),),
        warnings=(*(warning for result in results for warning in result.warnings), *warnings),
        withheld=tuple(result.missing for result in results if result.missing is not None),
        unmanaged_ids=unclear.ids,
        names={scope: names_by_id(kind, observed)} if kind.has_ids else {},
        aliases=tuple(one for one in rotated.aliases if selected(one.address)),
    )


def _not_surely_unchanged(
    kind: Kind, keys: Iterable[DesiredKey], live: Mapping[str, Mapping[str, Any]]
) -> list[DesiredKey]:
    """Return the keys that must be compared field by field: usually few."""
    is_surely_equal = equality(kind)
    # At once, for each field that may mark one: a call for each key takes as long as the comparison.
    marked = {
        name
        for field, values in kind.foreign.items()
        for name, row in live.items()
        if row.get(field) in values
    }
    return [
        key
        for key in keys
        if (row := live.get(key.name)) is None
        or key.is_absent
        or key.name in marked
        or not is_surely_equal(key.fields, row)
    ]


def _problems(kind: Kind, key: DesiredKey, planned: Planned, now: dt.datetime) -> Iterator[Problem]:
    yield from planned.problems
    if planned.change is not None:
        yield from past_expiries(kind, planned.change, now)
        yield from forbidden(kind, key, planned.change)


def _look_alikes(desired: DesiredScope, others: Sequence[str]) -> Iterator[Problem]:
    """Yield a warning for each undeclared live name that looks like a declared one."""
    if not others:
        return
    declared = {skeleton(key.name): key for key in desired.keys}
    for name in others:
        key = declared.get(skeleton(name))
        if key is not None:
            how = difference(key.name, name, "the declared name")
            message = f"is live, and looks like {json_text(key.name)}, which is declared: {how}"
            yield Problem(message, key.position, desired.scope.address(name), is_live=True)


def assemble(parts: Iterable[Plan], warnings: Iterable[Problem] = (), base_url: str = "") -> Plan:
    """Return the plan of several scopes of one API, the same for every order of ``parts``."""
    plans = sorted(parts, key=lambda part: [scope.sort_key for scope, _ in part.observed])
    by_address = attrgetter("sort_key")
    changes = tuple(sorted((change for plan in plans for change in plan.changes), key=by_address))
    withheld = tuple(sorted((change for plan in plans for change in plan.withheld), key=by_address))
    problems = in_order(problem for plan in plans for problem in plan.problems)
    live = in_order(warning for plan in plans for warning in plan.warnings)
    observed = tuple(count for plan in plans for count in plan.observed)
    aliases = tuple(sorted((one for plan in plans for one in plan.aliases), key=attrgetter("address")))
    plan = Plan(
        changes=changes,
        unchanged=sum(plan.unchanged for plan in plans),
        unmanaged=tuple(address for plan in plans for address in plan.unmanaged),
        problems=problems,
        warnings=(*warnings, *live),
        fingerprint="",
        observed=observed,
        base_url=base_url,
        withheld=withheld,
        unmanaged_ids={address: ids for plan in plans for address, ids in plan.unmanaged_ids.items()},
        names={scope: names for plan in plans for scope, names in plan.names.items()},
        aliases=aliases,
    )
    return with_fingerprint(plan)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems sorted by position, then by address and message."""
    return tuple(sorted(problems, key=lambda one: (one.position or _NOWHERE, one.address, one.message)))


def with_problems(plan: Plan, problems: Iterable[Problem]) -> Plan:
    """Return ``plan`` with the problems of scopes that could not be read."""
    found = sorted(problems, key=lambda one: (one.address, one.message))
    return with_fingerprint(replace(plan, problems=(*plan.problems, *found)))


def with_fingerprint(plan: Plan) -> Plan:
    """Return ``plan`` with its fingerprint: the digest of everything that determines what an apply does.

    That includes ``base_url``; for each change the action, address, creation time, previous values, and
    method, path and body of each request; which changes wait for which successor, and the aliases of secrets;
    every problem that prevents an apply; and the number of live keys of the changed scopes, which limits
    refer to.
    """
    facts: list[Any] = [[plan.base_url]]
    for change in plan.changes:
        sent = [[request.method, request.path, request.body] for request in change.requests]
        facts.append([change.action, change.address, change.created, change.before, sent])
        facts += [[change.address, change.waits_for]] * (change.waits_for is not None)
    facts += [[one.address, one.alias] for one in plan.aliases]
    scopes = {change.scope for change in plan.changes}
    facts += [[problem.address, problem.message] for problem in plan.problems if not problem.is_live]
    facts += [[str(scope), count] for scope, count in plan.observed if scope in scopes]
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(json_text(fact).encode("utf-8", "surrogatepass"))  # a value may hold half a character
        digest.update(b"\n")
    return replace(plan, fingerprint=_FINGERPRINT_PREFIX + digest.hexdigest())


def past_expiries(kind: Kind, change: Change, now: dt.datetime) -> Iterable[Problem]:
    """Return a problem for each expiry that ``change`` would send and that is not after ``now``."""
    present = format_instant(now)
    for field in change.fields:
        rule = kind.fields[field.field].effect
        if rule is EffectRule.EXPIRY and field.after is not None and field.after <= present:
            switch = ends_of(kind).switch
            remedy = "write a later time" + (f", or {switch}: true to switch the key off" if switch else "")
            message = (
                f"{field.field} {field.after} is in the past and would disable the key at once; {remedy}"
            )
            yield Problem(message, change.position, change.address)
