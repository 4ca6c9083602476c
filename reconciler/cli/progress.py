"""Progress bars that fit the line of a terminal: a wrapped bar could not be redrawn."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

_WIDTH: Final = 36
_BESIDE: Final = 11
"""The columns that stand beside a bar and its label."""
_ETA: Final = 10
"""Those that say how long it will take, where they have room."""


def progress_bar(what: str, total: int, columns: int, *, color: bool | None) -> ProgressBar[Any]:
    """Return a bar on standard error that counts up to ``total``, in ``columns`` columns."""
    room = columns - len(what) - _BESIDE
    return click.progressbar(
        length=total,
        label=what,
        file=sys.stderr,
        color=color,
        width=max(min(_WIDTH, room), 1),
        show_eta=room >= _WIDTH + _ETA,
    )
