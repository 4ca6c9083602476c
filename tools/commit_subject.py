#!/usr/bin/env python3
"""Refuse a commit whose subject is not ``area: what changes``: the file of the message is the argument."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

LONGEST: Final = 72
_SUBJECT: Final = re.compile(r"[a-z][a-z0-9 _/.,-]*: \S.*[^.\s]")
_MADE_BY_GIT: Final = ("Merge ", "Revert ", "fixup! ", "squash! ")


def problem(message: str) -> str:
    """Return what is wrong with the first line of a message; empty if nothing is."""
    subject = message.partition("\n")[0]
    if subject.startswith(_MADE_BY_GIT):
        return ""
    if len(subject) > LONGEST:
        return f"the subject has {len(subject)} characters, of which {LONGEST} are shown: {subject}"
    if not _SUBJECT.fullmatch(subject):
        return f"the subject is not 'area: what changes', without a full stop: {subject}"
    return ""


def main() -> int:
    """Return an exit code."""
    found = problem(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if found:
        print(f"Error: {found}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
