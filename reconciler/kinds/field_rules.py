"""The rules for what a kind file says about single fields: their names, shapes, and requests. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from reconciler.kinds.kind import EXTENSION, Kind
from reconciler.kinds.rest import BodyRule
from reconciler.kinds.shape import is_map, type_names
from reconciler.kinds.wire import PAIRS, name_steps
from reconciler.model.frozen import dataclass
from reconciler.model.request import Encoding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in a kind file: the path of the value, what is wrong, and the fix."""

    path: Path
    message: str


def field_faults(kind: Kind) -> Iterator[Fault]:
    """Yield the faults in the members of a kind file about fields."""
    of_updates = () if kind.update.method is None else (_sent_with, _sent_one_of, _merge)
    for rule in (_names, _shown, _read_from, *of_updates):
        yield from rule(kind)


def is_whole(kind: Kind) -> bool:
    """Return whether bodies hold all fields, and the method is not wrong for that."""
    update = kind.update
    is_said = "body" in kind.schema[EXTENSION].get("update", {})
    return update.body is BodyRule.WHOLE and (is_said or not update.encoding.is_patch)


def _names(kind: Kind) -> Iterator[Fault]:
    place: Path = (EXTENSION, "as")
    there = Counter(kind.renamed.values())
    for name, other in kind.renamed.items():
        if name not in kind.schema["properties"]:
            yield Fault((*place, name), f"{name} is not a property; write the name of a property here")
        elif name == other:
            yield Fault((*place, name), "has the same name in files as in the API; remove it")
        elif there[other] > 1 or (other in kind.fields and other not in kind.renamed):
            yield Fault((*place, name), f"two properties are mapped to {other}; keep one of them")


def _settable(kind: Kind, member: str, names: Iterable[str]) -> Iterator[Fault | str]:
    for name in names:
        field = kind.fields.get(name)
        if field is None:
            yield Fault((EXTENSION, member), f"{name} is not a property; describe it, or remove it here")
        elif field.read_only or name == kind.identity:
            yield Fault((EXTENSION, member), f"{name} cannot be set by an update; remove it here")
        else:
            yield name


def _sent_with(kind: Kind) -> Iterator[Fault]:
    """Check that fields and their conditions can be set, and that the conditions can be met."""
    place: Path = (EXTENSION, "sent_with")
    if kind.sent_with and (kind.update.encoding is Encoding.JSON_PATCH or is_whole(kind)):
        yield Fault(place, "has no effect with a JSON Patch or a whole body; remove it")
    yield from (one for one in _settable(kind, "sent_with", kind.sent_with) if isinstance(one, Fault))
    for name, conditions in kind.sent_with.items():
        for found in _settable(kind, "sent_with", conditions):
            if isinstance(found, Fault):
                yield found
            elif any(type(value) not in kind.fields[found].types for value in conditions[found]):
                yield Fault((*place, name, found), "has a value that is invalid for the field; remove it")


def _sent_one_of(kind: Kind) -> Iterator[Fault]:
    """Check that each group consists of fields that can be set, and that it is not redundant."""
    place: Path = (EXTENSION, "sent_one_of")
    if kind.sent_one_of and (kind.update.encoding is Encoding.JSON_PATCH or is_whole(kind)):
        yield Fault(place, "has no effect with a JSON Patch or a whole body; remove it")
    for number, group in enumerate(kind.sent_one_of):
        for found in _settable(kind, "sent_one_of", group):
            if isinstance(found, Fault):
                yield found
            elif found in kind.always_sent:
                yield Fault(
                    (*place, number), f"{found} is in always_sent, so it is always sent; remove this group"
                )


def _shown(kind: Kind) -> Iterator[Fault]:
    for found in _settable(kind, "shown", kind.shown):
        if isinstance(found, Fault):
            yield found
        elif kind.shown[found].shape == PAIRS and not is_map(kind.schema["properties"][found]):
            message = f'are for maps; give {found} "type": "object" and a schema as additionalProperties'
            yield Fault((EXTENSION, "shown", found), f"{PAIRS} {message}")


def _read_from(kind: Kind) -> Iterator[Fault]:
    own = [name for name in kind.read_from if name in {kind.identity, kind.path_field}]
    others = [name for name in kind.read_from if name not in own]
    for found in (*own, *_settable(kind, "read_from", others)):
        if isinstance(found, Fault):
            yield found
        elif kind.read_from[found] == kind.renamed.get(found, found):
            message = f"{found} is read from the member of the same name by default; remove it here"
            yield Fault((EXTENSION, "read_from", found), message)
    if kind.identity in kind.read_from:
        yield from _name_inside(kind)


def _name_inside(kind: Kind) -> Iterator[Fault]:
    """Check that a name which is sent inside a property can be declared in one place only."""
    place: Path = (EXTENSION, "read_from", kind.identity)
    where, (outer, *inner) = kind.read_from[kind.identity], name_steps(kind) or ("",)
    if not inner:
        other = kind.fields.get(where)
        if other is not None and not other.read_only and where not in kind.renamed:
            yield Fault(place, f"{where} is a property that files declare; set it as the identity")
        return
    keywords: Mapping[str, Any] = kind.schema["properties"][outer]
    known = outer
    for step in inner:
        described = keywords.get("properties", {}).get(step)
        if keywords.get("type") != "object" or isinstance(keywords.get("additionalProperties"), dict):
            message = f"{known} contains the name, so it must be an object without additional members"
            yield Fault(place, f'{message}; give it "type": "object" and properties')
            return
        if described is None:
            yield Fault(place, f'{known} does not describe {step}; describe it there, with "readOnly": true')
            return
        keywords, known = described, f"{known}.{step}"
    if not keywords.get("readOnly"):
        message = f'{known} would be declared twice; add "readOnly": true to it, so that only {kind.identity}'
        yield Fault(place, f"{message} declares it")
    if kind.identity in kind.always_sent and outer not in kind.always_sent:
        yield Fault((EXTENSION, "always_sent"), f"{kind.identity} is sent inside {outer}; name {outer} here")
    if outer in kind.create_later:
        message = f"{outer} contains the name, which every creation must send; remove it from later"
        yield Fault((EXTENSION, "create"), message)


def _merge(kind: Kind) -> Iterator[Fault]:
    place: Path = (EXTENSION, "merge")
    is_json_patch = kind.update.encoding is Encoding.JSON_PATCH
    if kind.merged and (is_json_patch or is_whole(kind)):
        what = "a JSON Patch replaces the field" if is_json_patch else "the body is whole"
        yield Fault(place, f"has an effect only where updates send changed members, but {what}; remove it")
    for found in _settable(kind, "merge", sorted(kind.merged)):
        if isinstance(found, Fault):
            yield found
            continue
        keywords = kind.schema["properties"][found]
        values = keywords.get("additionalProperties")
        if not is_map(keywords):
            message = f'{found} is not a map; give it "type": "object" and a schema as additionalProperties'
            yield Fault(place, message)
        elif isinstance(values, dict) and "null" in type_names(values):
            message = (
                f"{found} allows null as a value, which would remove a member; exclude null from its type"
            )
            yield Fault(place, message)
        elif found in kind.immutable:
            yield Fault(place, f"{found} is immutable, so no update sends it; remove it here")
