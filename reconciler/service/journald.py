"""The journal of systemd as standard error: each line begins with its priority (sd-daemon(3))."""

from __future__ import annotations

import os
import re
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from reconciler.model.expressions import expression

if TYPE_CHECKING:
    from typing import TextIO

_STREAM: Final = expression(r"([0-9]{1,20}):([0-9]{1,20})", re.ASCII)


class Priority(IntEnum):
    """The priority of a line, by the levels of syslog(3)."""

    ERROR = 3
    WARNING = 4
    INFO = 6
    DEBUG = 7


def is_journal(stream: TextIO | None, named: str) -> bool:
    """Return whether a stream is the journal: ``named``, JOURNAL_STREAM, is its device and inode."""
    found = _STREAM.fullmatch(named)
    if stream is None or found is None:
        return False
    try:
        facts = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or no file at all
        return False
    return (facts.st_dev, facts.st_ino) == (int(found[1]), int(found[2]))


def marked(text: str, priority: Priority) -> str:
    """Return a text whose lines begin with their priority."""
    return "".join(f"<{priority.value}>{line}" for line in text.splitlines(keepends=True))
