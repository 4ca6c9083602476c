"""Clearing up what a run that was killed left in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.errors import NotFoundError, ReconcilerError
from reconciler.plan import unstored_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.client import Reader
    from reconciler.journal import Doubt
    from reconciler.kinds import Kind


class Fate(StrEnum):
    """What a write in doubt turns out to be."""

    TOOK_EFFECT = "took effect"
    DID_NOT = "did not take effect"
    OVERTAKEN = "holds something else"
    GONE = "the key is gone"
    UNKNOWN = "cannot be told"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the server says of one write in doubt, with the fields that differ."""

    doubt: Doubt
    fate: Fate
    detail: str = ""


def clear_up(reader: Reader, kinds: Mapping[str, Kind], doubts: Iterable[Doubt]) -> tuple[Finding, ...]:
    """Read each key in doubt and tell whether its write took effect."""
    return tuple(_clear_up(reader, kinds, doubt) for doubt in doubts)


def _clear_up(reader: Reader, kinds: Mapping[str, Kind], doubt: Doubt) -> Finding:
    kind = kinds.get(doubt.address.partition("/")[0])
    if kind is None:
        return Finding(doubt, Fate.UNKNOWN, "no such kind")
    try:
        live = reader.get(doubt.path, {})
        if not isinstance(live, dict):
            return Finding(doubt, Fate.UNKNOWN, "the answer is not an object")
        unstored = unstored_fields(kind, doubt.address, doubt.patch, live)
        moved = unstored_fields(kind, doubt.address, doubt.before, live)
    except NotFoundError:
        return Finding(doubt, Fate.GONE)
    except (ReconcilerError, RecursionError) as error:
        return Finding(doubt, Fate.UNKNOWN, str(error))
    if not unstored:
        return Finding(doubt, Fate.TOOK_EFFECT)
    return Finding(doubt, Fate.OVERTAKEN if moved else Fate.DID_NOT, ", ".join(d.field for d in unstored))
