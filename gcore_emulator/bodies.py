"""Request bodies against the create and the patch schema: JSON in, stored values out."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal

from gcore_emulator.responses import ValidationRefusalError
from gcore_emulator.rules import REQUIRED, InvalidValueError, Value

if TYPE_CHECKING:
    from gcore_emulator.families import Family, Field
    from gcore_emulator.switches import Switches

Body = Mapping[str, Any]
Values = dict[str, Value]
Complaints = dict[str, list[str]]

_REFUSING = ("refused", "400")
_PLAIN_NULLS = ("refused", "clears")  # the other meanings of a null are names of switches


class UnreadableBody:
    """The value of a body that is not JSON."""


UNREADABLE = UnreadableBody()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def read_json(body: bytes) -> object:
    """Parse a body strictly; an empty one is None, and what is not JSON is `UNREADABLE`."""
    if not body:
        return None
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return UNREADABLE


def body_object(body: object) -> Body:
    """Return the body of a write as an object; refuse every other body."""
    if isinstance(body, UnreadableBody):
        raise ValidationRefusalError(message="the body is not JSON")
    if not isinstance(body, dict):
        raise ValidationRefusalError(message="the body must be an object")
    return body


def _given_value(field: Field, body: Body, *, null: Literal["taken", "refused"]) -> Value:
    if field.name not in body:
        if field.create == "required":
            raise InvalidValueError(REQUIRED)
        return field.default
    value = body[field.name]
    return None if value is None and null == "taken" else field.parse(value)


def stored_values(family: Family, entry: Body, complaints: Complaints) -> Values:
    """Return the values of the fields of a key written as the API shows it; collect the complaints."""
    values: Values = {}
    for field in family.fields:
        try:
            values[field.name] = _given_value(field, entry, null="taken" if field.nullable else "refused")
        except InvalidValueError as error:
            complaints[field.name] = list(error.complaints)
    return values


def _created_values(family: Family, body: Body, complaints: Complaints) -> Values:
    """Return the values of the fields after a create, with defaults; collect the complaints."""
    values: Values = {}
    for field in family.fields:
        try:
            values[field.name] = (
                field.default
                if field.create == "never"
                else _given_value(field, body, null="taken" if field.create_null else "refused")
            )
        except InvalidValueError as error:
            complaints[field.name] = list(error.complaints)
    return values


def _patches(field: Field, body: Body, switches: Switches) -> bool:
    """Return whether the body sets this field, with null if the switch allows it."""
    if field.name not in body:
        if field.patch == "required" and switches.omitted_functions == "400":
            raise InvalidValueError(REQUIRED)
        return False
    if body[field.name] is not None:
        return True
    meaning = field.patch_null if field.patch_null in _PLAIN_NULLS else getattr(switches, field.patch_null)
    if meaning in _REFUSING:
        raise InvalidValueError("must not be null")
    return bool(meaning == "clears")


def _patched_values(family: Family, body: Body, switches: Switches, complaints: Complaints) -> Values:
    values: Values = {}
    for field in family.fields:
        try:
            if field.patch != "never" and _patches(field, body, switches):
                value = body[field.name]
                values[field.name] = None if value is None else field.parse(value)
        except InvalidValueError as error:
            complaints[field.name] = list(error.complaints)
    return values


def _unknown_in_items(field: Field, body: Body) -> list[str]:
    items = body.get(field.name)
    if not field.item_members or not isinstance(items, list):
        return []
    return [
        f"[{index}] {member}: unknown member"
        for index, item in enumerate(items)
        if isinstance(item, dict)
        for member in item
        if member not in field.item_members
    ]


def _note_unknown(
    family: Family, body: Body, known: Collection[str], switches: Switches, complaints: Complaints
) -> None:
    """Record members that are not ``known``, also those of list items, if the switch is 400."""
    if switches.unknown_members != "400":
        return
    complaints.update({name: ["unknown member"] for name in body if name not in known})
    for field in family.fields:
        unknown = _unknown_in_items(field, body)
        if unknown:
            complaints.setdefault(field.name, []).extend(unknown)


def _note_length(values: Values, switches: Switches, complaints: Complaints) -> None:
    description = values.get("description")
    limit = switches.description_limit
    if limit is not None and isinstance(description, str) and len(description) > limit:
        complaints["description"] = [f"must have at most {limit} characters"]


def read_create(family: Family, body: Body, switches: Switches, now: dt.datetime) -> tuple[str, Values]:
    """Return name and values of the key to create.

    Raises `ValidationRefusalError` with every complaint at once.
    """
    complaints: Complaints = {}
    try:
        if "name" not in body:
            raise InvalidValueError(REQUIRED)  # noqa: TRY301 - reported with the other complaints
        family.body_name(body["name"])
    except InvalidValueError as error:
        complaints["name"] = list(error.complaints)
    values = _created_values(family, body, complaints)
    expire = values.get(family.expiry)
    if switches.past_expire == "400" and isinstance(expire, dt.datetime) and expire <= now:
        complaints[family.expiry] = ["must be in the future"]
    known = {"name", *(field.name for field in family.fields if field.create != "never")}
    _note_unknown(family, body, known, switches, complaints)
    _note_length(values, switches, complaints)
    if complaints:
        raise ValidationRefusalError(complaints)
    return body["name"], values


def read_patch(family: Family, body: Body, switches: Switches) -> Values:
    """Return the values that a PATCH changes; fields omitted, or null without effect, are absent.

    The name is in no patch schema, so it counts as unknown. Raises `ValidationRefusalError`.
    """
    complaints: Complaints = {}
    values = _patched_values(family, body, switches, complaints)
    _note_unknown(family, body, family.patchable, switches, complaints)
    _note_length(values, switches, complaints)
    if complaints:
        raise ValidationRefusalError(complaints)
    return values
