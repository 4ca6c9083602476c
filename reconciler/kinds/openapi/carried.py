"""The fields that updates of a drafted kind carry besides those that differ, because bodies require them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.kinds.rest import BodyRule
from reconciler.model.phrases import listed
from reconciler.model.request import Encoding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.kinds.openapi.notes import Notes
    from reconciler.kinds.openapi.properties import Properties
    from reconciler.kinds.openapi.schemas import Schema
    from reconciler.kinds.openapi.shapes import Shape


def carried_of(shape: Shape, update: Mapping[str, Any], made: Properties, notes: Notes) -> dict[str, Any]:
    """Return the fields that each update carries, and those that some values or absent fields require."""
    if update.get("body") == BodyRule.WHOLE or update.get("encoding") == Encoding.JSON_PATCH:
        return {"always_sent": []}
    always = _always(shape, update, made)
    every = shape.update.alternatives
    own = [sorted({*one.required} - {*shape.update.required}) for one in every]
    if update.get("body") or not any(own):
        return {"always_sent": always}
    told_by = next((name for name in made.settable if _tells(name, every)), None)
    if told_by is not None:
        teller = made.file_name(told_by)
        always += [teller] if all(own) and teller not in always else []  # else one shape asks for nothing
        own = [[name for name in names if name != told_by] for names in own]
        found = _sent_with(every, own, told_by, made, notes)
        return {"always_sent": always, **({"sent_with": found} if found else {})}
    if group := _one_of(own, made):
        return {"always_sent": always, "sent_one_of": [group]}
    shapes = listed(dict.fromkeys(" and ".join(names) or "none of these" for names in own), 12)
    notes.add(
        f"update: the service may require {shapes}, and when is not described; set always_sent, sent_with or"
        " sent_one_of"
    )
    return {"always_sent": always}


def _always(shape: Shape, update: Mapping[str, Any], made: Properties) -> list[str]:
    """Return the fields that every update must carry: all accepted ones for a PUT of a partial object."""
    sent = shape.update.members if update.get("method") == "PUT" else shape.update.required
    known = {made.identity, *made.settable} & shape.taken
    return [made.file_name(name) for name in sent if name in known]


def _sent_with(
    every: Sequence[Schema], own: Sequence[Sequence[str]], told_by: str, made: Properties, notes: Notes
) -> dict[str, Any]:
    """Return the fields that some alternatives of a body require, by the values of a discriminating field."""
    found: dict[str, Any] = {}
    for one, names in zip(every, own, strict=True):
        values = one.member(told_by).words["enum"]
        for name in names:
            if name in made.settable:
                known = found.setdefault(made.file_name(name), {}).setdefault(made.file_name(told_by), [])
                known += [value for value in values if value not in known]
            elif name not in {made.identity, made.path}:
                notes.add(
                    "update: the updates of this draft do not send fields that the service requires: {}",
                    f"{name} with {told_by}",
                )
    return found


def _one_of(own: Sequence[Sequence[str]], made: Properties) -> list[str]:
    """Return the fields of which an update must carry one, if each alternative of its body requires one."""
    names = [name for required in own for name in required]
    is_choice = all(len(required) == 1 for required in own)
    return [made.file_name(name) for name in names if name in made.settable] if is_choice else []


def _tells(name: str, every: Iterable[Schema]) -> bool:
    """Return whether the value of a member identifies the alternative of an object."""
    values = [one.member(name).words.get("enum") for one in every]
    known = [value for some in values if isinstance(some, list) for value in some]
    return all(isinstance(some, list) for some in values) and len(known) == len({*map(repr, known)})
