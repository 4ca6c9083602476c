"""Write values as strict YAML: the most readable form that is parsed as the same value.

A text is plain where that is safe: for this package's loader, for which ``no`` and ``010`` are texts, and for
tools that follow YAML 1.1, for which they are not. Only instants are written plainly without regard to those.
Otherwise it is in double quotes, as in JSON.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from reconciler.load.scalars import resolve
from reconciler.model.escape import escape_control, quoted
from reconciler.model.expressions import expression

if TYPE_CHECKING:
    from collections.abc import Sequence

_STARTS: Final = frozenset("_/($")
"""What a plain text may begin with, besides letters and digits."""
_BROKEN: Final = expression(r": |:$| #|##|\s\s| $")
_LAST_OF_ONE_ESCAPE: Final = "\uffff"
_FLOW_MARKS: Final = frozenset(",[]{}:?")
_MARKERS: Final = ("::", "---", "...")
_INSTANT: Final = expression(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
_OTHER_IN_YAML_1_1: Final = expression(
    r"[0-9][-+.0-9_:,a-fA-FxXoTtZz ]*|(?i:y|n|yes|no|on|off|true|false|null)", re.ASCII
)


def block_text(value: Any) -> str:
    """Write a value on one line of block style, such as behind ``field: ``."""
    if isinstance(value, str) and _is_plain(value):
        return value
    return flow_text(value)


def flow_text(value: Any) -> str:
    """Write a value on one line, suitable in brackets."""
    if isinstance(value, str):
        return value if _is_plain(value) and _FLOW_MARKS.isdisjoint(value) else quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(map(flow_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{flow_text(name)}: {flow_text(item)}' for name, item in value.items())}}}"
    return json.dumps(value)


def json_line(value: Any, colon: str = ": ") -> str:
    """Write a value as JSON on one line, without blanks if there are none around a ``colon``.

    Invisible characters are escaped as JSON does it.
    """
    separators = (",", ":") if colon == ":" else None
    text = json.dumps(value, ensure_ascii=False, separators=separators)
    hidden = {char for char in text if char > _LAST_OF_ONE_ESCAPE and escape_control(char) != char}
    return escape_control(text.translate({ord(char): json.dumps(char)[1:-1] for char in hidden}))


def json_lines(value: Any, unit: str, mark: str) -> str:
    """Write a value as JSON with a line for each item, ``unit`` deeper at each level than ``mark``."""
    inner = mark + unit
    if isinstance(value, list) and value:
        items = [json_lines(item, unit, inner) for item in value]
        return f"[{inner}{f',{inner}'.join(items)}{mark}]"
    if isinstance(value, dict) and value:
        items = [f"{json_line(name)}: {json_lines(item, unit, inner)}" for name, item in value.items()]
        return f"{{{inner}{f',{inner}'.join(items)}{mark}}}"
    return json_line(value)


def single_quoted(text: str) -> str | None:
    """Write a text in single quotes; None if that would not show it unambiguously."""
    if escape_control(text) != text:
        return None
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def literal_lines(text: str) -> tuple[str, Sequence[str]] | None:
    """Return header and lines of a text as a literal block; None if another form is better.

    A block has no line with trailing blanks, invisible characters, or a log command of a CI system.
    """
    chomping = "" if text.endswith("\n") else "-"
    lines = text.removesuffix("\n").split("\n")
    is_unfit = any(
        escape_control(line) != line or line.strip() != line or "##" in line or line.startswith(_MARKERS)
        for line in lines
    )
    return None if is_unfit or not lines[0] or not lines[-1] else (f"|{chomping}", lines)


def field_lines(name: str, value: Any, column: int) -> list[str]:
    """Write a field of a mapping whose fields begin at ``column``, counted from 0."""
    start = f"{' ' * column}{block_text(name)}:"
    inner = " " * (column + 2)
    if isinstance(value, list) and value:
        return [start, *(f"{inner}- {block_text(item)}" for item in value)]
    block = literal_lines(value) if isinstance(value, str) and "\n" in value else None
    if block is not None:
        header, lines = block
        return [f"{start} {header}", *(f"{inner}{line}" if line else "" for line in lines)]
    return [f"{start} {block_text(value)}"]


def _is_plain(text: str) -> bool:
    """Return whether a text may be without quotes in block style."""
    if not text or not (text[0].isalnum() or text[0] in _STARTS) or _BROKEN.search(text):
        return False
    if _INSTANT.fullmatch(text):
        return True
    is_other = _OTHER_IN_YAML_1_1.fullmatch(text) or not isinstance(resolve(text), str)
    return not is_other and escape_control(text) == text
