"""The paths of a drafted kind, and the parameters of its scope, with names that are valid in files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import DescriptionError
from reconciler.kinds.openapi.addresses import placeholders_of
from reconciler.kinds.openapi.fields import FieldDrafter
from reconciler.kinds.paths import SEGMENT_PATTERN, item_template, path_fault
from reconciler.kinds.patterns import Pattern
from reconciler.kinds.rules import NOT_SEGMENTS, accepts
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.scope import HEADER_WORDS, SCOPE_NAMES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.kinds.openapi.notes import Notes
    from reconciler.kinds.openapi.operations import Operations

_PLACEHOLDER: Final = expression(r"\{([^{}/]+)\}")
_OF_PARAMETERS: Final = frozenset(
    {
        "type",
        "title",
        "description",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "enum",
        "examples",
    }
)


@dataclass(frozen=True, slots=True)
class Paths:
    """The path of the collection, and the parameters of the scope.

    ``item`` is the path of an item that is not below the collection, ``update`` that of an update where it
    differs.
    """

    collection: str
    item: str | None
    update: str | None
    scope: Mapping[str, Any]


def scope_of(found: Operations, notes: Notes) -> Paths:
    """Draft the paths. Raises DescriptionError for a path that no kind can have."""
    raw = found.listing.path
    described = {
        parameter.name: parameter
        for operation in (found.update, found.listing)
        for parameter in operation.parameters_in("path")
    }
    names: dict[str, str] = {}
    scope: dict[str, Any] = {}
    for name in placeholders_of(raw):
        if name in names:
            raise DescriptionError(f"the path {raw} has {{{name}}} twice, which OpenAPI does not allow")
        parameter = described.get(name)
        field = {} if parameter is None else FieldDrafter(None).field(name, parameter.schema) or {}
        is_number = field.get("type") == "integer"
        names[name] = own = _own_name(name, scope, () if is_number else SCOPE_NAMES)
        if own != name:
            notes.add(
                "scope: some path parameters have another name in the kind: {}", f"{{{own}}} for {{{name}}}"
            )
        kept = {word: value for word, value in field.items() if word in _OF_PARAMETERS}
        if is_number and own in SCOPE_NAMES:
            continue
        if is_number:
            scope[own] = {**kept, "minimum": max(kept.get("minimum", 1), 0)}
        else:
            scope[own] = as_segment({**kept, "type": "string"}, SEGMENT_PATTERN, (*NOT_SEGMENTS, "a/b"))
    collection = _renamed(raw, names)
    if unclear := path_fault(collection):
        raise DescriptionError(f"the path {raw} {unclear}")
    item, update = (_renamed(path, names) for path in (found.item_path, found.update.path))
    own = item_template(collection, item)
    is_below = own == item_template(collection, None)
    is_same = not found.is_updated or own == item_template(collection, update)
    return Paths(collection, None if is_below else item, None if is_same else update, scope)


def as_segment(
    keywords: Mapping[str, Any], pattern: str, unwanted: tuple[str, ...] = NOT_SEGMENTS
) -> dict[str, Any]:
    """Return the schema of a string, restricted to valid path segments."""
    if "pattern" not in keywords:
        return {**keywords, "pattern": pattern} if _accepts_any(keywords, unwanted) else dict(keywords)
    own = str(keywords["pattern"])
    if not _accepts_any(keywords, unwanted):
        return dict(keywords)
    is_whole = own.startswith("^") and "|" not in own
    narrowed = {**keywords, "pattern": rf"^(?!\.{{1,2}}$)(?=[^/])(?!.*/){own[1:]}" if is_whole else pattern}
    return narrowed if not _accepts_any(narrowed, unwanted) else {**keywords, "pattern": pattern}


def _accepts_any(keywords: Mapping[str, Any], texts: tuple[str, ...]) -> bool:
    matches = Pattern(str(keywords.get("pattern", "")))
    return any(accepts(keywords, matches, text) for text in texts)


def _own_name(name: str, taken: Mapping[str, Any], numbers: Collection[str]) -> str:
    """Return what a path parameter is called in documents; ``numbers`` are names that it must not have."""
    own = _plain(name, taken)
    if own in HEADER_WORDS:
        own = _plain(f"{own}_name", taken)
    elif own in numbers:
        own = _plain(f"{own.removesuffix('_id')}_ref", taken)
    return own


def _plain(name: str, taken: Any) -> str:
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    plain = plain if plain[:1].isalpha() or plain.startswith("_") else f"_{plain}"
    while plain in taken:
        plain += "_"
    return plain


def _renamed(path: str, names: Mapping[str, str]) -> str:
    """Return a path with the names of the scope, and another name for its own parameter."""
    return _PLACEHOLDER.sub(
        lambda found: f"{{{names.get(found[1]) or _plain(found[1], names.values())}}}", path
    )
