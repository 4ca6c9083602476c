"""What a plain scalar means: YAML 1.2's core schema, narrowed until nothing changes its meaning.

A plain scalar is ``null``, ``~`` or nothing (null), ``true`` or ``false`` (boolean), a number written
as in JSON, and text otherwise. ``no``, ``010``, ``12:30`` and dates stay exactly what was typed.
"""

from __future__ import annotations

import re
from typing import Final

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
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_FLOAT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,2})?", re.ASCII)


def resolve(text: str) -> bool | float | str | None:
    """Give the value of a plain scalar."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text[0] in NUMBER_START:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text
