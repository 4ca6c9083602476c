"""Read keys one by one: from the response about one key, and where rows of a listing show a part only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import Failure, InvalidResponseError, NotFoundError
from reconciler.kinds.paths import is_segment
from reconciler.kinds.wire import item_of, object_of, placed, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.live import LiveScope
    from reconciler.model.scope import Scope
    from reconciler.observe.paging import Source

    Row = Mapping[str, Any]

_NO_ROW: Final[Mapping[str, Any]] = {}


def key_in(kind: Kind, path: str, path_id: str, response: Any, row: Row = _NO_ROW) -> Row:
    """Return the key in the response to GET of its path, which ends in ``path_id``, merged with its row.

    Raises InvalidResponseError if the response is not about the key.
    """
    item = item_of(kind, response)
    if not isinstance(item, dict):
        raise _unexpected(path, "the response is not an object")
    whole = {**row, **item}
    if kind.id_of(whole) != path_id:
        raise _unexpected(path, "the response is about another key")
    return kind.with_response_defaults(whole)


def with_items(
    source: Source, kind: Kind, observed: LiveScope, names: Iterable[str] | None = None
) -> LiveScope:
    """Return a listing in which the keys ``names``, all keys for None, have the fields at their own paths.

    A name that does not identify one key is unchanged. Raises NotFoundError for a listed key without a
    resource at its path: if it were left out, it would be created again. Raises InvalidResponseError where a
    response is not about the key.
    """
    if not (kind.listing.is_partial or (kind.listing.has_ids and not kind.has_ids)):
        return observed
    wanted = (
        observed.keys if names is None else [name for name in dict.fromkeys(names) if name in observed.keys]
    )
    read = {name: _whole(source, kind, observed, name) for name in wanted}
    return replace(observed, keys={**observed.keys, **read})


def objects_of(source: Source, kind: Kind, scope: Scope, rows: Iterable[Any]) -> Iterator[Any]:
    """Yield the rows of a listing that has ids as objects; objects are unchanged.

    Where files use other names than the path, each key is read, because only that shows its name.
    """
    there = kind.read_from.get(kind.path_field) or kind.renamed.get(kind.path_field, kind.path_field)
    steps = there.split(".")
    for row in rows:
        if type(row) not in {str, int}:
            yield row
        elif not kind.has_ids or not is_segment(str(row)):
            yield placed({}, steps, row)
        else:
            path = kind.item_path(scope, str(row))
            item = unwrapped(kind, _read(source, kind, path))
            if not isinstance(item, dict):
                raise _unexpected(path, "the response is not an object")
            if object_of(kind, item).get(kind.path_field, row) != row:
                raise _unexpected(path, "the response is about another key")
            yield placed(item, steps, row)


def _whole(source: Source, kind: Kind, observed: LiveScope, name: str) -> Row:
    row = observed.keys[name]
    path_id = kind.id_of(row) or name
    path = kind.item_path(observed.scope, path_id)
    whole = key_in(kind, path, path_id, _read(source, kind, path), row)
    if kind.name_of(whole) != name:
        raise _unexpected(path, "the response is about another key")
    return whole


def _read(source: Source, kind: Kind, path: str) -> Any:
    """Return the response to a GET of a listed key. Raises ApiError."""
    try:
        return source.get(path, kind.query, kind.headers)
    except NotFoundError as error:
        word = "ids" if kind.listing.has_ids else "partial"
        hint = f"the listing shows this key: try again, or remove {word} from its kind if it has no such path"
        raise error.with_hint(hint) from error.__cause__


def _unexpected(path: str, detail: str) -> InvalidResponseError:
    return InvalidResponseError(Failure(f"GET {path}", detail))
