"""Look up the ids of projects and regions by their names.

All entries are listed and compared here, because it is not documented whether the service's own search
matches parts of names.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import ApiError, ConfigurationError, InputError, ThrottledError
from reconciler.kinds.rest import Listing, ListStyle
from reconciler.model.canonical import json_text
from reconciler.model.desired import DesiredScope, DesiredState, NamedParameter
from reconciler.model.lookalikes import meant
from reconciler.model.phrases import listed
from reconciler.model.scope import ALIASES, Scope, scope_text
from reconciler.model.source import Problem
from reconciler.observe.paging import Collection, ListingChangedError, Sought, Source, read_sought

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    Numbers = Mapping[tuple[str, str], int]
    Lists = dict[str, Mapping[int, str]]

_LISTS: Final = {
    "project_id": ("/cloud/v1/projects", "name"),
    "region_id": ("/cloud/v1/regions", "display_name"),
}
"""Where each number is listed, and which member holds the name."""
_ANY_CASE: Final = frozenset({"region_id"})
"""The kinds of names that the service compares case-insensitively."""
_LISTING: Final = Listing(ListStyle.OFFSET, "limit", "offset", "results", "count")
_PAGE: Final = 1000
_CANDIDATES: Final = 10
_UNREADABLE: Final = (ApiError, ConfigurationError, ThrottledError)
_COMPARED: Final = 10_000
"""The largest number of names that are compared with one that is not found."""


class Directory:
    """Looks up names; each list is read at most once, when a name in it is needed."""

    def __init__(self, reader: Callable[[], Source], last: Lists | None = None) -> None:
        """Store a function that returns the reader of the lists, called only if there is a name.

        With ``last``, the lists are stored there, and used when one cannot be read.
        """
        self._reader = reader
        self._lists: dict[str, Mapping[int, str] | Exception] = {}
        self._last = last

    def resolved(self, state: DesiredState) -> DesiredState:
        """Return ``state`` with ids in place of names, unchanged if it has none.

        If a list cannot be read, only the scopes with names from it are unresolved. Raises InputError for an
        unknown or ambiguous name, and for a key that is declared by name and by id.
        """
        if not state.names:
            return state
        numbers: dict[tuple[str, str], int] = {}
        problems: list[Problem] = []
        for named in state.names:
            listed = self._listed(named.parameter, state.names)
            if isinstance(listed, Exception):
                continue
            matches = _matches(named, listed)
            if len(matches) == 1:
                numbers[named.alias, named.name] = next(iter(matches))
            else:
                message = _ambiguous(named, matches) if matches else _unknown(named, listed)
                problems.append(Problem(message, named.position))
        if problems:
            raise InputError(problems)
        failures = {ALIASES[name]: one for name, one in self._lists.items() if isinstance(one, Exception)}
        return _without(_numbered(state, numbers), failures)

    def _listed(self, parameter: str, names: Iterable[NamedParameter]) -> Mapping[int, str] | Exception:
        """Return a list, or the error of reading it: a failed request is not repeated."""
        if parameter not in self._lists:
            wanted = [name for name in names if name.parameter == parameter]
            try:
                self._lists[parameter] = self._read(parameter, wanted)
            except _UNREADABLE as error:
                self._lists[parameter] = error
        return self._lists[parameter]

    def _read(self, parameter: str, names: Sequence[NamedParameter]) -> Mapping[int, str]:
        if self._last is None:
            return _list(self._reader(), parameter, names)
        try:
            self._last[parameter] = _list(self._reader(), parameter, names)
        except _UNREADABLE:
            if parameter not in self._last:
                raise
        return self._last[parameter]


def every_name(source: Source, parameter: str) -> Mapping[int, str]:
    """Return the names of all projects, or of all regions, by their ids.

    Raises IncompleteReadError, InvalidResponseError or ApiError.
    """
    return _list(source, parameter, None)


def _matches(named: NamedParameter, listed: Mapping[int, str]) -> Mapping[int, str]:
    exact = {number: name for number, name in listed.items() if name == named.name}
    if exact or named.parameter not in _ANY_CASE:
        return exact
    folded = named.name.casefold()
    return {number: name for number, name in listed.items() if name.casefold() == folded}


def _unknown(named: NamedParameter, visible: Mapping[int, str]) -> str:
    names = sorted(set(visible.values()))
    close = difflib.get_close_matches(named.name, names[:_COMPARED], n=3, cutoff=0.5)
    advice = (
        f"did you mean {listed(close)}?"
        if close
        else f"the token can see: {listed(names, _CANDIDATES) or 'none'}"
    )
    if alike := meant(named.name, names):
        advice = f"did you mean {alike}?"
    if named.name.isdecimal():
        advice = f"write {named.parameter}: {named.name} if that is its id"
    return f"{named.alias} {json_text(named.name)} is not found; {advice}"


def _ambiguous(named: NamedParameter, found: Mapping[int, str]) -> str:
    candidates = [f"{number} ({name})" for number, name in sorted(found.items())]
    shown = f"{named.alias} {json_text(named.name)} matches {len(found)} entries: {', '.join(candidates)}"
    return f"{shown}; write {named.parameter} with the right id"


def _numbered(state: DesiredState, numbers: Numbers) -> DesiredState:
    parts: dict[Scope, list[DesiredScope]] = {}
    moved: dict[str, str] = {}
    for part in state.scopes:
        scope = _numbered_scope(part.scope, numbers)
        moved[str(part.scope)] = str(scope)
        parts.setdefault(scope, []).append(part)
    scopes = [_together(scope, parts[scope]) for scope in sorted(parts, key=lambda scope: scope.sort_key)]
    problems = [problem for part in scopes if len(parts[part.scope]) > 1 for problem in part.repeated_names()]
    if problems:
        raise InputError(problems)
    warnings = tuple(_moved(state.warnings, moved))
    return replace(state, scopes=tuple(scopes), warnings=warnings, names=())


def _together(scope: Scope, parts: Sequence[DesiredScope]) -> DesiredScope:
    """Return a scope that several documents refer to by different names."""
    exclusive = next((part.exclusive for part in parts if part.exclusive is not None), None)
    keys = parts[0].keys if len(parts) == 1 else tuple(key for part in parts for key in part.keys)
    return DesiredScope(scope, keys, exclusive)


def _without(state: DesiredState, failures: Mapping[str, Exception]) -> DesiredState:
    """Return ``state`` with its unresolved scopes, by the errors of the lists of projects and of regions.

    A scope with ids that may be one of them is unresolved too, because some of its declared keys would be
    missing.
    """
    named = {
        part.scope: next(failures[name] for name, _ in part.scope.parameters if name in failures)
        for part in state.scopes
        if part.scope.is_named
    }
    found = replace(state, unresolved=named)
    doubts = {part.scope: found.doubt(str(part.scope)) for part in state.scopes if named}
    more = {scope: error for scope, error in doubts.items() if error is not None}
    return replace(state, unresolved=named | more)


def _numbered_scope(scope: Scope, numbers: Numbers) -> Scope:
    parameters = {alias: parameter for parameter, alias in ALIASES.items()}
    found = [
        (parameters[name], numbers[name, value])
        if isinstance(value, str) and (name, value) in numbers
        else (name, value)
        for name, value in scope.parameters
    ]
    values, names = [value for _, value in found], [name for name, _ in found]
    return Scope(scope.kind, *values, names=names, api=scope.api, shown_api=scope.shown_api)


def _moved(warnings: Iterable[Problem], moved: Mapping[str, str]) -> Iterable[Problem]:
    """Return warnings with the present addresses of their keys."""
    for warning in warnings:
        scope = scope_text(warning.address, moved)
        yield replace(warning, address=moved.get(scope, "") + warning.address.removeprefix(scope))


def _list(reader: Source, parameter: str, names: Iterable[NamedParameter] | None) -> Mapping[int, str]:
    """Return all names by their ids. Raises IncompleteReadError, InvalidResponseError or ApiError.

    An entry without an id or a name counts and is otherwise ignored. ``names`` are the sought names, None for
    all.
    """
    path, member = _LISTS[parameter]
    collection = Collection(path, _LISTING, _PAGE, "entries")

    def add_up(pages: Iterator[list[Any]]) -> Mapping[int, str]:
        found: dict[int, str] = {}
        is_empty = True
        for entry in (entry for page in pages for entry in page):
            is_empty = False
            known = entry if isinstance(entry, dict) else {}
            number, name = known.get("id"), known.get(member)
            if type(number) is int and isinstance(name, str):
                if number in found:
                    raise ListingChangedError(f"the id {number} is listed twice")
                found[number] = name
        if not found and not is_empty:
            raise collection.mismatch(f"each result must have a number as its id and a text as its {member}")
        return found

    sought: Sought[Mapping[int, str]] = Sought(
        lambda found: names is not None and all(_matches(name, found) for name in names),
        lambda older, newer: {**older, **newer},
    )
    return read_sought(reader, collection, add_up, sought)
