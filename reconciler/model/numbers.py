"""JSON numbers by value: 5, 5.0 and 50e-1 are equal, and integers are exact at any length. Pure."""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, Self

from reconciler.model.expressions import expression
from reconciler.model.phrases import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_DIGITS: Final = 309
"""Digits of a whole number: with more it is beyond what a double, and so most readers of JSON, can hold."""
WRITTEN: Final = expression(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", re.ASCII)
"""The syntax of a JSON number."""
_LONGEST: Final = 800
_SHOWN: Final = 40


class UnreadableNumber(float):
    """A JSON number that no type here can hold exactly; it is not equal to any value."""

    text: str

    def __new__(cls, text: str) -> Self:
        """Store the text of the number; the value is NaN, so that it equals nothing."""
        made = super().__new__(cls, "nan")
        made.text = shortened(text, _SHOWN)
        return made


def lenient_number(text: str) -> float:
    """Return the value of a JSON number, or an :class:`UnreadableNumber` instead of an error."""
    try:
        return number(text)
    except ValueError:
        return UnreadableNumber(text)


def number(text: str) -> float:
    """Return the value of a JSON number: an int if it is integral, however it is written.

    Raises ValueError if it is too large for a double, or not zero and too small for one.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"a number of {len(text):,} characters is too long")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {shortened(text, _SHOWN)} is too large")
    if value and not value.is_integer():
        return value
    exact = _decimal(text)
    if exact and not value:
        raise ValueError(f"the number {shortened(text, _SHOWN)} is too small")
    return int(exact) if exact == exact.to_integral_value() else int(value)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:  # an exponent of many digits, of zero
        raise ValueError(f"the number {shortened(text, _SHOWN)} cannot be read") from error


def unreadable(value: Any) -> UnreadableNumber | None:
    """Return an UnreadableNumber inside ``value``, None if there is none."""
    if isinstance(value, UnreadableNumber):
        return value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for found in map(unreadable, inside) if found is not None), None)


def by_value(value: Any) -> Any:
    """Return a JSON value with every integral number as an int."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, list):
        return [by_value(item) for item in value]
    if isinstance(value, dict):
        return {name: by_value(item) for name, item in value.items()}
    return value


def replace_whole(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Replace each integral float inside a list or an object by an int, in place, and yield its path.

    A value that several YAML aliases share is visited once.
    """
    waiting = [(path, value)]
    seen: set[int] = set()
    while waiting:
        above, container = waiting.pop()
        if id(container) in seen:
            continue
        seen.add(id(container))
        steps = container.items() if isinstance(container, dict) else enumerate(container)
        for step, item in list(steps):
            if isinstance(item, dict | list):
                waiting.append(((*above, step), item))
            elif isinstance(item, float) and item.is_integer():
                container[step] = int(item)
                yield (*above, step)
