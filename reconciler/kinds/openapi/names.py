"""The name property of an item: the likeliest one of a row, or else of an object in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.errors import DescriptionError
from reconciler.kinds.openapi.addresses import placeholders_of
from reconciler.kinds.openapi.schemas import Schema
from reconciler.kinds.openapi.words import last_segment, singular, words_of
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from reconciler.kinds.openapi.operations import Operations
    from reconciler.kinds.openapi.shapes import Shape

_LIKELY: Final = (
    *("name", "title", "label", "display_name", "displayName", "hostname", "host_name", "host", "domain"),
    *("domain_name", "username", "user_name", "userName", "login", "email", "handle", "alias", "slug", "key"),
)
_TEXTS: Final = ("subject", "summary", "description", "comment", "notes", "filename", "version", "value")
NAMES: Final = (
    *_LIKELY,
    *("nickname", "realm", "fqdn", "url", "uri", "endpoint", "endpoint_url", "address", "ip_address", "ip"),
    *("cidr", "path", "pattern", "prefix", "external_id", "externalId"),
    *_TEXTS,
)
"""Properties that may be the name of an item, the likeliest first."""
_CALLED: Final = frozenset({"name"})
_NAMING: Final = frozenset({"name", "email", "address", "domain", "host", "code"})
"""Last words of other properties that may be."""
_NUMBERING: Final = frozenset({"number", "reference", "model", "arn", "orn", "urn"})
"""Last words of texts that may be where nothing else is."""
_PORT: Final = "port"
"""The whole number that may be."""
_PEOPLE: Final = frozenset({"creator", "author", "owner", "sender", "reviewer", "uploader", "requester"})
"""Objects about whoever wrote an item, who may have written others."""
_ASSOCIATIONS: Final = frozenset(
    {"member", "membership", "assignment", "relationship", "collaborator", "enrollment", "mapping", "grant"}
    | {"subscription", "setting", "status", "binding", "attachment", "connection"}
)
"""What is listed where a row is about another object, whose name it shows."""
_PROPERTY: Final = expression(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Inside:
    """Where rows show a name: a member of an object, or of the row if ``outer`` is empty.

    ``is_sent`` is true if an update or a creation accepts it there.
    """

    outer: str
    inner: str
    is_sent: bool

    @property
    def place(self) -> str:
        """Return the dotted member."""
        return f"{self.outer}.{self.inner}".lstrip(".")

    def schema(self, rows: Schema) -> Schema:
        """Return the schema of the name in rows."""
        return held(rows.member(self.outer), self.inner) if self.outer else rows.member(self.inner)

    def own_name(self, shape: Shape) -> str:
        """Return the name of the property in files: the inner name, unless another property has that."""
        is_taken = self.inner in {*shape.shown.members, *shape.update.members}
        is_other = is_taken or (self.is_sent and self.inner in shape.create.members)
        return f"{self.outer}_{self.inner}" if is_other else self.inner


def is_text(schema: Schema) -> bool:
    """Return whether any string is a valid value."""
    return schema.types == ["string"] and not {"enum", "writeOnly"} & schema.words.keys()


def likeliest_name(path: str, found: Operations, shape: Shape) -> tuple[str | None, Inside | None]:
    """Return the likeliest name of an item, and its place inside an object; None where there is none."""
    name = name_property(path, shape)
    inside = name_inside(found, shape) if name is None else None
    return (name, None) if inside is None else (inside.own_name(shape), inside)


def name_property(path: str, shape: Shape) -> str | None:
    """Return the property that users know an item by: the best name, if possible one that can be set.

    Properties that end in a word for a name and, where nothing is created, names that cannot be set are
    preferred to texts such as a description.
    """
    shown, settable = shape.shown, {*shape.create.members, *shape.update.members}
    texts = [name for name, schema in shown.properties.items() if name != path and is_text(schema)]
    noun = "_".join(words_of(path)[:-1])

    def known(names: Iterable[str], among: Collection[str]) -> list[str]:
        spelled = (word for name in names for word in (name, f"{noun}_{name}"))
        return [name for name in spelled if name in texts and name in among]

    return next(
        iter(
            (
                *known(NAMES[: -len(_TEXTS)], settable),
                *(known(_LIKELY, texts) if not shape.create.members else ()),
                *_ending(
                    [name for name in texts if name in settable and "type" not in words_of(name)], _CALLED
                ),
                *known(NAMES, settable),
                *known(NAMES, texts),
                *_ending(texts, _NAMING),
                *(name for name in shape.create.required if name in texts),
                *_ending(texts, _NUMBERING),
                *([_PORT] if _PORT in settable and shown.member(_PORT).types == ["integer"] else ()),
            )
        ),
        None,
    )


def _ending(names: list[str], words: frozenset[str]) -> list[str]:
    return [name for name in names if words.intersection(words_of(name)[-1:])]


def name_inside(found: Operations, shape: Shape) -> Inside | None:
    """Return the likeliest name inside an object of a row.

    A name that can be set there is preferred to one that a creation accepts at the top level, and that to the
    name of another object which a row of an association refers to.
    """
    sent, alone, about = [], [], []
    for outer, schema in shape.shown.properties.items():
        if schema.types != ["object"] or schema.is_cut or outer in shape.relationships:
            continue
        if not _is_of_item(outer, found):
            continue
        for inner, text in schema.properties.items():
            one = Inside(outer, inner, _is_sent(shape, outer, inner))
            if not is_text(text) or inner not in NAMES or not _PROPERTY.fullmatch(one.own_name(shape)):
                continue
            if one.is_sent:
                sent.append(one)
            elif inner in shape.create.members:
                alone.append(one)
            elif inner in _LIKELY and _listed_noun(found) in _ASSOCIATIONS:
                about.append(one)
    best = sorted(sent or alone or about, key=lambda one: NAMES.index(one.inner))
    return best[0] if best else None


def chosen_name(chosen: str, shape: Shape) -> tuple[str, Inside | None]:
    """Return the name that the user has chosen, and where it is. Raises DescriptionError if rows lack it."""
    outer, _, inner = chosen.partition(".")
    schema = shape.shown.member(outer)
    if inner and outer in shape.relationships:  # it says the id of another object
        schema = Schema(schema.description)
    schema = held(schema, inner) if inner else schema
    if len(schema.types) != 1 or not {"string", "integer"}.issuperset(schema.types):
        known = listed(candidates(shape), 20)
        raise DescriptionError(
            f"the listed objects have no string or integer {chosen} that can be a name; choose one of {known}"
        )
    inside = Inside(outer, inner, _is_sent(shape, outer, inner)) if inner else None
    return (chosen, None) if inside is None else (inside.own_name(shape), inside)


def held(schema: Schema, name: str) -> Schema:
    """Return the schema of a member of an object; in a map without a schema of its values, a string."""
    if name in schema.members or not schema.is_map or schema.types != ["object"] or "." in name:
        return schema.member(name)
    return schema.values or Schema(schema.description, {"type": "string"})


def candidates(shape: Shape) -> Iterator[str]:
    """Yield the strings and integers of rows, also those inside an object."""
    for outer, schema in shape.shown.properties.items():
        if schema.types in (["string"], ["integer"]):
            yield outer
        is_named = schema.types == ["object"] and not schema.is_cut and outer not in shape.relationships
        members = schema.properties if is_named else {}
        yield from (f"{outer}.{name}" for name, inner in members.items() if inner.types == ["string"])


def _is_of_item(outer: str, found: Operations) -> bool:
    """Return whether an object may name the item: not its author, a link, or the parent of the collection."""
    words = words_of(outer)
    around = {singular(words_of(name)[0]) for name in placeholders_of(found.listing.path) if words_of(name)}
    return bool(words) and not outer.startswith("_") and words[-1] not in _PEOPLE | {"by"} | around


def _is_sent(shape: Shape, outer: str, inner: str) -> bool:
    bodies = (shape.create.member(outer), shape.update.member(outer))
    known = [body for body in bodies if body.takes(inner) and not body.words.get("readOnly")]
    return any(not body.member(inner).words.get("readOnly") for body in known)


def _listed_noun(found: Operations) -> str:
    return singular((words_of(last_segment(found.listing.path)) or [""])[-1])
