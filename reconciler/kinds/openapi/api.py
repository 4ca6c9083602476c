"""How a drafted kind uses its API: updates, creations, constants, waiting, and deprecated operations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.openapi.notes import NOT_CREATED
from reconciler.kinds.rest import BodyRule
from reconciler.kinds.shape import type_names
from reconciler.model.expressions import expression
from reconciler.model.phrases import listed
from reconciler.model.request import Encoding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.kinds.openapi.notes import Notes
    from reconciler.kinds.openapi.operations import Operation, Operations, Parameter
    from reconciler.kinds.openapi.properties import Properties
    from reconciler.kinds.openapi.schemas import Schema
    from reconciler.kinds.openapi.shapes import Shape

_IS_MERGED: Final = (
    "merge: {} is described as a JSON Merge Patch (RFC 7396), in which null removes a member; check that the"
    " service does so"
)
_MAY_BE_MERGED: Final = (
    "merge: does PATCH keep the members of {} that a request omits? If so, list the field under merge; the"
    " draft sends the complete map, as if PATCH replaced it"
)
_WAIT: Final = 60
_MERGED: Final = expression(r"merge[- ]patch|\bRFC[ -]?7(?:38|39)6\b", re.IGNORECASE)
_TASKS: Final = frozenset({"tasks", "task_id", "taskId", "job_id", "jobId", "operation_id", "operationId"})
_NOT_CONSTANT: Final = expression(
    r"(?:proxy-)?authorization|cookie|host|accept.*|content-.*|if-.*|user-agent|x-request-id|.*(?:token|api.?key).*",
    re.IGNORECASE,
)
"""Headers that are not constants of a kind, or that every client sends."""


def update_of(found: Operations, shape: Shape, made: Properties, notes: Notes) -> dict[str, Any]:
    """Draft how an item is updated.

    All fields are sent only where the kind describes everything that the item holds, because the service
    would delete the rest. The body then holds all declared fields, and the identity. Where a PUT accepts
    fewer or more fields, or no GET returns the item to merge with, each update carries all accepted fields.
    """
    update = found.update
    drafted: dict[str, Any] = {"method": update.method}
    known = made.known
    unseen = [
        name
        for name, schema in shape.update.properties.items()
        if name not in known and not schema.words.get("readOnly")
    ]
    drafted |= _id_in_body(shape, made, update)
    unsent = {*unseen, *([] if drafted.get("id") else [made.path])} - {made.identity}
    required = [name for name in shape.update.required if name in unsent]
    if required:
        notes.add(
            f"update: {update} requires {listed(required, 12)}, which the updates of this draft do not send;"
            " the service may reject every update: describe these fields"
        )
    if update.method == "PUT":
        declared = made.declared - ({made.identity} if made.is_name_inside else set())
        is_whole = not unseen and found.item is not None and declared <= shape.taken
        drafted["body"] = (BodyRule.WHOLE if is_whole else BodyRule.CHANGED).value
        if unseen:
            notes.add(
                f"update: PUT accepts {listed(unseen, 12)}, which this draft does not describe, so a PUT of"
                " the full object would clear them; does the service keep fields that a PUT omits?"
            )
    if update.encoding is not Encoding.JSON:
        drafted["encoding"] = update.encoding.value
    return drafted


def _id_in_body(shape: Shape, made: Properties, update: Operation) -> dict[str, bool]:
    """Return whether bodies carry the id, where that differs from the default of the API's style."""
    if shape.api_type is not None:
        return {} if shape.sends_id else {"id": False}
    is_needed = made.path in shape.update.required and update.encoding is not Encoding.JSON_PATCH
    return {"id": True} if is_needed and made.path in shape.taken - {made.identity} else {}


def merged_of(found: Operations, made: Properties, notes: Notes) -> list[str]:
    """Return the maps that are described as merged, with a note that asks what a PATCH does to the others.

    Values of merged maps cannot be null, which removes a member.
    """
    if found.update.method != "PATCH":
        return []
    fields = {name: made.properties[name] for name in map(made.file_name, made.settable)}
    maps = [
        name for name, field in fields.items() if "object" in type_names(field) and "properties" not in field
    ]
    if found.update.encoding is not Encoding.JSON:
        made.without_null(maps if found.update.encoding is Encoding.MERGE_PATCH else ())
        return []
    merged = [name for name in maps if _MERGED.search(fields[name].get("description", ""))]
    made.without_null(merged)
    for name in maps:
        notes.add(_IS_MERGED if name in merged else _MAY_BE_MERGED, name)
    return merged


def creation_of(
    found: Operations, shape: Shape, made: Properties, notes: Notes
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Return the fields that a creation requires besides the identity, and the fields that only it sets.

    None if a POST does not accept the identity, or requires a field that no response shows: then nothing is
    created.
    """
    create, identity, fields, inside = found.create, made.identity, made.properties, made.inside
    if create is None or not shape.create.members:
        return None, ()
    if found.update.encoding is not Encoding.JSON_PATCH and shape.create_body != shape.body:
        own, others = (
            f"inside {place}" if place else "at the top level" for place in (shape.create_body, shape.body)
        )
        notes.add(
            f"create: {create} expects the fields {own}, but an update expects them {others}; {NOT_CREATED}"
        )
        return None, ()
    taken, name = shape.create, identity
    if inside is not None and made.is_name_inside:
        taken, name = shape.create.member(inside.outer), inside.inner
    if not taken.takes(name):
        notes.add(f"create: {create} does not accept {identity}; {NOT_CREATED}")
        return None, ()
    required = [
        made.file_name(name)
        for name in shape.create.required
        if name not in {identity, made.path} and not shape.create.member(name).words.get("readOnly")
        if inside is None or name != inside.outer or {*shape.create.member(name).required} - {inside.inner}
    ]
    unseen = [name for name in required if name not in fields]
    if unseen:
        notes.add(
            f"create: {create} requires {listed(unseen, 12)}, which the listing does not return;"
            f" {NOT_CREATED}"
        )
        return None, ()
    later = [made.file_name(name) for name in made.settable if name not in shape.create.members]
    drafted = {"requires": required} | ({"later": later} if later else {}) | _encoding(found, create)
    return drafted, tuple(name for name in required if fields[name].get("readOnly"))


def _encoding(found: Operations, create: Operation) -> dict[str, str]:
    """Return the encoding of a creation, if it differs from that of an update."""
    own = Encoding.FORM if create.encoding is Encoding.FORM else Encoding.JSON
    update = found.update.encoding if found.is_updated else Encoding.JSON
    return {} if own is (Encoding.JSON if update.is_patch else update) else {"encoding": own.value}


def constants_of(found: Operations, paging: Iterable[str | None], notes: Notes) -> dict[str, Any]:
    """Draft constants for parameters that requests require, where their values are described."""
    send: dict[str, dict[str, str]] = {}
    known = set(paging)
    for operation in found.every:
        for parameter in operation.parameters:
            if (
                not parameter.is_required
                or parameter.place not in {"query", "header"}
                or parameter.name in known
            ):
                continue
            if parameter.place == "header" and _NOT_CONSTANT.fullmatch(parameter.name):
                continue
            known.add(parameter.name)
            where = "query" if parameter.place == "query" else "headers"
            what = f"the {'query parameter' if where == 'query' else 'header'} {parameter.name}"
            value = _value(parameter)
            if value is None:
                notes.add(f"send: {operation} requires {what}; write its value under send.{where}")
            else:
                send.setdefault(where, {})[parameter.name] = value
                notes.add(
                    f"send: {operation} requires {what}; the draft sends the described {value}: check it"
                )
    return send


def _value(parameter: Parameter) -> str | None:
    words = parameter.schema.words
    values = words.get("enum") or []
    for value in (words.get("default"), *values[:1], words.get("example")):
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str | int) and str(value).isprintable() and str(value):
            return str(value)
    return None


def wait_of(found: Operations, shape: Shape, notes: Notes) -> dict[str, int]:
    """Draft the waiting time where the service accepts a write before it is done."""
    late = [
        str(operation)
        for operation in (found.update if found.is_updated else None, found.create)
        if operation is not None and (operation.is_accepted or _is_elsewhere(operation.response, shape))
    ]
    late += [str(found.deletion)] if found.deletion is not None and found.deletion.is_accepted else []
    if not late:
        return {}
    notes.add(
        f"wait: {' and '.join(late)} may respond before the operation has finished; {_WAIT} seconds is a"
        " guess: check it"
    )
    return {"wait": _WAIT}


def _is_elsewhere(response: Schema, shape: Shape) -> bool:
    """Return whether a response is about a task, or holds neither the key nor an object around it."""
    foreign = response.members.keys() - shape.rows.members.keys()
    if _TASKS & foreign:
        return True
    return response.members.keys() == foreign != set() and not any(
        {"object", "array"} & {*member.types} or not member.types for member in response.properties.values()
    )


def note_deletion(found: Operations, notes: Notes) -> None:
    """Add a note that keys cannot be deleted, if no such operation is described."""
    if found.deletion is None:
        notes.add(
            f"delete: no DELETE of {found.item_path} is described, so the service may reject `state: absent`"
        )


def note_deprecated(found: Operations, notes: Notes) -> None:
    """Add a note about deprecated operations, with their successor if it is named."""
    for operation in found.every:
        if operation.is_deprecated:
            notes.add(f"deprecated: {operation} is deprecated, and no successor is described")
    if found.outdated is not None and found.outdated is not found.update:
        notes.add(
            f"deprecated: {found.outdated} is deprecated; the draft sends updates by its successor,"
            f" {found.update}"
        )


def note_base_url(content: Mapping[str, Any], notes: Notes) -> None:
    """Add a note about the base URL of the paths of a description."""
    servers = content.get("servers")
    known = servers[0].get("url") if isinstance(servers, list) and servers else None
    if isinstance(known, str) and known.startswith(("http://", "https://")):
        notes.add(f"base URL: set base_url of the API to {known}, to which the paths are relative")
