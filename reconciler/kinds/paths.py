"""Request paths: the valid paths of collections, and the texts that can be one segment of a path."""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import quote

from reconciler.errors import UnaddressableError
from reconciler.model.expressions import expression

SEGMENT_PATTERN: Final = r"^(?!\.{1,2}$)[^/]+$"
"""What a drafted path parameter must match."""
NAME_PATTERN: Final = r"^(?!\.{1,2}$).+$"
"""What a drafted identity must match: its slashes are encoded."""
NOT_A_SEGMENT: Final = (
    'cannot be one segment of a request path, because it has an empty segment, "." or ".."; '
    "write another name"
)
_PLACEHOLDER: Final = expression(r"\{(\w+)\}")
_PLAIN_PLACEHOLDER: Final = expression(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
_DOTS: Final = frozenset({"", ".", ".."})
_ELSEWHERE: Final = expression(r"(?:\A|[/\\])\.{0,2}(?:\Z|[/\\])|[\ud800-\udfff]")
"""Texts that lead a path elsewhere, also where a server or proxy decodes it first and then removes ``..`` and
``//``; and half characters, which cannot be encoded."""
_HALF: Final = expression(r"[\ud800-\udfff]")
_PUNCTUATION: Final = "._~:@!$'()*+,=&-"
_FORBIDDEN: Final = expression(rf"[^A-Za-z0-9{re.escape(_PUNCTUATION)}]")
_LONGEST: Final = 80


def placeholders(collection: str) -> list[str]:
    """Return the names of the path parameters of a collection, in order."""
    return _PLACEHOLDER.findall(collection)


def without_slash(path: str) -> str:
    """Return a path without slashes at its end: with and without, services mean one collection."""
    return path.rstrip("/")


def item_template(collection: str, item: str | None) -> str:
    """Return the path of one item with ``{}`` for its id: ``item``, or by default below its collection.

    A slash at the end of the collection is repeated. The id is the one parameter that the collection lacks.
    """
    if item is None:
        slash = "/" * collection.endswith("/")
        return f"{without_slash(collection)}/{{}}{slash}"
    known = placeholders(collection)
    return _PLACEHOLDER.sub(lambda found: found[0] if found[1] in known else "{}", item)


def is_segment(text: str) -> bool:
    """Return whether ``text`` can be one segment of a path without a change of meaning when it is decoded."""
    if text.isascii() and "/" not in text and "\\" not in text:  # all but a few, and five times as fast
        return text not in _DOTS
    return _ELSEWHERE.search(text) is None


def is_name(text: str) -> bool:
    """Return whether ``text`` can name an object whose path has an id: any non-empty Unicode text."""
    return bool(text) and _HALF.search(text) is None


def segment(text: str) -> str:
    """Return ``text`` percent-encoded as one segment of a path. Raises UnaddressableError if it cannot be."""
    if not is_segment(text):
        shown = json.dumps(text[:_LONGEST])
        raise UnaddressableError(
            f"{shown} cannot be one segment of a request path, so it cannot be addressed"
        )
    return quote(text, safe="")


def path_fault(path: str) -> str:
    """Return what is wrong with the path of a collection, empty if nothing is.

    A segment is plain characters, around one placeholder at most: a server, a proxy or the client could
    interpret others, and send the request elsewhere.
    """
    if not path.startswith("/"):
        return "must begin with a slash; write a path such as /repos/{owner}/{repo}/labels, without a host"
    for part in path[1:].removesuffix("/").split("/") if path != "/" else ():
        if not part:
            return "has an empty segment; write one slash between segments"
        if not part.strip("."):
            return f'has the segment "{part}", which refers to another path; remove it'
        plain, count = _PLAIN_PLACEHOLDER.subn("", part)
        if count > 1:
            return f'has two placeholders in the segment "{part}"; write each in a segment of its own'
        if found := _FORBIDDEN.search(plain):
            char = found[0]
            shown = f'"{char}"' if char.isascii() and char.isprintable() else f"U+{ord(char):04X}"
            return f"has the character {shown}; segments are letters, digits, {_PUNCTUATION}, or {{a_name}}"
    return ""
