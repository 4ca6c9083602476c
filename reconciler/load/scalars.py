"""The meaning of a plain scalar: YAML 1.2's core schema, restricted to what has one meaning everywhere.

A plain scalar is ``null``, ``~`` or empty (null), ``true`` or ``false`` (boolean), a number written as in
JSON that a double can hold, and text otherwise. ``no``, ``010``, ``12:30``, ``1e999`` and dates remain text.
"""

from __future__ import annotations

import re
from typing import Final

from reconciler.model.expressions import expression
from reconciler.model.numbers import MOST_DIGITS, WRITTEN, number

CONSTANTS: Final = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "false": False,
}
DIGITS: Final = frozenset("0123456789")
NUMBER_START: Final = DIGITS | {"-"}
_INTEGER: Final = expression(rf"-?(?:0|[1-9][0-9]{{0,{MOST_DIGITS - 1}}})", re.ASCII)
_EXACT: Final = 2**53
"""Up to here a whole number may be a double, which shows that it was not written as digits alone."""


def resolve(text: str) -> bool | float | str | None:
    """Return the value of a plain scalar."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text[0] in NUMBER_START:
        if _INTEGER.fullmatch(text):
            return int(text)
        if WRITTEN.fullmatch(text):
            return _number(text)
    return text


def _number(text: str) -> float | str:
    """Return a number with a fraction or an exponent; the text if no double can hold it."""
    try:
        value = number(text)
    except ValueError:
        return text
    return float(value) if abs(value) <= _EXACT else value
