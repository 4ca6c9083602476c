"""The five operations on keys: a checked call in, an answer or a refusal out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.emulator.answers import (
    Answer,
    ConflictRefusalError,
    NotFoundRefusalError,
    ValidationRefusalError,
    json_answer,
)
from reconciler.emulator.bodies import Values, body_object, read_create, read_patch
from reconciler.emulator.rules import Container, InvalidValueError, parse_integer, parse_name
from reconciler.emulator.store import KeyStore, Scope, StoredKey

if TYPE_CHECKING:
    import datetime as dt

    from reconciler.emulator.families import Family
    from reconciler.emulator.rendering import Renderer
    from reconciler.emulator.switches import Switches

LIMIT_MAX = 1000


@dataclass(frozen=True, slots=True)
class World:
    """What an operation works on: the keys, the containers that exist, and how to behave."""

    store: KeyStore
    renderer: Renderer
    switches: Switches
    containers: Mapping[tuple[int, ...], frozenset[Container]]


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request, its path and query still as text, at the moment it takes effect.

    ``unstored`` names the fields that a PATCH is to check and then to drop.
    """

    family: Family
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: object
    now: dt.datetime
    unstored: tuple[str, ...] = ()


Operation = Callable[[World, Call], Answer]


def called_scope(call: Call) -> Scope:
    """Give the scope that a path means; refuse one whose parts are no numbers."""
    complaints = {}
    numbers = []
    for parameter in call.family.parameters:
        try:
            numbers.append(parse_integer(call.parameters[parameter]))
        except InvalidValueError as error:
            complaints[parameter] = error.complaints
    if complaints:
        raise ValidationRefusalError(complaints)
    return Scope(call.family.name, tuple(numbers))


def _path_name(world: World, call: Call) -> str:
    served = world.switches.short_names == "served"
    pattern = call.family.short_path_name if served else call.family.path_name
    try:
        return parse_name(call.parameters["key_name"], pattern)
    except InvalidValueError as error:
        raise ValidationRefusalError({"key_name": error.complaints}) from error


def _missing(call: Call, name: str) -> NotFoundRefusalError:
    return NotFoundRefusalError(f"{call.family.title} {name} could not be found")


def _existing(world: World, call: Call, scope: Scope, name: str) -> StoredKey:
    key = world.store.get(scope, name)
    if key is None:
        raise _missing(call, name)
    return key


def page_limits(query: Mapping[str, str], switches: Switches) -> tuple[int, int]:
    """Give limit and offset of a page; refuse what is out of range."""
    complaints = {}
    numbers = {}
    for parameter, default in (("limit", LIMIT_MAX), ("offset", 0)):
        try:
            numbers[parameter] = parse_integer(query[parameter]) if parameter in query else default
        except InvalidValueError as error:
            complaints[parameter] = error.complaints
    if complaints:
        raise ValidationRefusalError(complaints)
    limit, offset = numbers["limit"], numbers["offset"]
    if offset < 0:
        complaints["offset"] = ("must not be below 0",)
    if not 1 <= limit <= LIMIT_MAX and switches.limit_range == "400":
        complaints["limit"] = (f"must be from 1 to {LIMIT_MAX}",)
    if complaints:
        raise ValidationRefusalError(complaints)
    return min(max(limit, 1), LIMIT_MAX), offset


def _require_containers(world: World, call: Call, scope: Scope, values: Values) -> None:
    """Refuse references to containers that the seed does not list, if the switch asks for it."""
    referred = values.get(call.family.references)
    if world.switches.missing_container == "accepted" or not isinstance(referred, tuple):
        return
    missing = sorted(set(referred) - world.containers.get(scope.numbers, frozenset()))
    if missing and world.switches.missing_container == "404":
        raise NotFoundRefusalError(f"Container {missing[0]} could not be found")
    if missing:
        raise ValidationRefusalError({call.family.references: [f"no container {item}" for item in missing]})


def list_keys(world: World, call: Call) -> Answer:
    """GET of the collection: one page, and the count of all."""
    scope = called_scope(call)
    limit, offset = page_limits(call.query, world.switches)
    count, keys = world.store.page(scope, offset, limit)
    return Answer(200, world.renderer.page(count, keys, call.now))


def create_key(world: World, call: Call) -> Answer:
    """POST: 200 with the new key and, this once, its secret; 409 when the name is taken."""
    scope = called_scope(call)
    name, values = read_create(call.family, body_object(call.body), world.switches, call.now)
    _require_containers(world, call, scope, values)
    if world.store.get(scope, name) is not None:
        raise ConflictRefusalError(f"{call.family.title} {name} already exists")
    key = StoredKey(
        scope=scope,
        name=name,
        sequence=world.store.next_sequence(),
        created_at=call.now,
        source="cloud",
        values=values,
    )
    world.store.put(key)
    return json_answer(world.renderer.document(key, call.now) | {"secret": _secret(key, world.switches)})


def _secret(key: StoredKey, switches: Switches) -> str:
    """Make up a secret that is new for every creation, and the same when a run is repeated."""
    facts = (switches.random_seed, key.scope, key.name, key.sequence, key.created_at.isoformat())
    return f"emulated-{hashlib.sha256(repr(facts).encode()).hexdigest()[:40]}"


def read_one(world: World, call: Call) -> Answer:
    """GET of one key."""
    scope, name = called_scope(call), _path_name(world, call)
    return Answer(200, world.renderer.fragment(_existing(world, call, scope, name), call.now))


def patch_key(world: World, call: Call) -> Answer:
    """PATCH: what the body gives is replaced, lists whole; 200 with the key after it."""
    scope, name = called_scope(call), _path_name(world, call)
    values = read_patch(call.family, body_object(call.body), world.switches)
    key = _existing(world, call, scope, name)
    _require_containers(world, call, scope, values)
    for name in call.unstored:
        values.pop(name, None)
    if values:
        key = replace(key, values={**key.values, **values})
        world.store.put(key)
    return Answer(200, world.renderer.fragment(key, call.now))


def delete_key(world: World, call: Call) -> Answer:
    """DELETE: 204 without a body."""
    scope, name = called_scope(call), _path_name(world, call)
    key = world.store.get(scope, name)
    if key is None:
        if world.switches.delete_missing == "404":
            raise _missing(call, name)
        return Answer(204)
    if world.switches.delete_bound == "409" and key.values[call.family.references]:
        raise ConflictRefusalError(f"{call.family.title} {name} is in use")
    world.store.remove(key)
    return Answer(204)


COLLECTION_OPERATIONS: Mapping[str, Operation] = {"GET": list_keys, "POST": create_key}
KEY_OPERATIONS: Mapping[str, Operation] = {"GET": read_one, "PATCH": patch_key, "DELETE": delete_key}
