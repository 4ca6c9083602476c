"""Write live values into the files whose declarations differ."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.adopt.content import keys_of
from reconciler.adopt.declaration import declaration
from reconciler.adopt.edit.spelling import flow_text
from reconciler.adopt.located import DeclaredFile, Rewritten
from reconciler.diff.compare import readable
from reconciler.diff.completion import declared_part
from reconciler.diff.normalize import normalize
from reconciler.errors import ConfigurationError, InputError
from reconciler.kinds.kind import Field, Form, Kind
from reconciler.kinds.packaged import document_schema
from reconciler.load.sources import read_input_file
from reconciler.model.canonical import json_text
from reconciler.model.desired import DesiredKey, DesiredScope, DesiredState
from reconciler.model.frozen import dataclass
from reconciler.model.live import LiveScope
from reconciler.model.source import Problem
from reconciler.observe.key import (
    declared_key,
    known_field,
    live_key,
    observed_key,
    parsed_address,
    whole_address,
)
from reconciler.plan.changes import mismatch
from reconciler.plan.identity import key_identity_changes
from reconciler.plan.planning import plan_scope
from reconciler.validate.schema import SchemaChecker

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.adopt.editing import Declarations
    from reconciler.api.client import Sessions
    from reconciler.model.scope import Scope
    from reconciler.pipeline.explaining import IdsOf
    from reconciler.plan.identity import KnownIds
    from reconciler.validate.validator import Rules


@dataclass(frozen=True, slots=True)
class Drifted:
    """A declared key whose declared ``fields`` differ from the live ones.

    ``odd`` has, for each declared field whose live value cannot be compared, the reason.
    """

    kind: Kind
    scope: Scope
    key: DesiredKey
    live: Mapping[str, Any]
    fields: tuple[str, ...]
    odd: Mapping[str, str]

    @property
    def address(self) -> str:
        """Return the address of the key."""
        return self.scope.address(self.key.name)

    def narrowed(self, field: str | None) -> Drifted:
        """Return the same key with one field only, or with all of them for None."""
        if field is None:
            return self
        odd = {name: reason for name, reason in self.odd.items() if name == field}
        return replace(self, fields=tuple(name for name in self.fields if name == field), odd=odd)

    @property
    def mismatch(self) -> Problem | None:
        """Return the problem of fields that cannot be accepted because they cannot be compared, if any."""
        if not self.odd:
            return None
        return Problem(f"{mismatch(self.odd.values())}; it cannot be accepted", address=self.address)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The differences of a key, and its edited file; None if nothing differs."""

    drifted: Drifted
    warnings: Sequence[Problem]
    edit: Rewritten | None


def accepted(
    declared: Declarations, client: Sessions, wanted: str, field: str | None, ids_of: IdsOf
) -> Accepted:
    """Compare a key with its declaration, and edit the text of its file.

    ``wanted`` is its address, or the end of one. With ``field``, only that is accepted. ``ids_of`` returns
    the known ids of scopes. Raises ReconcilerError if the key cannot be read, or its live values cannot be
    accepted.
    """
    kinds, state, now = declared.kinds, declared.state, declared.now
    kind, scope, name = parsed_address(kinds, whole_address(kinds, wanted, state), state)
    field = known_field(kind, field)
    key = acceptable(state, scope, name, field)
    known_ids = ids_of([scope])
    observed, names = observed_key(client.session(kind.api).reader, kind, scope, name)
    warnings: list[Problem] = []
    if known_ids is not None:
        part = next(part for part in state.scopes if part.scope == scope)
        warnings += checked_identity(part, key, names, known_ids)
    live = live_key(kind, observed, name, None if known_ids is None else known_ids.get(scope.address(name)))
    found = drifted(kind, scope, key, live, now).narrowed(field)
    if found.mismatch is not None:
        if not found.fields:
            raise ConfigurationError(str(found.mismatch))
        warnings.append(found.mismatch)
    if not found.fields:
        return Accepted(found, warnings, None)
    content = read_input_file(key.source)
    text = accept(content, found, now, declared.rules)
    return Accepted(found, warnings, Rewritten(key.source, content, text))


def acceptable(state: DesiredState, scope: Scope, name: str, field: str | None) -> DesiredKey:
    """Return the declaration of a key whose live value, or that of one field, can be accepted.

    Raises ConfigurationError for any other key, and for a scope that is declared by names.
    """
    address = scope.address(name)
    named = [part.scope for part in state.scopes if part.scope.is_named and part.scope.may_hold(address)]
    if named:
        found = next(found for found in state.names if (found.alias, found.name) in named[0].parameters)
        message = f"accept does not resolve the name {found.name}; write {found.parameter} in the file"
        raise ConfigurationError(f"{found.position}: {message}")
    key = declared_key(state, scope, name)
    if key.is_absent:
        message = f"{address} is declared absent, so it has no value to accept"
        raise ConfigurationError(f"{key.position}: {message}")
    if field is not None and field not in key.fields:
        message = f"{field} is not declared for {address}, so it is not managed; declare it to manage it"
        raise ConfigurationError(f"{key.position}: {message}")
    return key


def checked_identity(
    part: DesiredScope, key: DesiredKey, names: Mapping[str, str], known_ids: KnownIds
) -> tuple[Problem, ...]:
    """Return warnings about the object that a key of ``part`` stands for, by the known ids.

    ``names`` are those of all live objects by id. Raises ConfigurationError if a person must decide which
    object is meant.
    """
    for other, identity in key_identity_changes(part, names, known_ids):
        if other.name == key.name:
            problem = Problem(identity.advice, key.position, part.scope.address(key.name))
            if identity.needs_decision:
                raise ConfigurationError(str(problem))
            return (problem,)
    return ()


def drifted(kind: Kind, scope: Scope, key: DesiredKey, live: Mapping[str, Any], now: dt.datetime) -> Drifted:
    """Return the key with its declared fields that differ. Raises InputError if it is managed elsewhere."""
    plan = plan_scope(kind, DesiredScope(scope, (key,)), LiveScope(scope, {key.name: live}), now)
    if kind.owner(live) is not None:
        raise InputError(plan.problems)
    declared = [name for name in key.fields if name not in key.lifecycle.ignore_changes]
    _, odd = readable(kind, declared, live)
    fields = tuple(field.field for change in plan.changes for field in change.fields)
    return Drifted(kind, scope, key, live, fields, odd)


def accept(content: bytes, found: Drifted, now: dt.datetime, rules: Rules) -> str:
    """Return the text of a key's file with the live values of ``found.fields``.

    Raises InputError if a value is shared, or if anything else would change.
    """
    _refuse_inherited(found)
    key, kind = found.key, found.kind
    file = DeclaredFile(key.source, content)
    (one,) = file.located(rules.kinds, [(found.scope, key)])
    wanted = declaration(kind, found.live, SchemaChecker(document_schema(), kind))
    values: dict[str, Any] = {}
    for name in found.fields:
        if name not in wanted.fields:
            reason = f"{name} is not changed: the live value cannot be declared: {wanted.left_out[name]}"
            raise InputError([Problem(reason, key.position, found.address)])
        field = kind.fields[name]
        # What the file leaves out inside an object is not managed, and may be a secret.
        values[name] = declared_part(field.form, field.shape, wanted.fields[name], key.fields[name])
        one.set(name, values[name], _same(field))
    file.edits.place, file.edits.advice = key.position, f"write it by hand: {flow_text(values)}"
    text, part = file.edits.result(rules)
    (again,) = (new for new in keys_of(part, found.scope) if new.name == key.name)
    left = {*drifted(kind, found.scope, again, found.live, now).fields} & {*found.fields}
    if left:
        file.edits.refuse(f"it would not produce the live value of {', '.join(sorted(left))}")
    return text


def _refuse_inherited(found: Drifted) -> None:
    for field in found.fields:
        if (place := found.key.inherited_from(field)) is not None:
            message = f"{field} comes from the defaults of its document, which apply to other keys too"
            raise ConfigurationError(f"{place}: {message}; write it into the key first")


def _same(field: Field) -> Callable[[Any], str] | None:
    """Return a function that identifies items of a set; None if the field is not a set."""
    return (lambda item: json_text(normalize(field, [item]))) if field.form is Form.SET else None
