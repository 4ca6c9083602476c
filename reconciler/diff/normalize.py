"""Normal forms: two values mean the same if and only if their normal forms are equal.

Instants become UTC text in whole seconds, sets become sorted lists without duplicates, whole numbers ints
(5.0 is 5), and every other value is left exactly as it is. Normal forms are plain JSON values: they are what
plans show and what requests carry, so neither depends on how a file or a response was spelled.
"""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.kinds.kind import Field, Form
from reconciler.model.canonical import format_instant, is_deeper, json_text, parse_instant
from reconciler.model.numbers import by_value, unreadable
from reconciler.model.phrases import shortened

DEEPEST: Final = 64
"""How deep a value may be nested and still be compared: every function that walks it can."""


class NotNormalError(ValueError):
    """A value has no normal form in its field, such as a text that is not an instant."""


def normalize(field: Field, value: Any) -> Any:
    """Return the normal form of ``value`` in ``field``.

    Raises NotNormalError if the value is not of a type that the field takes.
    """
    if is_deeper(value, DEEPEST):
        raise NotNormalError(f"{field.name} is nested more than {DEEPEST} deep")
    odd = unreadable(value)
    if odd is not None:
        raise NotNormalError(f"{field.name} holds {odd.text}, a number that cannot be read exactly")
    if float in field.types or not field.plainly_equal or isinstance(value, float):
        value = by_value(value)
    if type(value) not in field.types:
        raise NotNormalError(f"{field.name} holds {_shown(value)}")
    if value is None or field.form is Form.EXACT:
        return value
    if field.form is Form.SET:
        items = [_item(field, item) for item in value]
        return [json.loads(item) for item in sorted({json_text(item) for item in items})]
    instant = parse_instant(value)
    if instant is None:
        raise NotNormalError(f"{field.name} holds {_shown(value)}, which is not a date and time")
    return format_instant(instant)


def _shown(value: Any) -> str:
    return shortened(json_text(value), 80)


def _item(field: Field, item: Any) -> Any:
    """Return an item of a set with the members that the schema knows: a service may add others."""
    if not field.members:
        return item
    known: dict[str, Any] = {}
    for member, types in field.members.items() if isinstance(item, dict) else ():
        value = item.get(member)
        if value is None and member in field.optional_members:
            continue
        if type(value) not in types or member not in item:
            break
        known[member] = value
    else:
        if isinstance(item, dict):
            return known
    raise NotNormalError(f"{field.name} holds the item {_shown(item)}")
