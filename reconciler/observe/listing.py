"""The live keys of a scope.

An object without a usable name counts, and is a problem of its own: it hides none of the others. Where no
object has one, the listing is not one of keys, and nothing is concluded from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.kinds.paths import is_segment
from reconciler.model.canonical import json_text
from reconciler.model.live import LiveScope
from reconciler.model.phrases import shortened
from reconciler.model.source import Problem
from reconciler.observe.paging import Collection, ListingChangedError, Source, read_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.scope import Scope

_SHOWN: Final = 10
"""So many objects without a usable name are described one by one."""
_LONGEST: Final = 80


def observe(reader: Source, kind: Kind, scope: Scope) -> LiveScope:
    """List every key of ``scope``.

    Makes one request per ``kind.page_limit`` keys, and one for an empty scope; where nothing is counted, one
    more if the last page is full. Raises IncompleteReadError if the listing never holds what it counts,
    InvalidResponseError if a response is not a listing of named objects, and any other ApiError unchanged.
    """
    collection = Collection(
        kind.collection_path(scope),
        kind.listing,
        kind.page_limit,
        "keys",
        kind.query,
        kind.headers,
        creates=kind.create_requires is not None,
    )

    def add_up(pages: Iterator[list[Any]]) -> LiveScope:
        keys: dict[str, Mapping[str, Any]] = {}
        unusable: list[str] = []
        has_text = False
        for item in (item for page in pages for item in page):
            name = item.get(kind.identity) if item.__class__ is dict else None
            has_text = has_text or name.__class__ is str
            if name.__class__ is not str or not is_segment(name):
                number = len(keys) + len(unusable) + 1
                reason = _reason(item, kind.identity)
                unusable.append(f"object {number} of the listing {reason}, so nothing is done with it")
                continue
            key = kind.with_response_defaults(item) if kind.optional else item
            if keys.setdefault(name, key) is not key:
                raise ListingChangedError(f"the key {name} is listed twice")
        if unusable and not has_text:
            raise collection.mismatch(f"each result must be an object with a text as its {kind.identity}")
        return LiveScope(scope, keys, len(unusable), _problems(unusable, scope))

    return read_whole(reader, collection, add_up)


def _problems(unusable: list[str], scope: Scope) -> tuple[Problem, ...]:
    """Return the problems of the objects that have no usable name."""
    shown = unusable[:_SHOWN]
    if len(unusable) > _SHOWN:
        shown.append(f"{len(unusable) - _SHOWN} more objects of the listing have no usable name either")
    return tuple(Problem(text, address=str(scope), is_live=True) for text in shown)


def _reason(item: Any, identity: str) -> str:
    """Return why an object has no name that can be one segment of a path."""
    if not isinstance(item, dict):
        return f"is not an object but {_short(item)}"
    if identity not in item:
        return f"has no {identity}"
    name = item[identity]
    if not isinstance(name, str):
        return f"has a {identity} that is not text: {_short(name)}"
    try:
        name.encode()
    except UnicodeEncodeError:
        return f"has a {identity} that is not valid Unicode: {_short(name)}"
    return f"has the {identity} {_short(name)}, which cannot be one segment of a request path"


def _short(value: Any) -> str:
    """Return a value as JSON, cut short."""
    if isinstance(value, dict | list):  # which may be nested more deeply than JSON can be written
        return "an object" if isinstance(value, dict) else "a list"
    return shortened(json_text(value), _LONGEST)
