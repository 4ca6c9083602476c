"""The live keys of a scope.

An object without a usable name counts, and is a problem of its own that does not hide others. If no object
has a name, the listing is not one of keys, and is an error. Where the service makes ids, a name that several
objects have is a problem of that name alone.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import NotFoundError
from reconciler.kinds.ids import short_json
from reconciler.kinds.paths import is_name, is_segment
from reconciler.kinds.wire import object_of
from reconciler.model.live import LiveScope
from reconciler.model.phrases import listed, with_article
from reconciler.model.source import Problem
from reconciler.observe.items import objects_of, with_items
from reconciler.observe.paging import Collection, ListingChangedError, Sought, Source, read_sought

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.model.scope import Scope

    Row = Mapping[str, Any]

_SHOWN: Final = 10
"""The largest number of objects without a usable name that are reported one by one."""


def _is_anything(_observed: LiveScope) -> bool:
    return True


def observe(
    reader: Source,
    kind: Kind,
    scope: Scope,
    is_found: Callable[[LiveScope], bool] = _is_anything,
    names: Iterable[str] | None = None,
) -> LiveScope:
    """List every key of ``scope``, with all fields for ``names`` where rows show a part only.

    Sends one request per ``kind.page_limit`` keys, and one for an empty scope; without a count, one more if
    the last page is full. ``is_found`` returns whether all sought keys are present: if not, a listing of
    several pages is read twice, and a key in neither does not exist. Raises IncompleteReadError if the
    listing never holds as many items as it counts, InvalidResponseError if a response is not a listing of
    named objects, and any other ApiError unchanged.
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

    is_simple = kind.is_plain and not kind.has_ids and str in kind.fields[kind.identity].types
    read = _by_name if is_simple else _by_id

    def add_up(pages: Iterator[list[Any]]) -> LiveScope:
        if kind.listing.has_ids:
            pages = (list(objects_of(reader, kind, scope, page)) for page in pages)
        return read(kind, scope, pages, collection)

    sought = Sought(is_found, lambda older, newer: _merged(kind, older, newer))
    try:
        found = read_sought(reader, collection, add_up, sought)
    except NotFoundError as error:
        places = listed(name for name, _ in scope.parameters) or "the base URL"
        raise error.with_hint(f"check {places}, and what the token may read") from error.__cause__
    return with_items(reader, kind, found, names)


def _by_name(kind: Kind, scope: Scope, pages: Iterator[list[Any]], collection: Collection) -> LiveScope:
    """Return the keys of a scope, with the fields of the API, by the name in their paths."""
    keys: dict[str, Row] = {}
    unusable: list[str] = []
    has_text = False
    identity, with_defaults = kind.identity, kind.with_response_defaults if kind.optional else None
    for item in chain.from_iterable(pages):
        name = item.get(identity) if item.__class__ is dict else None
        if name.__class__ is str:
            has_text = True
            if is_segment(name):
                key = item if with_defaults is None else with_defaults(item)
                if keys.setdefault(name, key) is not key:
                    raise ListingChangedError(f"the key {name} is listed twice")
                continue
        number, reason = len(keys) + len(unusable) + 1, _reason(kind, item)
        unusable.append(f"object {number} of the listing {reason}, so it is ignored")
    if unusable and not has_text:
        raise collection.mismatch(f"each result must be an object with a text as its {kind.identity}")
    return LiveScope(scope, keys, len(unusable), _problems(unusable, scope))


def _by_id(kind: Kind, scope: Scope, pages: Iterator[list[Any]], collection: Collection) -> LiveScope:
    """Return the keys of a scope, with the fields of files, by name and by id."""
    is_usable = is_name if kind.has_ids else is_segment
    ids: set[str] = set()
    found: dict[str, list[Row]] = {}
    unusable: list[str] = []
    has_name = has_id = False
    for number, item in enumerate((item for page in pages for item in page), 1):
        row = object_of(kind, item)
        name, path_id = (kind.name_of(row), kind.id_of(row)) if isinstance(row, dict) else (None, None)
        has_name, has_id = has_name or name is not None, has_id or path_id is not None
        is_named = name is not None and is_usable(name)
        if path_id is not None and (kind.has_ids or is_named) and is_segment(path_id):
            if path_id in ids:
                what = f"{kind.path_field} {path_id}" if kind.has_ids else f"the key {name}"
                raise ListingChangedError(f"{what} is listed twice")
            ids.add(path_id)
        if name is None or not is_named:
            reason = _reason(kind, row)
            unusable.append(f"object {number} of the listing {reason}, so it is ignored")
            continue
        found.setdefault(name, []).append(kind.with_response_defaults(row))
    for field, is_there in (
        (kind.identity, has_name or not unusable),
        (kind.path_field, has_id or not found),
    ):
        if not is_there:
            what = "text" if str in kind.fields[field].types else "whole number"
            where = kind.read_from.get(field, field)
            raise collection.mismatch(f"each result must be an object with a {what} as its {where}")
    return _identified(kind, LiveScope(scope, {}, len(unusable), _problems(unusable, scope)), found, ids)


def _identified(
    kind: Kind, scope: LiveScope, found: Mapping[str, Sequence[Row]], ids: Container[str]
) -> LiveScope:
    """Return ``scope`` with the objects of each name; ``ids`` are those that can be in a path."""
    keys = {name: rows[0] for name, rows in found.items() if kind.id_of(rows[0]) in ids and len(rows) == 1}
    unclear = {name: tuple(rows) for name, rows in found.items() if name not in keys}
    return replace(scope, keys=keys, unclear=unclear)


def _merged(kind: Kind, older: LiveScope, newer: LiveScope) -> LiveScope:
    """Return the keys in either of two listings, in the newer version if both hold one.

    Objects are matched by id, even if renamed; without ids, by name.
    """
    found = dict(_rows(newer))
    known = {kind.id_of(row) for rows in found.values() for row in rows}
    for name, rows in _rows(older):
        has_name, ids = name in found, [kind.id_of(row) for row in rows]
        others = (
            row
            for row, path_id in zip(rows, ids, strict=True)
            if (not has_name if path_id is None else path_id not in known)
        )
        found[name] = (*found.get(name, ()), *others)
    found = {name: rows for name, rows in found.items() if rows}
    every = (kind.id_of(row) for rows in found.values() for row in rows)
    return _identified(kind, newer, found, {path_id for path_id in every if path_id and is_segment(path_id)})


def _rows(observed: LiveScope) -> Iterator[tuple[str, tuple[Row, ...]]]:
    """Yield each name with the objects that have it."""
    yield from ((name, (row,)) for name, row in observed.keys.items())
    yield from observed.unclear.items()


def _problems(unusable: list[str], scope: Scope) -> tuple[Problem, ...]:
    """Return the problems of the objects without a usable name."""
    shown = unusable[:_SHOWN]
    if len(unusable) > _SHOWN:
        shown.append(f"{len(unusable) - _SHOWN} more objects of the listing have no usable name either")
    return tuple(Problem(text, address=str(scope), is_live=True) for text in shown)


def _reason(kind: Kind, item: Any) -> str:
    """Return why an object has no usable name."""
    identity, where = kind.identity, kind.read_from.get(kind.identity, kind.identity)
    if not isinstance(item, dict):
        return f"is not an object but {short_json(item)}"
    if identity not in item or (item[identity] is None and where != identity):
        return f"has no {where}"
    name, text = item[identity], kind.name_of(item)
    if text is None:
        what = "text" if str in kind.fields[identity].types else "a whole number"
        return f"has {with_article(where)} that is not {what}: {short_json(name)}"
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"has {with_article(where)} that is not valid Unicode: {short_json(name)}"
    if kind.has_ids:
        return f"has an empty {where}"
    return f"has the {where} {short_json(name)}, which cannot be one segment of a request path"
