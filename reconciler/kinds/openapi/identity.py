"""The name of an item, and the value in its path, chosen by the meaning of the last path parameter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.errors import DescriptionError
from reconciler.kinds.openapi.addresses import placeholders_of
from reconciler.kinds.openapi.names import Inside, chosen_name, is_text, likeliest_name, name_property
from reconciler.kinds.openapi.notes import NO_NAME
from reconciler.kinds.openapi.words import last_segment, singular, words_of
from reconciler.kinds.wire import JSON_API_ID
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.kinds.openapi.notes import Notes
    from reconciler.kinds.openapi.operations import Operations, Parameter
    from reconciler.kinds.openapi.schemas import Schema
    from reconciler.kinds.openapi.shapes import Shape

_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "uuid", "uid", "guid", "gid"),
    "ids": ("id",),
    "identifier": ("id", "identifier", "uuid", "uid"),
    "uuid": ("uuid", "id", "uid"),
    "uid": ("uid", "id", "uuid"),
    "guid": ("guid", "id"),
    "name": ("name", "login", "username"),
    "slug": ("slug", "name"),
    "key": ("key", "id", "name"),
    "number": ("number", "id"),
    "login": ("login", "username"),
    "username": ("username", "login", "name"),
    "user": ("username", "login", "id"),
    "email": ("email",),
    "alias": ("alias",),
    "tag": ("tag", "name"),
    "code": ("code", "id"),
    "address": ("address",),
    "fingerprint": ("fingerprint",),
    "token": ("token", "id"),
    "domain": ("domain", "name"),
    "hostname": ("hostname", "name"),
    "index": ("index", "number", "id"),
    "filepath": ("path",),
    "path": ("path",),
}
"""Properties that a path parameter may mean whose last word is this, the likeliest first."""
_BY_TEXT: Final = (
    ("slug", expression(r"\bslug\b", re.IGNORECASE)),
    ("number", expression(r"\bnumber that identifies\b", re.IGNORECASE)),
    ("id", expression(r"\b(?:id|ids|uuid|guid|identifier|identification)\b", re.IGNORECASE)),
    ("name", expression(r"\bname\b", re.IGNORECASE)),
)
"""What the description of a parameter says that it means."""
_BY_PEOPLE: Final = frozenset(
    {"name", "login", "username", "email", "alias", "domain", "hostname", "address", "tag"}
)
"""Properties that people choose."""
_OF_PEOPLE: Final = ("login", "username", "slug", "name")
"""Names of another object that a path may take, the likeliest first."""
_IS_LISTED: Final = expression(r"\b(?:options|values) are\b|\bone of\b", re.IGNORECASE)
"""A description of a parameter that lists its values."""
_IDS: Final = frozenset({"id", "uuid", "uid", "guid", "gid", "identifier", "number"})
"""Properties that a service makes, also where the body of a creation is described as the whole item."""
_NAMES: Final = frozenset({"name", "key", "code", "slug", "type"})
"""Last words of a parameter that a property may lack: ``{feature_name}`` may be the ``feature``."""
_PLAIN: Final = frozenset({"string", "integer", "number"})
_SERVICE_FORMATS: Final = frozenset({"uuid", "ulid"})


@dataclass(frozen=True, slots=True)
class Identity:
    """The property that files use as the name, and the one in the path.

    Rows may hold the name ``inside`` an object.
    """

    name: str
    path: str
    inside: Inside | None = None

    @property
    def has_id(self) -> bool:
        """Return whether the path contains an id that files never hold."""
        return self.name != self.path

    @property
    def member(self) -> str:
        """Return the dotted member of rows whose value the path contains."""
        return self.path if self.inside is None or self.has_id else self.inside.place


def identity_of(found: Operations, shape: Shape, notes: Notes, chosen: str | None = None) -> Identity:
    """Return the identity of an item: ``chosen``, a member of rows, if that is given.

    Raises DescriptionError if no property is suitable.
    """
    given = _given(found, shape, notes) if chosen is None else None
    if given is not None:
        return given
    path = _required_path(found, shape)
    written: str | None = path
    inside: Inside | None = None
    if chosen is not None:
        written, inside = chosen_name(chosen, shape)
    elif not _is_chosen(path, shape) and not _is_named(path, found):
        written, inside = likeliest_name(path, found, shape)
    if written is None and found.named is not None and _IS_LISTED.search(found.named.text):
        notes.add(f"identity: files identify a key by {path}, one of the values allowed for {{{found.last}}}")
        written = path
    if written is None:
        notes.add(
            f"{NO_NAME}, only {path}, which the service generates; files have to contain it, unless"
            " --identity sets another member of the listed objects"
        )
    name = written or path
    _check_scope(name, path, found)
    if inside is not None:
        notes.add(f"identity: the listing returns {name} as {inside.place}; check that it is unique")
    if name != path:
        notes.add(
            f"identity: files identify a key by {name}, and request paths contain its {path} as"
            f" {{{found.last}}}"
        )
    elif words_of(found.last) != words_of(path):
        notes.add(f"identity: the draft assumes that {{{found.last}}} is the property {path}: check it")
    return Identity(name, path, inside)


def _required_path(found: Operations, shape: Shape) -> str:
    """Return the property of a row that is in the path of an item.

    Raises DescriptionError if there is none.
    """
    path = _path_property(found, shape)
    if path is None:
        plain = [name for name, schema in shape.shown.properties.items() if _is_plain(schema)]
        raise DescriptionError(
            f"the response to {found.listing} has no property for the path parameter {{{found.last}}};"
            f" its items have {listed(plain or shape.shown.members, 12)}"
        )
    if shape.api_type is None or path == JSON_API_ID:
        return path
    if words_of(path)[-1] in _IDS:
        return JSON_API_ID
    if shape.sends_id or not (_is_chosen(path, shape) or _is_named(path, found)):
        raise DescriptionError(
            f"the path of an item contains its {path}, but in JSON:API it must contain the id"
        )
    return path


def _given(found: Operations, shape: Shape, notes: Notes) -> Identity | None:
    """Return the identity where users choose the value in the path, and rows show it under another name.

    Either a creation requires it under the name of the parameter, and rows have it as their id, which is that
    of another object. Or it is the name of an object in a row: ``{org}`` may be its ``organization.login``.
    """
    last, words = found.last, words_of(found.last)
    if shape.api_type is not None or found.lacking:
        return None
    is_other = last in shape.create.required and last not in shape.shown.members
    if is_other and words[-1] in _IDS and words[-1] in shape.shown.members:
        notes.add(f"identity: a creation sends {last}, and the listing returns {words[-1]}; are they equal?")
        return Identity(last, last, Inside("", words[-1], is_sent=False))
    if _path_property(found, shape) is not None:
        return None
    for outer, schema in shape.shown.properties.items():
        names = [name for name in _OF_PEOPLE if is_text(schema.member(name))]
        if schema.types == ["object"] and outer.startswith(last) and names:
            inside = Inside(outer, names[0], is_sent=False)
            notes.add(f"identity: the draft assumes that {{{last}}} is {inside.place}: check it")
            return Identity(inside.own_name(shape), inside.own_name(shape), inside)
    return None


def _check_scope(name: str, path: str, found: Operations) -> None:
    """Check that the path of an item contains its scope if the name is unique only in its scope."""
    if name == path and found.lacking:
        around = " and ".join(f"{{{parameter}}}" for parameter in found.lacking)
        raise DescriptionError(
            f"the path of one item does not contain {around}, so the same {path} would be a key in several of"
            " these; choose another member of the listed objects with --identity"
        )


def _path_property(found: Operations, shape: Shape) -> str | None:
    """Return the property of a row that is in the path of an item."""
    shown, last = shape.shown, words_of(found.last)
    by_words: dict[tuple[str, ...], str] = {}
    for name, schema in shown.properties.items():
        if _is_plain(schema):
            by_words.setdefault(tuple(words_of(name)), name)
    for start in (0, *range(1, len(last) - 1)):
        if tuple(last[start:]) in by_words:
            return by_words[tuple(last[start:])]
    nouns = [*_nouns_of(found), *[last[:count] for count in range(1, len(last))]]
    alone = [tuple(last[:-1])] if last[-1] in _NAMES else []  # as in feature_name
    ends = [end for word in _meant(last, found) for end in _WORDS.get(word, (word,))]
    spelled: list[tuple[str, ...]] = [
        *(words for end in ends for words in ((end,), *((*noun, end) for noun in nouns))),
        *alone,
    ]
    for among in (_fitting(shown, found.named), set(shown.members)):
        for words in spelled:
            if by_words.get(words) in among:
                return by_words[words]
    if not is_plain_word(last, found) or "or" in last:
        return None
    around = {tuple(words_of(name)) for name in placeholders_of(found.listing.path)}
    others = ((words, name) for words, name in by_words.items() if words and words not in around)
    return next((name for words, name in others if words[-1] in _WORDS[last[-1]]), None)


def is_plain_word(last: list[str], found: Operations) -> bool:
    """Return whether a parameter's name is not just the listed type, as ``{domain}``."""
    return last[-1:] != ["user"] and last[-1:] != [] and last[-1] in _WORDS and last not in _nouns_of(found)


def _meant(last: list[str], found: Operations) -> Iterable[str]:
    """Yield the words that a parameter may mean: its own, those of its description, and the usual ones."""
    parameter = found.named
    if "slug" in last:  # as in organization_id_or_slug
        yield "slug"
    if "or" in last:
        yield from ("id", "name")
    elif is_plain_word(last, found):
        yield last[-1]
        return
    if last and last[-1].endswith("id") and len(last[-1]) > len("id"):
        yield "id"
    text = "" if parameter is None else parameter.text
    yield from (word for word, pattern in _BY_TEXT if pattern.search(text))
    if last not in _nouns_of(found):
        yield from last[-1:]
    yield from ("id", *last[-1:], "name", "uuid", "key", "slug")


def _nouns_of(found: Operations) -> list[list[str]]:
    """Return the words of the listed type, which a property may repeat: ``ruleset_id`` of ``/rulesets``."""
    words = words_of(last_segment(found.listing.path))
    if not words:
        return []
    return [[*words[:-1], singular(words[-1])], [singular(words[-1])]]


def _is_plain(schema: Schema) -> bool:
    return _PLAIN.issuperset(schema.types) and not schema.words.get("writeOnly")


def _fitting(shown: Schema, parameter: Parameter | None) -> set[str]:
    """Return the properties that have the type of the parameter, all of them if it has no type."""
    is_number = parameter is not None and parameter.schema.types == ["integer"]
    return {name for name, schema in shown.properties.items() if not is_number or schema.types != ["string"]}


def _is_named(path: str, found: Operations) -> bool:
    """Return whether the parameter is called a name, as in ``{feature_name}``."""
    last = words_of(found.last)
    return last[:-1] == words_of(path) and last[-1] in _BY_PEOPLE


def _is_chosen(path: str, shape: Shape) -> bool:
    """Return whether users choose the property that is in the path."""
    last = words_of(path)[-1]
    is_taken = path in shape.create.members and not shape.create.member(path).words.get("readOnly")
    if is_taken and last not in _IDS:
        return True
    if is_taken and path in shape.create.required and name_property(path, shape) not in shape.create.members:
        return True
    if "enum" in shape.shown.member(path).words:
        return True
    is_made = shape.shown.member(path).words.get("format") in _SERVICE_FORMATS
    return last in _BY_PEOPLE and not is_made
