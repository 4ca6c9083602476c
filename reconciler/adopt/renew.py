"""Later expiries, written into the files of the keys that have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.adopt.located import Located
    from reconciler.plan.renewal import Renewal


def write_renewals(located: Iterable[Located], renewals: Sequence[Renewal]) -> None:
    """Make the edits of renewals; ``located`` are all keys of the files that hold them.

    A default is changed only if it is meant for each key that has it; otherwise keys get a field of their
    own.
    """
    every = list(located)
    wanted = {one.address: one for one in renewals if one.value is not None}
    done: set[str] = set()
    for one in every:
        found = wanted.get(one.address)
        if found is None or one.address in done:
            continue
        sharing = _sharing(every, one, found.field)
        if sharing and all(_value(wanted, each) == found.value for each in sharing):
            one.file.edits.set_default(one.place[0], found.field, found.value)
            done |= {each.address for each in sharing}
        else:
            one.set(found.field, found.value)


def _sharing(every: Iterable[Located], one: Located, field: str) -> list[Located]:
    """Return the keys that have a field from the same default as one key; none if that has its own."""
    if one.key.inherited_from(field) is None:
        return []
    return [
        each
        for each in every
        if (each.file, each.place[0]) == (one.file, one.place[0])
        and each.key.inherited_from(field) is not None
        and not each.key.is_absent
    ]


def _value(wanted: dict[str, Renewal], one: Located) -> str | None:
    found = wanted.get(one.address)
    return None if found is None else found.value
