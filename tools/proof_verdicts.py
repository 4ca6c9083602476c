"""What proving collections gives, as tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DRAFT: Final = "draft: "
"""What the fault of a collection that is not drafted begins with."""
_HEAD: Final = (
    *("vendor", "collections", "drafted", "pass", "with PATCH", "pass"),
    *("the updates take", "fields drafted", "pass", "of one value"),
)


@dataclass(slots=True)
class Verdict:
    """What became of one collection: ``fault`` is why it failed as a whole, ``fields`` why each field did."""

    collection: str
    fault: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    single: list[str] = field(default_factory=list)
    taken: int = 0
    is_patched: bool = False

    @property
    def passes(self) -> bool:
        """Return whether everything was as it should be."""
        return not self.fault and not any(self.fields.values())


def _row(every: Sequence[Verdict]) -> list[int]:
    patched = [one for one in every if one.is_patched]
    fields = [reason for one in every for reason in one.fields.values()]
    return [
        len(every),
        sum(not one.fault.startswith(DRAFT) for one in every),
        sum(one.passes for one in every),
        len(patched),
        sum(one.passes for one in patched),
        sum(one.taken for one in every),
        len(fields),
        fields.count(""),
        sum(len(one.single) for one in every),
    ]


def tables(found: Mapping[str, Sequence[Verdict]]) -> Iterator[str]:
    """Yield the lines of the tables, in Markdown."""
    yield f"| {' | '.join(_HEAD)} |"
    yield f"|---|{'--:|' * (len(_HEAD) - 1)}"
    together = [one for part in found.values() for one in part]
    for vendor, every in [*found.items(), ("**all**", together)]:
        yield f"| {vendor} | {' | '.join(map(str, _row(every)))} |"
    yield "\nWhy collections fail:\n"
    yield from (f"- {one.collection}: {one.fault}" for one in together if one.fault)
    yield "\nWhy fields fail:\n"
    for one in together:
        yield from (f"- {one.collection} {name}: {why}" for name, why in one.fields.items() if why)
