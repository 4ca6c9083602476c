"""Recognise files of this program that are not desired state by their content, whatever their names."""

from __future__ import annotations

from typing import Final

HEAD: Final = 200
"""As much of a file as tells what it is."""
_PLAN: Final = (b'"format_version"', b'"reconciler_version"')
"""What the head of a plan file holds; plans of other tools have the first alone."""
_JOURNAL: Final = (b'"run": "', b'"event": "')
_HISTORY: Final = b"SQLite format 3\0"


def is_saved_plan(content: bytes) -> bool:
    """Return whether a content, or its first part, is that of a plan file."""
    head = content[:HEAD]
    return head.lstrip().startswith(b"{") and all(member in head for member in _PLAN)


def other_use(content: bytes, file: str) -> str:
    """Return the type of a file that is not desired state, and the command that reads it; or nothing."""
    head = content[:HEAD]
    if is_saved_plan(head):
        return (
            f"is a saved plan, not desired state: `reconciler show {file}` shows it, and"
            f" `reconciler apply {file}` applies it"
        )
    if head.startswith(_HISTORY):
        return f"is a history, not desired state: `reconciler history --history {file}` shows it"
    if head.startswith(b'{"at": "') and all(member in head for member in _JOURNAL):
        return f"is a journal, not desired state: `reconciler journal {file}` reads it"
    return ""
