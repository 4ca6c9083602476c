"""What happened to the keys of one run, in the order in which it took effect."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from chaos_runs.data import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chaos_runs.data import Fields, Key


class Who(StrEnum):
    """Who wrote, and when another writer did."""

    ENGINE = "the run"
    WHILE_ASKING = "while the plan waited for its response"
    BEFORE_CHECK = "after approval, before the staleness check"
    AFTER_CHECK = "between the check and the first write"
    DURING_APPLY = "during the apply"

    @property
    def in_time(self) -> bool:
        """Whether the staleness check must see it."""
        return self in {Who.WHILE_ASKING, Who.BEFORE_CHECK}


@dataclass(frozen=True, slots=True)
class Write:
    """Some fields of one key got new values; ``after`` is the number of the latest request then."""

    after: int
    address: str
    who: Who
    fields: Fields


@dataclass(frozen=True, slots=True)
class Story:
    """What became of one key: its values at the end, and whose writes the run replaced by others."""

    values: Fields
    authors: Mapping[str, Who]
    overwritten: tuple[tuple[str, Who], ...]


def stories_of(keys: Iterable[Key], writes: Sequence[Write]) -> dict[str, Story]:
    """Replay all writes; those with one number stay in their order, as the first of them made it."""
    values: dict[str, dict[str, Any]] = {key.address: dict(key.old) for key in keys}
    authors: dict[str, dict[str, Who]] = {address: {} for address in values}
    overwritten: dict[str, list[tuple[str, Who]]] = {address: [] for address in values}
    for write in sorted(writes, key=attrgetter("after")):
        known = authors[write.address]
        for name, value in write.fields.items():
            earlier = known.get(name, Who.ENGINE)
            is_lost = values[write.address][name] != value
            if write.who is Who.ENGINE and earlier is not Who.ENGINE and is_lost:
                overwritten[write.address].append((name, earlier))
            known[name] = write.who
        values[write.address] |= write.fields
    return {
        address: Story(shown(fields), authors[address], tuple(overwritten[address]))
        for address, fields in values.items()
    }


def described(fields: Mapping[str, object]) -> str:
    """Write fields on one line."""
    return json.dumps(fields, sort_keys=True, default=str)
