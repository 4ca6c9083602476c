"""What proving collections needs besides the proof, and its results as tables."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from proof_gaps import NAME, UNSEEN

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence

DRAFT: Final = "draft: "
"""What the fault of a collection that is not drafted begins with."""
_HEAD: Final = (
    *("vendor", "collections", "drafted", "pass", "with PATCH", "pass"),
    *("the updates take", "names", "never shown", "fields drafted", "pass", "of one value", "of the rest"),
)


@dataclass(slots=True)
class Verdict:
    """What became of one collection: ``fault`` is why it failed as a whole, ``fields`` why each field did.

    ``gaps`` are what its update takes besides, each with the reason why nothing is proved of it.
    """

    collection: str
    fault: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    single: list[str] = field(default_factory=list)
    gaps: dict[str, str] = field(default_factory=dict)
    taken: int = 0
    is_patched: bool = False

    @property
    def passes(self) -> bool:
        """Return whether everything was as it should be."""
        return not self.fault and not any(self.fields.values())


def _row(every: Sequence[Verdict]) -> list[int | str]:
    """Return the numbers of a row; the last is the share of what can be proved that is."""
    patched = [one for one in every if one.is_patched]
    fields = [reason for one in every for reason in one.fields.values()]
    reasons = [reason for one in every for reason in one.gaps.values()]
    single, taken = sum(len(one.single) for one in every), sum(one.taken for one in every)
    rest = taken - reasons.count(NAME) - reasons.count(UNSEEN) - single
    return [
        len(every),
        sum(not one.fault.startswith(DRAFT) for one in every),
        sum(one.passes for one in every),
        len(patched),
        sum(one.passes for one in patched),
        taken,
        reasons.count(NAME),
        reasons.count(UNSEEN),
        len(fields),
        fields.count(""),
        single,
        f"{100 * fields.count('') / rest:.0f} %" if rest > 0 else "",
    ]


def tables(found: Mapping[str, Sequence[Verdict]]) -> Iterator[str]:
    """Yield the lines of the tables, in Markdown."""
    yield f"| {' | '.join(_HEAD)} |"
    yield f"|---|{'--:|' * (len(_HEAD) - 1)}"
    together = [one for part in found.values() for one in part]
    for vendor, every in [*found.items(), ("**all**", together)]:
        yield f"| {vendor} | {' | '.join(map(str, _row(every)))} |"
    yield "\nWhat updates take and nothing is proved of:\n"
    yield "| reason | fields | which |"
    yield "|---|--:|---|"
    named = [(why, f"{one.collection} {name}") for one in together for name, why in one.gaps.items()]
    for reason in sorted({why for why, _ in named}):
        which = [name for why, name in named if why == reason]
        yield f"| {reason} | {len(which)} | {', '.join(which)} |"
    yield "\nWhy collections fail:\n"
    yield from (f"- {one.collection}: {one.fault}" for one in together if one.fault)
    yield "\nWhy fields fail:\n"
    for one in together:
        yield from (f"- {one.collection} {name}: {why}" for name, why in one.fields.items() if why)


class FaultError(Exception):
    """Something is not as it should be."""


class StoppedClock:
    """A clock on which waiting takes no time."""

    def __init__(self) -> None:
        """Start in 2029, before all times that are made up."""
        self._time = dt.datetime(2029, 1, 1, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        """Return the time."""
        return self._time

    def monotonic(self) -> float:
        """Return seconds."""
        return self._time.timestamp()

    def sleep(self, seconds: float, wake: threading.Event) -> None:  # noqa: ARG002 - the protocol has it
        """Advance the time."""
        self._time += dt.timedelta(seconds=seconds)


def declarable(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value without the members that a draft does not have, which nobody can declare."""
    if isinstance(value, list):
        return [declarable(item, schema.get("items", {})) for item in value]
    members = schema.get("properties")
    if not isinstance(value, dict) or not members:
        return value
    return {
        name: declarable(part, members.get(name, {}))
        for name, part in value.items()
        if not members.get(name, {"readOnly": schema.get("additionalProperties") is False}).get("readOnly")
    }
