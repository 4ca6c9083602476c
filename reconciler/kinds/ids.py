"""Look up live objects by name, where files use names and the service uses ids of its own. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import AmbiguousNameError
from reconciler.model.canonical import json_text
from reconciler.model.phrases import listed, shortened, with_article

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.model.live import LiveScope

    Row = Mapping[str, Any]

_MOST: Final = 10
"""The largest number of ids that a message lists."""
_LONGEST: Final = 80


def named_kind(kinds: Mapping[str, Kind], name: str) -> Kind | None:
    """Return the kind of a name, with or without the name of its API as prefix; None for an unknown one."""
    api, dot, rest = name.rpartition(".")
    found = kinds.get(name) or kinds.get(rest)
    return found if found is None or not dot or found.name == name or found.api == api else None


def clear_key(kind: Kind, observed: LiveScope, name: str, known_id: str | None = None) -> Row | None:
    """Return the live key ``name`` or None. Raises AmbiguousNameError if it does not identify one key.

    ``known_id`` is the id of the object that the name stood for before, if a history has it.
    """
    if name in observed.unclear:
        rows = observed.unclear[name]
        is_one = len(rows) > 1 and known_id in map(kind.id_of, rows)
        known = stood_for(known_id) if known_id is not None and is_one else ""
        raise AmbiguousNameError(f"{observed.scope.address(name)} {unclear_text(kind, rows)}{known}")
    return observed.keys.get(name)


def stood_for(path_id: str) -> str:
    """Return which of several objects a name stood for, as a continuation of :func:`unclear_text`."""
    return f"; its last known id is {json_text(path_id)}"


def unclear_text(kind: Kind, rows: Sequence[Row]) -> str:
    """Return why a name does not identify one live key, and what to do about it."""
    if len(rows) == 1:
        advice = "so the key cannot be addressed; delete it at the service"
        return f"{_id_text(kind, rows[0])}, {advice}"
    ids = sorted(short_json(row.get(kind.path_field)) for row in rows)
    shown = listed(ids, _MOST) if len(ids) > _MOST else f"{', '.join(ids[:-1])} and {ids[-1]}"
    count = f"is the name of {len(rows)} live objects, with {kind.path_field} {shown}"
    return f"{count}; rename or delete all but one of them at the service"


def names_by_id(kind: Kind, observed: LiveScope) -> Mapping[str, str]:
    """Return the name of each live object by its id; empty for a kind without ids."""
    if not kind.has_ids:
        return {}
    unclear = ((name, row) for name, rows in observed.unclear.items() for row in rows)
    ids = ((kind.id_of(row), name) for name, row in (*observed.keys.items(), *unclear))
    return {path_id: name for path_id, name in ids if path_id is not None}


def _id_text(kind: Kind, row: Row) -> str:
    value, where = row.get(kind.path_field), kind.read_from.get(kind.path_field, kind.path_field)
    if value is None:
        return f"has no {where}"
    if kind.id_of(row) is None:
        types = "a whole number" if int in kind.fields[kind.path_field].types else "text"
        return f"has {with_article(where)} that is not {types}: {short_json(value)}"
    return f"has the {where} {short_json(value)}, which cannot be one segment of a request path"


def short_json(value: Any) -> str:
    """Return a value as JSON, shortened."""
    if isinstance(value, dict | list):  # which may be nested more deeply than JSON can be written
        return "an object" if isinstance(value, dict) else "a list"
    return shortened(json_text(value), _LONGEST)
