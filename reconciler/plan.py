"""From desired and observed keys to a plan: pure, sorted, the same bytes for the same inputs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff import differing, explain
from reconciler.errors import Problem, WrongShapeError
from reconciler.kinds import EffectRule
from reconciler.model import Change, Plan
from reconciler.normalize import NotNormalError, format_instant, json_text, normalize, parse_instant

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reconciler.kinds import Kind
    from reconciler.model import DesiredKey, DesiredScope, ObservedScope, Scope

    Selection = Callable[[str], bool]
    """Tells whether an address is part of the plan."""

_FINGERPRINT_PREFIX: Final = "sha256:"


@dataclass(frozen=True, slots=True)
class ScopePlan:
    """What the plan of one scope found."""

    scope: Scope
    changes: tuple[Change, ...]
    unchanged: int
    unmanaged: tuple[str, ...]
    problems: tuple[Problem, ...]
    observed: int


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
    problem if it would be sent. Raises WrongShapeError if a live key cannot be compared.
    """
    changes: list[Change] = []
    problems: list[Problem] = []
    unchanged = 0
    declared = {key.name for key in desired.keys}
    for key in desired.keys:
        if selected is not everything and not selected(desired.scope.address(key.name)):
            continue
        live = observed.keys.get(key.name)
        if live is None or kind.owner(live) is not None:
            problems.append(_unusable(kind, desired.scope, key, live))
            continue
        names = _differing(kind, desired.scope, key, live)
        if not names:
            unchanged += 1
            continue
        problems.extend(_fixed_fields(kind, desired.scope, key, live, names))
        changeable = [name for name in names if name not in kind.immutable]
        if changeable:
            changes.append(_change(kind, desired.scope, key, live, changeable))
            problems.extend(past_expiries(kind, changes[-1], now))
    unmanaged = sorted(name for name in observed.keys if name not in declared)
    addresses = (desired.scope.address(name) for name in unmanaged)
    return ScopePlan(
        desired.scope,
        tuple(changes),
        unchanged,
        tuple(address for address in addresses if selected(address)),
        tuple(problems),
        len(observed.keys),
    )


def assemble(parts: Iterable[ScopePlan], warnings: Iterable[Problem] = ()) -> Plan:
    """Join the plans of several scopes, in any order, into one that does not depend on it."""
    found = sorted(parts, key=lambda part: part.scope.sort_key)
    changes = sorted((change for part in found for change in part.changes), key=lambda c: c.sort_key)
    unsorted = (problem for part in found for problem in part.problems)
    problems = sorted(unsorted, key=lambda problem: (problem.position, problem.address))
    observed = tuple((part.scope, part.observed) for part in found)
    return Plan(
        changes=tuple(changes),
        unchanged=sum(part.unchanged for part in found),
        unmanaged=tuple(address for part in found for address in part.unmanaged),
        problems=tuple(problems),
        warnings=tuple(warnings),
        fingerprint=fingerprint(changes, problems, observed),
        observed=observed,
    )


def fingerprint(
    changes: Sequence[Change], problems: Iterable[Problem], observed: Iterable[tuple[Scope, int]]
) -> str:
    """Give the digest of all that decides what an apply does.

    That is the address of each change, when its key was made, the values before and the patch; every
    problem; and the number of live keys of the scopes with changes, of which limits allow a share.
    """
    facts: list[Any] = [[change.address, change.created, change.before, change.patch] for change in changes]
    scopes = {change.scope for change in changes}
    facts += [[problem.address, problem.message] for problem in problems]
    facts += [[str(scope), count] for scope, count in observed if scope in scopes]
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(json_text(fact).encode("utf-8", "surrogatepass"))  # an answer may hold half a character
        digest.update(b"\n")
    return _FINGERPRINT_PREFIX + digest.hexdigest()


def moved_fields(kind: Kind, change: Change, live: Mapping[str, Any] | None) -> tuple[Difference, ...]:
    """Name the fields of the patch that no longer hold the value that the plan showed.

    Gives the planned and the found value of each; a key that is gone has lost its identity.
    """
    if live is None or kind.owner(live) is not None:
        return (Difference(kind.identity, change.name, None),)
    found = _differences(change.before, _live_values(kind, change.address, change.patch, live))
    born = created_at(kind, live)
    if kind.created is None or born == change.created:
        return found
    return (Difference(kind.created, change.created, born), *found)


def created_at(kind: Kind, live: Mapping[str, Any]) -> str | None:
    """Give the moment at which a live key was made, in normal form; None where that cannot be told."""
    if kind.created is None:
        return None
    moment = live.get(kind.created)
    parsed = parse_instant(moment) if isinstance(moment, str) else None
    return None if parsed is None else format_instant(parsed)


def unstored_fields(
    kind: Kind, address: str, patch: Mapping[str, Any], answer: Mapping[str, Any]
) -> tuple[Difference, ...]:
    """Name the fields of ``patch`` that the key at ``address`` does not hold, with what it holds instead.

    Raises WrongShapeError if ``answer``, the live key, cannot be compared.
    """
    return _differences(patch, _live_values(kind, address, patch, answer))


def _differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[Difference, ...]:
    return tuple(
        Difference(name, expected[name], value)
        for name, value in found.items()
        if json_text(value) != json_text(expected[name])
    )


def _differing(kind: Kind, scope: Scope, key: DesiredKey, live: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        return differing(kind, key.fields, live)
    except (KeyError, NotNormalError) as error:
        raise _wrong_shape(scope.address(key.name), error) from error


def _change(
    kind: Kind, scope: Scope, key: DesiredKey, live: Mapping[str, Any], names: Sequence[str]
) -> Change:
    """Give the change of the fields ``names``, which are known to differ and can be changed."""
    always = {name for name in kind.always_sent if name in live}
    shown = sorted((key.fields.keys() | always) - {kind.identity})
    before = _live_values(kind, scope.address(key.name), shown, live)
    wanted = {name: key.fields.get(name, before[name]) for name in shown if name not in kind.immutable}
    after = before | {name: normalize(kind.fields[name], value) for name, value in wanted.items()}
    fields = explain((kind.fields[name] for name in names), before, after)
    return Change(
        scope=scope,
        name=key.name,
        path=kind.item_path(scope, key.name),
        fields=fields,
        before=before,
        after=after,
        patch={name: after[name] for name in sorted(always.union(names))},
        position=key.position,
        created=created_at(kind, live),
    )


def _wrong_shape(address: str, error: KeyError | NotNormalError) -> WrongShapeError:
    what = f"it has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
    return WrongShapeError(f"{address}: the live key has not the documented shape: {what}")


def _live_values(kind: Kind, address: str, names: Iterable[str], live: Mapping[str, Any]) -> dict[str, Any]:
    """Give the normal forms of some live values of the key at ``address``."""
    try:
        return {name: normalize(kind.fields[name], live[name]) for name in names}
    except (KeyError, NotNormalError) as error:
        raise _wrong_shape(address, error) from error


def _fixed_fields(
    kind: Kind, scope: Scope, key: DesiredKey, live: Mapping[str, Any], names: Iterable[str]
) -> Iterable[Problem]:
    """Give a problem for each of ``names``, which are known to differ, that no PATCH changes."""
    for name in sorted(kind.immutable.intersection(names)):
        have, want = (json_text(normalize(kind.fields[name], side[name])) for side in (live, key.fields))
        message = (
            f"{name} is {have} and cannot be changed in place to {want}: the key would have to be replaced, "
            "which changes its secret; take the live value into the file, or delete and create the key"
        )
        yield Problem(message, key.position, scope.address(key.name))


def _unusable(kind: Kind, scope: Scope, key: DesiredKey, live: Mapping[str, Any] | None) -> Problem:
    owner = None if live is None else kind.owner(live)
    message = (
        "declared, but not on the server; create the key first, or remove it from the file"
        if owner is None
        else f"belongs to another system ({owner}) and is never changed; remove it from the file"
    )
    return Problem(message, key.position, scope.address(key.name))


def past_expiries(kind: Kind, change: Change, now: dt.datetime) -> Iterable[Problem]:
    """Give a problem for each expiry that ``change`` would send and that is not after ``now``."""
    present = format_instant(now)
    for field in change.fields:
        rule = kind.fields[field.field].effect
        if rule is EffectRule.EXPIRY and field.after is not None and field.after <= present:
            message = (
                f"{field.field} {field.after} is in the past and would cut the key off at once; "
                "write a later moment, or is_disabled: true to switch the key off"
            )
            yield Problem(message, change.position, change.address)
