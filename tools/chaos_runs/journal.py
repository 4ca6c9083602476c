"""The journal read by another reader than the engine, and what the engine says of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NEEDED: Final = frozenset({"at", "run", "address", "path", "patch", "before", "fingerprint", "who"})
_LINE: Final = re.compile(r"(?P<address>caas/\d+/\d+/[-a-z0-9]+): (?P<resolution>[a-z ]+?)(?: \(.*)?")


@dataclass(frozen=True, slots=True)
class Entries:
    """The lines of a journal: the complete ones, and the numbers, from 1, of the others."""

    whole: tuple[Mapping[str, Any], ...]
    broken: tuple[int, ...]
    lines: int

    @property
    def doubts(self) -> dict[str, Mapping[str, Any]]:
        """The writes without a later line about their outcome, by address."""
        found: dict[str, Mapping[str, Any]] = {}
        for entry in self.whole:
            if entry["event"] == "write":
                found[entry["address"]] = entry
            elif entry["outcome"] != "not verified":
                found.pop(entry["address"], None)
        return found

    @property
    def outcomes(self) -> dict[str, str]:
        """The latest result that is reported of each key."""
        return {entry["address"]: entry["outcome"] for entry in self.whole if entry["event"] == "outcome"}


def entries(file: Path) -> Entries:
    """Read a journal; one that was never begun is empty."""
    lines = file.read_bytes().split(b"\n") if file.exists() else [b""]
    whole, broken = [], []
    for number, line in enumerate(lines, 1):
        entry = _entry(line)
        if entry is not None:
            whole.append(entry)
        elif line:
            broken.append(number)
    # After the last line break there is nothing, or half a line.
    return Entries(tuple(whole), tuple(broken), len(lines))


def _entry(line: bytes) -> Mapping[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    match entry:
        case {"event": "write"} if entry.keys() >= _NEEDED:
            return dict(entry)
        case {"event": "outcome", "at": str(), "run": str(), "address": str(), "outcome": str()}:
            return dict(entry)
    return None


def resolutions(text: str) -> dict[str, str]:
    """Read what ``reconciler journal`` printed of each key in doubt."""
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    return {match["address"]: match["resolution"] for match in found if match}
