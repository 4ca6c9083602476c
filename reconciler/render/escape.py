"""Making other people's text safe to show on a terminal and on one line."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_LOG_COMMAND: Final = re.compile(r"##(\[|vso\[)")
_INVISIBLE: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u3164\uffa0" + "".join(map(chr, range(0xFE00, 0xFE10)))
)
"""Characters that Unicode calls printable and nobody sees."""


def printable(text: str) -> str:
    r"""Escape every character that could move the cursor, break the line or reorder the text.

    That is everything which Unicode does not call printable: control characters, ANSI escapes, line
    separators, bidirectional overrides, zero-width characters. They become ``\uXXXX``.
    """
    if not text.isprintable() or not text.isascii():
        text = "".join(_escape(char) if _is_hidden(char) else char for char in text)
    return tamed(text)


def tamed(text: str) -> str:
    """Break what a pipeline's log would take for a command in the middle of a line, such as ``##[error]``."""
    return text if "##" not in text else _LOG_COMMAND.sub(r"#\\u0023\1", text)


def _is_hidden(char: str) -> bool:
    return not char.isprintable() or char in _INVISIBLE


def quoted(value: Any) -> str:
    """Give a JSON value on one safe line, texts in double quotes."""
    return printable(json.dumps(value, ensure_ascii=False))


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the two escapes of Unicode
