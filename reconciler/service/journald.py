"""The journal of systemd as standard error: each line says how grave it is, as sd-daemon(3) describes."""

from __future__ import annotations

import io
import os
import re
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum
from types import TracebackType
from typing import Final, TextIO

import click

_STREAM: Final = re.compile(r"([0-9]{1,20}):([0-9]{1,20})", re.ASCII)


class Priority(IntEnum):
    """The priority of a line, by the levels of syslog(3)."""

    ERROR = 3
    WARNING = 4
    INFO = 6
    DEBUG = 7


def is_journal(stream: TextIO | None) -> bool:
    """Return whether a stream is the journal's: JOURNAL_STREAM holds its device and inode, in digits."""
    named = _STREAM.fullmatch(os.environ.get("JOURNAL_STREAM", ""))
    if stream is None or named is None:
        return False
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or no file at all
        return False
    return (found.st_dev, found.st_ino) == (int(named[1]), int(named[2]))


def marked(text: str, priority: Priority) -> str:
    """Return a text for standard error: where the journal reads that, each line begins with its priority."""
    if not is_journal(sys.stderr):
        return text
    return "".join(f"<{priority.value}>{line}" for line in text.splitlines(keepends=True))


def show_error(error: click.ClickException) -> None:
    """Print a usage error with its lines of help."""
    if not is_journal(sys.stderr):
        error.show()
        return
    lines = io.StringIO()
    error.show(lines)
    click.echo(marked(lines.getvalue(), Priority.ERROR), nl=False, err=True)


def mark_tracebacks() -> None:
    """Print every line of a traceback with the priority of an error."""
    if is_journal(sys.stderr):
        sys.excepthook = _hook(sys.stderr.write)


def _hook(write: Callable[[str], object]) -> Callable[..., None]:
    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:

        write(marked("".join(traceback.format_exception(kind, error, trace)), Priority.ERROR))

    return show
