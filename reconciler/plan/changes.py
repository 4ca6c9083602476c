"""What has to happen to one key: nothing, an update, or its creation, deletion or replacement. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.compare import differing, explain, readable, whole_key
from reconciler.diff.normalize import NotNormalError, normalize
from reconciler.errors import SchemaMismatchError
from reconciler.model.canonical import format_instant, json_text, parse_instant
from reconciler.model.plan import Action, Change, Effect
from reconciler.model.source import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredKey
    from reconciler.model.plan import FieldChange
    from reconciler.model.scope import Scope
    from reconciler.model.source import Position

COMES: Final = "a new key"
GOES: Final = "key deleted"


@dataclass(frozen=True, slots=True)
class Planned:
    """What has to happen to one key: nothing without a ``change``; and what is wrong with it.

    ``missing`` is the creation of a key that is not live, where it cannot be sent.
    """

    change: Change | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    missing: Change | None = None


UNCHANGED: Final = Planned()


def planned_change(kind: Kind, scope: Scope, key: DesiredKey, live: Mapping[str, Any] | None) -> Planned:
    """Return what makes a live key as it is declared, as far as the two can be compared."""
    if key.is_absent:
        return UNCHANGED if live is None else _deletion(kind, scope, key.name, live, key.position)
    if live is None:
        return _creation(kind, scope, key)
    return _update(kind, scope, key, live)


def undeclared(
    kind: Kind,
    scope: Scope,
    names: Iterable[str],
    live: Mapping[str, Mapping[str, Any]],
    exclusive: Position,
) -> Iterator[Planned]:
    """Return the deletion of each key that no file declares; ``exclusive`` is what asks for it."""
    for name in names:
        yield _deletion(kind, scope, name, live[name], exclusive, is_undeclared=True)


def forbidden(kind: Kind, key: DesiredKey, change: Change) -> Iterator[Problem]:
    """Return a problem for each rule of the key's lifecycle that the change breaks."""
    rules = key.lifecycle
    if rules.prevent_destroy and change.action.destroys:
        yield _broken(change, "prevent_destroy", "would be destroyed")
    elif rules.prevent_revoke and change.effect.revokes:
        yield _broken(change, "prevent_revoke", "would lose access")
    if change.action is Action.REPLACE and not rules.replace:
        for field in change.fields:
            if field.field in kind.immutable:
                yield Problem(_fixed(field), change.position, change.address)


def _fixed(field: FieldChange) -> str:
    have, want = json_text(field.before), json_text(field.after)
    return (
        f"{field.field} is {have} and cannot be changed in place to {want}: the key would have to be "
        "replaced, which changes its secret; take the live value into the file, or allow it with "
        "`lifecycle: {replace: true}`"
    )


def created_at(kind: Kind, live: Mapping[str, Any]) -> str | None:
    """Return the moment at which a live key was made, in normal form; None where that cannot be told."""
    if kind.created is None:
        return None
    moment = live.get(kind.created)
    parsed = parse_instant(moment) if isinstance(moment, str) else None
    return None if parsed is None else format_instant(parsed)


def wrong_shape(address: str, error: KeyError | NotNormalError) -> SchemaMismatchError:
    """Return the error that a live key cannot be compared."""
    what = f"it has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
    return SchemaMismatchError(f"{address}: {mismatch([what])}")


def mismatch(reasons: Iterable[str]) -> str:
    """Return the message that a live key does not match its schema."""
    return f"the service returned a key that does not match the documented schema: {', '.join(reasons)}"


def _broken(change: Change, rule: str, what: str) -> Problem:
    message = f"{what}, and its lifecycle says {rule}; take the rule away first if it is meant"
    return Problem(message, change.position, change.address)


def _update(kind: Kind, scope: Scope, key: DesiredKey, live: Mapping[str, Any]) -> Planned:
    ignored = key.lifecycle.ignore_changes
    declared = {n: v for n, v in key.fields.items() if n not in ignored} if ignored else key.fields
    try:
        names = differing(kind, declared, live)
    except (KeyError, NotNormalError, RecursionError):
        return _partial_update(kind, scope, key, declared, live)
    return _change_of(kind, scope, key, declared, live, names) if names else UNCHANGED


def _partial_update(
    kind: Kind, scope: Scope, key: DesiredKey, declared: Mapping[str, Any], live: Mapping[str, Any]
) -> Planned:
    """Compare what can be compared: a value that nobody can read must not shield the others of its key."""
    _, faults = readable(kind, declared, declared)
    if faults:
        return Planned(problems=(_undeclarable(scope, key, faults),))
    _, odd = readable(kind, declared, live)
    rest = {name: value for name, value in declared.items() if name not in odd}
    names = differing(kind, rest, live)
    made = _change_of(kind, scope, key, rest, live, names) if names else UNCHANGED
    return made if made.problems else replace(made, problems=(_odd(scope, key.name, odd),))


def _undeclarable(scope: Scope, key: DesiredKey, faults: Mapping[str, str]) -> Problem:
    message = f"the declared value cannot be compared: {', '.join(faults.values())}; write another value"
    return Problem(message, key.position, scope.address(key.name))


def _odd(scope: Scope, name: str, reasons: Mapping[str, str]) -> Problem:
    message = f"{mismatch(reasons.values())}; what cannot be compared is left as it is, correct it there"
    return Problem(message, address=scope.address(name), is_live=True)


def _change_of(  # noqa: PLR0913, PLR0917 - all that an update is made of
    kind: Kind,
    scope: Scope,
    key: DesiredKey,
    declared: Mapping[str, Any],
    live: Mapping[str, Any],
    names: Sequence[str],
) -> Planned:
    """Return the change of a key whose declared fields ``names`` differ."""
    is_replaced = not kind.immutable.isdisjoint(names)
    always = frozenset(kind.always_sent)
    # A key that is made anew takes along what is not declared.
    kept = kind.settable if is_replaced else always
    shown = sorted({*declared, *kept} - {kind.identity})
    before, odd = readable(kind, shown, live)
    if odd:
        return Planned(problems=(_odd(scope, key.name, odd),))
    after = {name: normalize(kind.fields[name], declared.get(name, before[name])) for name in shown}
    changed = {name: after[name] for name in sorted(always.union(names))}
    change = Change(
        scope=scope,
        name=key.name,
        path=kind.item_path(scope, key.name),
        fields=explain((kind.fields[name] for name in names), before, after),
        before=before,
        after=after,
        patch=creation_body(kind, {**after, kind.identity: key.name}) if is_replaced else changed,
        position=key.position,
        created=created_at(kind, live),
        action=Action.REPLACE if is_replaced else Action.UPDATE,
        has_secret=kind.secret is not None,
        may_revoke=not key.lifecycle.prevent_revoke,
    )
    return Planned(change)


def _creation(kind: Kind, scope: Scope, key: DesiredKey) -> Planned:
    made = _created(kind, scope, key)
    requires = kind.create_requires
    if requires is None:
        reason = "create the key first, or remove it from the file"
        message = f"declared, but not on the server; {reason}"
    elif missing := [name for name in requires if name not in key.fields]:
        message = f"declared, but not on the server, and a new key needs {', '.join(missing)}; declare it"
    else:
        return made
    problem = Problem(message, key.position, scope.address(key.name))
    return Planned(None, (problem, *made.problems), made.warnings, made.change)


def _created(kind: Kind, scope: Scope, key: DesiredKey) -> Planned:
    """Return the creation of a key, whether or not it can be sent."""
    names = sorted(key.fields.keys() - {kind.identity})
    after, faults = readable(kind, names, key.fields)
    if faults:
        return Planned(problems=(_undeclarable(scope, key, faults),))
    change = Change(
        scope=scope,
        name=key.name,
        path=kind.item_path(scope, key.name),
        fields=whole_key((kind.fields[name] for name in names), after, Effect.GRANTS, COMES),
        before={},
        after=after,
        patch=creation_body(kind, key.fields),
        position=key.position,
        action=Action.CREATE,
        has_secret=kind.secret is not None,
    )
    return Planned(change)


def creation_body(kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what creates a key: a null field is left out, which means the same and is always valid."""
    normal = {name: normalize(kind.fields[name], value) for name, value in sorted(values.items())}
    return {name: value for name, value in normal.items() if value is not None}


def _deletion(  # noqa: PLR0913, PLR0917 - all that a deletion is made of
    kind: Kind,
    scope: Scope,
    name: str,
    live: Mapping[str, Any],
    position: Position,
    is_undeclared: bool = False,  # noqa: FBT001, FBT002 - always given by name
) -> Planned:
    """Return the deletion of a key; what cannot be compared of it is not shown, and warned about."""
    before, odd = readable(kind, sorted({*kind.settable} - {kind.identity}), live)
    change = Change(
        scope=scope,
        name=name,
        path=kind.item_path(scope, name),
        fields=whole_key((kind.fields[field] for field in before), before, Effect.REVOKES, GOES),
        before=before,
        after={},
        patch={},
        position=position,
        created=created_at(kind, live),
        action=Action.DELETE,
        is_undeclared=is_undeclared,
    )
    if not odd:
        return Planned(change)
    message = f"{mismatch(odd.values())}; it would be deleted all the same, and the plan does not show this"
    return Planned(change, warnings=(Problem(message, address=change.address, is_live=True),))
