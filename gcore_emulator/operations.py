"""The five operations on keys, and the lists beside them: a checked call in, a response or a refusal out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gcore_emulator.bodies import Values, body_object, read_create, read_patch
from gcore_emulator.keys import Scope, StoredKey
from gcore_emulator.listing import Page, Setting, read_page
from gcore_emulator.lookups import Catalogue, Lookup, shown_entry
from gcore_emulator.requestlog import SECRET_PREFIX
from gcore_emulator.responses import (
    ConflictRefusalError,
    NotFoundRefusalError,
    Response,
    ValidationRefusalError,
    json_response,
)
from gcore_emulator.rules import InvalidValueError, parse_integer

if TYPE_CHECKING:
    import datetime as dt

    from gcore_emulator.families import Family
    from gcore_emulator.rendering import Renderer
    from gcore_emulator.seeds import Workloads
    from gcore_emulator.store import KeyStore
    from gcore_emulator.switches import Switches


@dataclass(frozen=True, slots=True)
class EmulatorState:
    """The state that operations work on: the keys, the existing workloads, and the switches.

    ``workloads`` are sets by the field that refers to them and the numbers of their scope.
    """

    store: KeyStore
    renderer: Renderer
    switches: Switches
    workloads: Workloads
    catalogue: Catalogue


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request, its path and query still as text, at the instant it takes effect.

    ``unstored`` are the fields that a PATCH checks but does not store.
    """

    family: Family
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: object
    now: dt.datetime
    unstored: tuple[str, ...] = ()


Operation = Callable[[EmulatorState, Call], Response]


def called_scope(call: Call) -> Scope:
    """Return the scope of a path; refuse one whose parts are not numbers."""
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


def _path_name(state: EmulatorState, call: Call) -> str:
    served = state.switches.short_names == "served"
    rule = call.family.lenient_path_name if served else call.family.path_name
    parameter = call.family.name_parameter
    try:
        return rule(call.parameters[parameter])
    except InvalidValueError as error:
        raise ValidationRefusalError({parameter: error.complaints}) from error


def _missing(call: Call, name: str) -> NotFoundRefusalError:
    return NotFoundRefusalError(f"{call.family.title} {name} could not be found")


def _existing(state: EmulatorState, call: Call, scope: Scope, name: str) -> StoredKey:
    key = state.store.get(scope, name)
    if key is None:
        raise _missing(call, name)
    return key


def _require_references(state: EmulatorState, call: Call, scope: Scope, values: Values) -> None:
    """Refuse references to workloads that the seed does not list, if the switch requires it."""
    field, noun = call.family.references or "", call.family.workload
    referred = values.get(field)
    if state.switches.missing_container == "accepted" or not isinstance(referred, tuple):
        return
    missing = sorted(map(str, set(referred) - state.workloads.get((field, scope.numbers), frozenset())))
    if missing and state.switches.missing_container == "404":
        raise NotFoundRefusalError(f"{noun.capitalize()} {missing[0]} could not be found")
    if missing:
        raise ValidationRefusalError({field: [f"no {noun} {item}" for item in missing]})


def requested_page(state: EmulatorState, call: Call) -> Page:
    """Return the requested page; refuse parameters that are out of range."""
    return read_page(call.query, call.family.listing, Setting(call.now, state.switches))


def list_keys(state: EmulatorState, call: Call) -> Response:
    """GET of the collection: one page, and the number of all selected keys."""
    scope, page = called_scope(call), requested_page(state, call)
    if page.is_plain:
        count, keys = state.store.page(scope, page.offset, page.limit)
    else:
        count, keys = page.cut(state.store.all(scope))
    return Response(200, state.renderer.page(count, keys, call.now))


def list_entries(
    state: EmulatorState, lookup: Lookup, query: Mapping[str, str], now: dt.datetime
) -> Response:
    """GET of the projects or regions: one page, and the number of all selected entries."""
    page = read_page(query, lookup.listing, Setting(now, state.switches))
    count, entries = page.cut(state.catalogue.all(lookup))
    return json_response({"count": count, "results": [shown_entry(entry, query) for entry in entries]})


def create_key(state: EmulatorState, call: Call) -> Response:
    """POST: 200 with the new key and, this once, its secret; 409 when the name is taken."""
    scope = called_scope(call)
    name, values = read_create(call.family, body_object(call.body), state.switches, call.now)
    _require_references(state, call, scope, values)
    if state.store.get(scope, name) is not None:
        raise ConflictRefusalError(f"{call.family.title} {name} already exists")
    key = StoredKey(
        scope=scope,
        name=name,
        sequence=state.store.next_sequence(),
        created_at=call.now,
        values=values,
    )
    state.store.put(key)
    return json_response(state.renderer.document(key, call.now) | {"secret": _secret(key, state.switches)})


def _secret(key: StoredKey, switches: Switches) -> str:
    """Return a secret that is unique per creation, and the same when a run is repeated."""
    facts = (switches.random_seed, key.scope, key.name, key.sequence, key.created_at.isoformat())
    return f"{SECRET_PREFIX}{hashlib.sha256(repr(facts).encode()).hexdigest()[:40]}"


def read_one(state: EmulatorState, call: Call) -> Response:
    """GET of one key."""
    scope, name = called_scope(call), _path_name(state, call)
    return Response(200, state.renderer.fragment(_existing(state, call, scope, name), call.now))


def patch_key(state: EmulatorState, call: Call) -> Response:
    """PATCH: the fields of the body are replaced, lists completely; 200 with the new key."""
    scope, name = called_scope(call), _path_name(state, call)
    values = read_patch(call.family, body_object(call.body), state.switches)
    key = _existing(state, call, scope, name)
    _require_references(state, call, scope, values)
    for name in call.unstored:
        values.pop(name, None)
    if values:
        key = replace(key, values={**key.values, **values})
        state.store.put(key)
    return Response(200, state.renderer.fragment(key, call.now))


def delete_key(state: EmulatorState, call: Call) -> Response:
    """DELETE: 204 without a body."""
    scope, name = called_scope(call), _path_name(state, call)
    key = state.store.get(scope, name)
    if key is None:
        if state.switches.delete_missing == "404":
            raise _missing(call, name)
        return Response(204)
    refuses = "409" in {call.family.delete_held, state.switches.delete_bound}
    if refuses and key.values[call.family.held_by]:
        raise ConflictRefusalError(f"{call.family.title} {name} is in use")
    state.store.remove(key)
    return Response(204)


COLLECTION_OPERATIONS: Mapping[str, Operation] = {"GET": list_keys, "POST": create_key}
KEY_OPERATIONS: Mapping[str, Operation] = {"GET": read_one, "PATCH": patch_key, "DELETE": delete_key}
