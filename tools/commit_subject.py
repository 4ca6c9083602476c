#!/usr/bin/env python3
"""Refuse a commit whose subject is not ``area: what changes``."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def main(words: Sequence[str]) -> int:
    """Check the subject of a message; return the exit code."""
    parser = argparse.ArgumentParser(prog="commit_subject.py", description=__doc__)
    parser.add_argument("file", type=Path, help="file that holds the message, such as .git/COMMIT_EDITMSG")
    options = parser.parse_args(words)
    try:
        # Git writes a message in any encoding; what is checked is readable in all of them.
        found = problem(options.file.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        found = str(error)
    if found:
        print(f"Error: {found}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
