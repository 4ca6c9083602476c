"""Normal forms: two values mean the same if and only if their normal forms are equal.

Instants become UTC text in whole seconds, sets become sorted lists without duplicates, whole numbers ints
(5.0 is 5), and every other value is left exactly as it is. Normal forms are plain JSON values: they are what
plans show and what PATCH requests carry, so neither depends on how a file or an answer was spelled.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.kind import Form
from reconciler.model.numbers import by_value, unreadable

if TYPE_CHECKING:
    from reconciler.kinds.kind import Field

_INSTANT: Final = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})(?P<separator>[Tt ])(?P<time>(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:[.,]\d+)?"
    r"(?P<zone>[Zz]|(?P<sign>[-+])(?P<hours>[01]\d|2[0-3])(?:(?P<colon>:?)(?P<minutes>[0-5]\d))?)?",
    re.ASCII,
)


_ENCODER: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


class NotNormalError(ValueError):
    """A value has no normal form in its field, such as a text that is no instant."""


def normalize(field: Field, value: Any) -> Any:
    """Give the normal form of ``value`` in ``field``.

    Raises NotNormalError if the value is not of a type that the field takes.
    """
    odd = unreadable(value)
    if odd is not None:
        raise NotNormalError(f"{field.name} holds {odd.text}, a number that cannot be read exactly")
    if float in field.types or not field.plainly_equal or isinstance(value, float):
        value = by_value(value)
    if type(value) not in field.types:
        raise NotNormalError(f"{field.name} holds {json_text(value)[:80]}")
    if value is None or field.form is Form.EXACT:
        return value
    if field.form is Form.SET:
        items = [_item(field, item) for item in value]
        return [json.loads(item) for item in sorted({json_text(item) for item in items})]
    moment = parse_instant(value)
    if moment is None:
        raise NotNormalError(f"{field.name} holds {json_text(value)[:80]}, which is no date and time")
    return format_instant(moment)


def _item(field: Field, item: Any) -> Any:
    """Return an item of a set with the members that the schema knows: a service may add others."""
    if not field.members:
        return item
    known: dict[str, Any] = {}
    for member, types in field.members.items():
        value = item.get(member) if isinstance(item, dict) else None
        if value is None and member in field.optional_members and isinstance(item, dict):
            continue
        if type(value) not in types or not isinstance(item, dict) or member not in item:
            raise NotNormalError(f"{field.name} holds the item {json_text(item)[:80]}")
        known[member] = value
    return known


def json_text(value: Any) -> str:
    """Give the one JSON spelling of ``value``: equal texts mean equal values of equal types."""
    return _ENCODER.encode(value)


def parse_instant(text: str) -> dt.datetime | None:
    """Read an instant in any spelling that the service is known to use, or give None.

    A zone may be ``Z``, ``+00:00``, ``+0000`` or ``+00``; without one the time is UTC. Fractions of
    a second are dropped: the service is sent whole seconds, so whole seconds are compared.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(f"{found['date']}T{found['time']}+00:00")
        if found["sign"]:
            offset = dt.timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
            moment += offset if found["sign"] == "-" else -offset
    except (ValueError, OverflowError):
        return None
    return moment


def format_instant(moment: dt.datetime) -> str:
    """Spell an instant the way it is sent: UTC, whole seconds, ``Z``."""
    return moment.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


@functools.lru_cache(maxsize=4096)
def is_date_time(text: str) -> bool:
    """Tell whether ``text`` is an RFC 3339 date-time, which needs a zone.

    This is the check of the schema format ``date-time``, for every validator alike.
    """
    found = _INSTANT.fullmatch(text)
    return (
        found is not None
        and found["separator"] != " "
        and "," not in text
        and (found["zone"] in ("Z", "z") or bool(found["colon"]))
        and parse_instant(text) is not None
    )
