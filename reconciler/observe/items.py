"""Reading keys one by one, where the rows of a listing show a part of each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.errors import Failure, InvalidResponseError, NotFoundError
from reconciler.kinds.wire import item_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.live import LiveScope
    from reconciler.observe.paging import Source

    Row = Mapping[str, Any]


def with_items(
    source: Source, kind: Kind, observed: LiveScope, names: Iterable[str] | None = None
) -> LiveScope:
    """Return a listing with all that the keys ``names`` show at their own paths, all keys for None.

    A name that leads to no one key is left as it is. Raises NotFoundError for a key that is listed and has no
    path of its own: were it left out, it would be created again; and InvalidResponseError where a response is
    not about the key.
    """
    if not kind.listing.is_partial:
        return observed
    wanted = (
        observed.keys if names is None else [name for name in dict.fromkeys(names) if name in observed.keys]
    )
    read = {name: _whole(source, kind, observed, name) for name in wanted}
    return replace(observed, keys={**observed.keys, **read})


def _whole(source: Source, kind: Kind, observed: LiveScope, name: str) -> Row:
    row = observed.keys[name]
    path_id = kind.id_of(row)
    path = kind.item_path(observed.scope, name if path_id is None else path_id)
    try:
        item = item_of(kind, source.get(path, kind.query, kind.headers))
    except NotFoundError as error:
        hint = "the listing shows this key: try again, or remove partial from its kind if it has no such path"
        raise error.with_hint(hint) from error.__cause__
    if not isinstance(item, dict):
        raise _unexpected(path, "the response is not an object")
    whole = {**row, **item}
    if kind.name_of(whole) != name or kind.id_of(whole) != path_id:
        raise _unexpected(path, "the response is about another key")
    return kind.with_response_defaults(whole)


def _unexpected(path: str, detail: str) -> InvalidResponseError:
    return InvalidResponseError(Failure(f"GET {path}", detail))
