"""Making other people's text safe to show on a terminal and on one line."""

from __future__ import annotations

import json
from typing import Any


def printable(text: str) -> str:
    r"""Escape every character that could move the cursor, break the line or reorder the text.

    That is everything which Unicode does not call printable: control characters, ANSI escapes, line
    separators, bidirectional overrides, zero-width characters. They become ``\uXXXX``.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def quoted(value: Any) -> str:
    """Give a JSON value on one safe line, texts in double quotes."""
    return printable(json.dumps(value, ensure_ascii=False))


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the two escapes of Unicode
