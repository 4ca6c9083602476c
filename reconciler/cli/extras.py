"""How to get what an optional part needs: by no name that somebody else could register."""

from __future__ import annotations

from typing import Final

_PINNED: Final = {"emulator": "demo", "metrics": "runtime", "report": "runtime"}


def how_to_install(extra: str) -> str:
    """Return the advice for an extra: its packages are pinned by their hashes in a checkout."""
    return (
        f"in a checkout of reconciler, run pip install --require-hashes -r requirements/{_PINNED[extra]}.txt"
    )
