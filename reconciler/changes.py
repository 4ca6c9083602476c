"""What has to happen to one key: nothing, an update, or its creation, deletion or replacement. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.diff import differing, explain, whole_key
from reconciler.errors import Problem, WrongShapeError
from reconciler.model import Action, Change, Effect
from reconciler.normalize import NotNormalError, format_instant, json_text, normalize, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.declared import DesiredKey
    from reconciler.errors import Position
    from reconciler.kinds import Kind
    from reconciler.model import FieldChange
    from reconciler.scope import Scope

COMES: Final = "a new key"
GOES: Final = "the key goes"


def planned_change(
    kind: Kind, scope: Scope, key: DesiredKey, live: Mapping[str, Any] | None
) -> Change | Problem | None:
    """Give what makes a live key as it is declared, a problem if nothing can, or None if it is so already.

    Raises WrongShapeError if the live key cannot be compared.
    """
    if key.is_absent:
        return None if live is None else _deletion(kind, scope, key.name, live, key.position)
    if live is None:
        return _creation(kind, scope, key)
    return _update(kind, scope, key, live)


def undeclared(
    kind: Kind,
    scope: Scope,
    names: Iterable[str],
    live: Mapping[str, Mapping[str, Any]],
    exclusive: Position,
) -> Iterator[Change]:
    """Give the deletion of each key that no file declares; ``exclusive`` is what asks for it."""
    for name in names:
        yield _deletion(kind, scope, name, live[name], exclusive, is_undeclared=True)


def forbidden(kind: Kind, key: DesiredKey, change: Change) -> Iterator[Problem]:
    """Give a problem for each rule of the key's lifecycle that the change breaks."""
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
    """Give the moment at which a live key was made, in normal form; None where that cannot be told."""
    if kind.created is None:
        return None
    moment = live.get(kind.created)
    parsed = parse_instant(moment) if isinstance(moment, str) else None
    return None if parsed is None else format_instant(parsed)


def wrong_shape(address: str, error: KeyError | NotNormalError) -> WrongShapeError:
    """Give the error that a live key cannot be compared."""
    what = f"it has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
    return WrongShapeError(f"{address}: the live key has not the documented shape: {what}")


def _broken(change: Change, rule: str, what: str) -> Problem:
    message = f"{what}, and its lifecycle says {rule}; take the rule away first if it is meant"
    return Problem(message, change.position, change.address)


def _update(kind: Kind, scope: Scope, key: DesiredKey, live: Mapping[str, Any]) -> Change | None:
    ignored = key.lifecycle.ignore_changes
    declared = {n: v for n, v in key.fields.items() if n not in ignored} if ignored else key.fields
    try:
        names = differing(kind, declared, live)
        if not names:
            return None
        is_replaced = not kind.immutable.isdisjoint(names)
        always = {name for name in kind.always_sent if name in live}
        # A key that is made anew takes along what is not declared.
        kept = kind.settable if is_replaced else always
        shown = sorted({*declared, *kept} - {kind.identity})
        before = {name: normalize(kind.fields[name], live[name]) for name in shown}
    except (KeyError, NotNormalError) as error:
        raise wrong_shape(scope.address(key.name), error) from error
    after = {name: normalize(kind.fields[name], declared.get(name, before[name])) for name in shown}
    changed = {name: after[name] for name in sorted(always.union(names))}
    return Change(
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
        may_revoke=not key.lifecycle.prevent_revoke,
    )


def _creation(kind: Kind, scope: Scope, key: DesiredKey) -> Change | Problem:
    address = scope.address(key.name)
    if kind.create_requires is None:
        message = "declared, but not on the server; create the key first, or remove it from the file"
        return Problem(message, key.position, address)
    missing = [name for name in kind.create_requires if name not in key.fields]
    if missing:
        message = f"declared, but not on the server, and a new key needs {', '.join(missing)}; declare it"
        return Problem(message, key.position, address)
    names = sorted(key.fields.keys() - {kind.identity})
    after = {name: normalize(kind.fields[name], key.fields[name]) for name in names}
    return Change(
        scope=scope,
        name=key.name,
        path=kind.item_path(scope, key.name),
        fields=whole_key((kind.fields[name] for name in names), after, Effect.GRANTS, COMES),
        before={},
        after=after,
        patch=creation_body(kind, key.fields),
        position=key.position,
        action=Action.CREATE,
    )


def creation_body(kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """Give what creates a key: a field that is null is left out, which means the same and is always taken."""
    normal = {name: normalize(kind.fields[name], value) for name, value in sorted(values.items())}
    return {name: value for name, value in normal.items() if value is not None}


def _deletion(  # noqa: PLR0913, PLR0917 - all that a deletion is made of
    kind: Kind,
    scope: Scope,
    name: str,
    live: Mapping[str, Any],
    position: Position,
    is_undeclared: bool = False,  # noqa: FBT001, FBT002 - always given by name
) -> Change:
    names = sorted({*kind.settable} - {kind.identity})
    try:
        before = {field: normalize(kind.fields[field], live[field]) for field in names}
    except (KeyError, NotNormalError) as error:
        raise wrong_shape(scope.address(name), error) from error
    return Change(
        scope=scope,
        name=name,
        path=kind.item_path(scope, name),
        fields=whole_key((kind.fields[field] for field in names), before, Effect.REVOKES, GOES),
        before=before,
        after={},
        patch={},
        position=position,
        created=created_at(kind, live),
        action=Action.DELETE,
        is_undeclared=is_undeclared,
    )
