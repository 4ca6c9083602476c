"""Later expiries, written into the files of the keys that have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.kinds.rotation import ends_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.adopt.located import DeclaredFile, Located
    from reconciler.plan.renewal import Renewal


def write_renewals(located: Iterable[Located], renewals: Sequence[Renewal]) -> None:
    """Make the edits of renewals; ``located`` are all keys of the files that hold them.

    A default is changed only if it is meant for each key that has it; otherwise keys get a field of their
    own.
    """
    wanted = {one.address: one for one in renewals if one.value is not None}
    shared: dict[tuple[DeclaredFile, int, str], list[tuple[Located, str | None]]] = {}
    for one in located:
        found = wanted.get(one.address)
        field = ends_of(one.kind).expiry
        if field is None or one.key.is_absent:
            continue
        value = None if found is None else found.value
        if one.key.inherited_from(field) is not None:
            shared.setdefault((one.file, one.place[0], field), []).append((one, value))
        elif value is not None:
            one.set(field, value)
    for (file, document, field), keys in shared.items():
        if len(values := {value for _, value in keys}) == 1 and (value := values.pop()) is not None:
            file.edits.set_default(document, field, value)
            continue
        for one, value in keys:
            if value is not None:
                one.set(field, value)
