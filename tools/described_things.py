"""The objects of a described collection: made up, shown as responses are described, changed as bodies say."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from made_values import REQUEST, RESPONSE, Maker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from described import Described
    from described_collection import Collection

NOTHING: Final = object()
"""What has no counterpart in another shape."""
OF_SERVICE: Final = "of-the-service"
"""The name in each map that has read-only members: the service adds it, and refuses to have it changed."""
_FIXED: Final = frozenset({"readonly", "isreadonly"})
_INNER: Final = ("id", "value", "name", "slug", "key", "code")
"""Members of a shown object that may be the value that a body sets."""
_TRIES: Final = 40
_SORTS: Final = 3
"""Different objects that are made up around values that are set."""


class Shapes:
    """Between the shape in which a value is set and that in which it is shown."""

    def __init__(self, described: Described) -> None:
        """Store the description."""
        self._described = described
        self._known: dict[tuple[int, int], tuple[Any, dict[str, Any]]] = {}

    def shown(self, value: Any, taken: Any, schema: Any) -> Any:
        """Return a value that a body sets as ``schema`` shows it; NOTHING where that has no such shape."""
        described = self._described
        if isinstance(value, dict):
            found = self._object(value, taken, schema)
            if found is not NOTHING:
                return found
            pairs = self._pairs(value, schema)
            if pairs is not NOTHING:
                return pairs
            inner = next((value[name] for name in _INNER if name in value), NOTHING)
            return inner if len(value) == 1 and described.is_valid(schema, inner, RESPONSE) else NOTHING
        if isinstance(value, list):
            found = self._list(value, taken, schema)
            if found is not NOTHING:
                return found
        if described.is_valid(schema, value, RESPONSE):
            return value
        return NOTHING if isinstance(value, list) else self._inside(value, schema)

    def _object(self, value: dict[str, Any], taken: Any, schema: Any) -> Any:
        described, known, taken_members = (
            self._described,
            self._described.members(schema),
            self._described.members(taken),
        )
        if not known:
            return value if described.is_valid(schema, value, RESPONSE) else NOTHING
        made = {
            name: part
            for name, part in self._made(schema, value).items()
            if name not in value and (name not in taken_members or name in described.required(schema))
        }
        for name, part in value.items():
            if name not in known:
                continue
            found = self.shown(part, taken_members.get(name, {}), known[name])
            if found is not NOTHING:
                made[name] = found
        return made if value.keys() & made.keys() and described.is_valid(schema, made, RESPONSE) else NOTHING

    def _made(self, schema: Any, value: Any) -> dict[str, Any]:
        """Return an object with all that a service adds, the same for equal values."""
        place = id(schema), len(json.dumps(value, sort_keys=True)) % _SORTS
        known = self._known.get(place)
        if known is None:
            made: Any = {}
            with suppress(LookupError):
                made = Maker(self._described, place[1]).valid(schema, RESPONSE)
            known = self._known[place] = schema, made if isinstance(made, dict) else {}
        return dict(known[1])

    def _pairs(self, value: dict[str, Any], schema: Any) -> Any:
        items = self._described.items(schema)
        members = self._described.members(items)
        if not {"key", "value"} <= members.keys():
            return NOTHING
        fixed = {name for name in members if name.lower().replace("_", "") in _FIXED}
        made = [
            {**self._made(items, name), "key": name, "value": part, **dict.fromkeys(fixed, False)}
            for name, part in value.items()
        ]
        own = {"key": OF_SERVICE, "value": OF_SERVICE, **dict.fromkeys(fixed, True)}
        with_own = [*made, {**self._made(items, OF_SERVICE), **own}] if fixed else made
        return next(
            (one for one in (with_own, made) if self._described.is_valid(schema, one, RESPONSE)), NOTHING
        )

    def _list(self, value: list[Any], taken: Any, schema: Any) -> Any:
        described = self._described
        inner, outer = described.items(taken), described.items(schema)
        found = [self.shown(item, inner, outer) for item in value]
        return NOTHING if NOTHING in found or not described.is_valid(schema, found, RESPONSE) else found

    def _inside(self, value: Any, schema: Any) -> Any:
        members = self._described.members(schema)
        made = self._made(schema, value) if members else {}
        fitting = ({**made, name: value} for name in _INNER if name in members)
        return next((one for one in fitting if self._described.is_valid(schema, one, RESPONSE)), NOTHING)


class Thing:
    """One object: what has been set of it, and what it shows besides in each view."""

    def __init__(self, settings: dict[str, Any], views: dict[int, dict[str, Any]]) -> None:
        """Store both; a view is the schema of a response, by its identity."""
        self.settings = settings
        self.views = views


class Things:
    """All objects of a collection, each shown in every view: the schema of a response, the row first."""

    def __init__(self, of: Collection, seed: int) -> None:
        """Start without objects."""
        self._of = of
        self._described = of.described
        self._taken = of.taken
        self._views = of.views
        self._maker = Maker(of.described, seed)
        self._shapes = Shapes(of.described)
        self.key = of.key
        self.every: dict[str, Thing] = {}

    def add(self, settings: Mapping[str, Any] | None = None) -> Thing:
        """Make one more object up, with these settings; its id is another than all others'."""
        reason = ""
        for attempt in range(_TRIES):
            thing = Thing({}, {id(view): self._object(view) for view in self._views})
            self._agree(thing)
            self._set_key(thing)
            self._set_all(thing, settings or {}, is_plain=attempt >= _TRIES // 2)
            identity = str(self.row(thing).get(self.key))
            faults = [
                fault
                for view in self._views
                for fault in self._described.faults(view, self.show(thing, view), RESPONSE)
            ]
            faults += self._key_faults(thing)
            if not faults and identity not in self.every:
                self.every[identity] = thing
                return thing
            reason = next(iter(faults), f"the {self.key} {identity} again")
        raise LookupError(f"no object could be made up: {reason}")

    def _object(self, view: Any) -> dict[str, Any]:
        """Return an object for one view, which may allow other values too."""
        made = (self._maker.value(view, RESPONSE) for _ in range(_TRIES))
        return next((dict(value) for value in made if isinstance(value, dict)), {})

    def _shown(self, name: str) -> Callable[[Any], bool]:
        return lambda value: self.can_show(name, value)

    def can_show(self, name: str, value: Any) -> bool:
        """Return whether rows have a shape for a value of one member."""
        there = self._of.shown_as(name, self._views[0])
        if there is None:
            return True
        schema = self._members(self._views[0])[there]
        return self._shapes.shown(value, self._taken.get(name, {}), schema) is not NOTHING

    def _members(self, view: Any) -> Mapping[str, Any]:
        """Return the members that show settings."""
        return self._described.members(self._of.shown_in(view))

    def copy(self, number: int) -> None:
        """Add a copy of the first object under another id and other names."""
        first = next(iter(self.every.values()))
        views = copy.deepcopy(first.views)
        self._rename(list(views.values()), self._described.members(self._views[0]), number)
        if self._of.inside:
            self._rename(list(map(self._of.part, views.values())), self._members(self._views[0]), number)
        self.every[str(views[id(self._views[0])][self.key])] = Thing(dict(first.settings), views)

    def _rename(self, views: list[dict[str, Any]], schemas: Mapping[str, Any], number: int) -> None:
        """Set other names and ids of an object, the same ones in all views; the first is that of a row."""
        names = (one for one in schemas if "name" in one.lower() or one in _INNER)
        for name in dict.fromkeys([self.key, *names]):
            known = views[0].get(name)
            if isinstance(known, str | int) and not isinstance(known, bool):
                fresh = known + number if isinstance(known, int) else f"{known[:-5]}{number:05}"
                if not self._described.is_valid(schemas[name], fresh, RESPONSE):
                    fresh = self._maker.valid(schemas[name], RESPONSE)
                for shown in views:
                    if name in shown:
                        shown[name] = fresh

    def _set_key(self, thing: Thing) -> None:
        """Replace an id that its path does not take by one that it takes."""
        if self._of.is_segment(self.row(thing).get(self.key)):
            return
        schema = {"allOf": [self._described.members(self._views[0])[self.key], self._of.segment]}
        with suppress(LookupError):
            value = self._maker.valid(schema, RESPONSE, self._of.is_segment)
            for shown in thing.views.values():
                shown.update({self.key: value} if self.key in shown else {})

    def _key_faults(self, thing: Thing) -> list[str]:
        value = self.row(thing).get(self.key)
        return [] if self._of.is_segment(value) else [f"no path takes the {self.key} {value}"]

    def _agree(self, thing: Thing) -> None:
        """Copy the value of each member to all views, where their schemas allow it."""
        whole = [(thing.views[id(view)], self._described.members(view)) for view in self._views]
        inside = [
            (self._of.part(shown), self._members(view))
            for view, (shown, _) in zip(self._views, whole, strict=True)
        ]
        for parts in (whole, inside) if self._of.inside else (whole,):
            for name in dict.fromkeys(name for shown, _ in parts for name in shown):
                holders = [(shown, members[name]) for shown, members in parts if name in members]
                values = (shown[name] for shown, _ in holders if name in shown)
                fitting = (one for one in values if self._is_allowed(one, holders))
                value = next(fitting, NOTHING)
                for shown, _ in holders if value is not NOTHING else ():
                    shown[name] = copy.deepcopy(value)

    def _is_allowed(self, value: Any, holders: Iterable[tuple[Any, Any]]) -> bool:
        return all(self._described.is_valid(schema, value, RESPONSE) for _, schema in holders)

    def _set_all(self, thing: Thing, settings: Mapping[str, Any], *, is_plain: bool) -> None:
        for name, schema in self._taken.items():
            if self._described.flat(schema).get("readOnly") or name == self.key:
                continue
            try:
                value = (
                    settings[name]
                    if name in settings
                    else self._maker.valid(schema, REQUEST, self._shown(name))
                )
            except LookupError:
                continue
            if not is_plain or name in settings:
                self.set(thing, name, value)
        for name in settings.keys() - self._taken.keys():
            self.set(thing, name, settings[name])

    def set(self, thing: Thing, name: str, value: Any) -> None:
        """Set one member: each view shows it in its own shape, one that has no such shape does not change."""
        thing.settings[name] = value
        for view in self._views:
            there = self._of.shown_as(name, view)
            if there is not None:
                part = self._of.part(thing.views[id(view)])
                shown = self._shapes.shown(value, self._taken.get(name, {}), self._members(view)[there])
                if shown is not NOTHING:
                    part[there] = shown
                elif value is None and there not in self._described.required(self._of.shown_in(view)):
                    part.pop(there, None)

    def show(self, thing: Thing, view: Any) -> dict[str, Any]:
        """Return an object as a response shows it, also one that objects were not made with."""
        known = thing.views.get(id(view))
        if known is None:
            members = self._described.members(view)
            row = {name: value for name, value in self.row(thing).items() if name in members}
            known = thing.views[id(view)] = {**self._object(view), **row}
        return known

    def row(self, thing: Thing) -> dict[str, Any]:
        """Return an object as a listing shows it."""
        return thing.views[id(self._views[0])]


def merged(one: Any, other: Any) -> Any:
    """Return ``one`` changed as RFC 7396 says."""
    if not isinstance(other, dict):
        return other
    known = one if isinstance(one, dict) else {}
    kept = {name: value for name, value in known.items() if name not in other}
    return kept | {name: merged(known.get(name), value) for name, value in other.items() if value is not None}
