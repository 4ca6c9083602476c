"""Make untrusted text safe to show on a terminal and on one line."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.expressions import expression
from reconciler.model.lookalikes import UNSEEN

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOG_COMMAND: Final = expression(r"##(\[|vso\[)")
_MOST_MARKS: Final = 2
"""So many marks may be stacked on one character: more is not a letter, and hides what is near."""


def escape_control(text: str) -> str:
    r"""Escape characters that could move the cursor, break the line, reorder the text or be invisible.

    These are all characters that Unicode does not class as printable (control characters, ANSI escapes, line
    breaks, bidirectional overrides, unassigned and private characters), invisible characters, and combining
    marks that follow another mark or no base character. They become ``\uXXXX``.
    """
    if not text.isprintable() or not text.isascii():
        text = "".join(_shown(text))
    return neutralize_log_commands(text)


def _shown(text: str) -> Iterator[str]:
    marks = _MOST_MARKS  # before the first character there is nothing that a mark could stand on
    for char in text:
        if char.isascii():
            marks = 0 if char.isalnum() else _MOST_MARKS
            yield char if char.isprintable() else _escape(char)
            continue
        if not char.isprintable() or UNSEEN.match(char):
            marks = _MOST_MARKS
            yield _escape(char)
            continue
        if unicodedata.category(char).startswith("M"):
            marks += 1
            yield char if marks <= _MOST_MARKS else _escape(char)
            continue
        marks = 0
        yield char


def neutralize_log_commands(text: str) -> str:
    """Break log commands of CI systems, such as ``##[error]``, that are in the middle of a line."""
    return text if "##" not in text else _LOG_COMMAND.sub(r"#\\u0023\1", text)


def quoted(value: Any) -> str:
    r"""Return a JSON value on one safe line, texts in double quotes, valid as YAML too.

    It is also valid JSON, unless it holds invisible characters above U+FFFF: they become ``\UXXXXXXXX``.
    """
    return escape_control(json.dumps(value, ensure_ascii=False))


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the two escapes of Unicode
