"""Which paths a collection may have: none that could mean another place than the one it shows. Pure."""

from __future__ import annotations

import re
from typing import Final

_ALLOWED: Final = "._~:@!$'()*+,=&-"
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~:@!$'()*+,=&-]*", re.ASCII)
_PLACEHOLDER: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}", re.ASCII)


def path_fault(path: str) -> str:
    """Return what is wrong with the path of a collection, or nothing.

    A request could lead anywhere else with a part that a server, a proxy or the client reads as more than the
    name of a folder: a segment is plain characters, around one placeholder at most.
    """
    if not path.startswith("/"):
        return "must begin with a slash; write a path such as /repos/{owner}/{repo}/labels, without a host"
    for segment in path[1:].split("/"):
        plain = _PLACEHOLDER.sub("", segment)
        if not segment:
            return "has an empty segment; write one slash between segments, and none at the end"
        if not segment.strip("."):
            return f'has the segment "{segment}", which leads elsewhere; write the path without it'
        if len(_PLACEHOLDER.findall(segment)) > 1:
            return f'has two placeholders in the segment "{segment}"; write each in a segment of its own'
        if not _PLAIN.fullmatch(plain):
            at = next(char for char in plain if not _PLAIN.fullmatch(char))
            return f"has the character {_shown(at)}; segments are letters, digits, {_ALLOWED}, or {{a_name}}"
    return ""


def _shown(char: str) -> str:
    return f'"{char}"' if char.isascii() and char.isprintable() else f"U+{ord(char):04X}"
