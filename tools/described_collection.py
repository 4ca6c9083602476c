"""What a description says of one collection, as far as a server of it has to know."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, Final

from described import METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from described import Described

    Place = tuple[str, ...]

_ACCEPTED: Final = 202
_ATTRIBUTES: Final = "attributes"
_IDS: Final = ("id", "uuid", "uid", "guid")
_DEPTH: Final = 3
"""Levels of a response at which the object is looked for."""


class Collection:
    """A path of a list, and that of an item.

    ``row`` is the schema of a row, ``key`` what the path of an item takes, ``segment`` the schema of that;
    ``taken`` what an update sets, ``body`` where in its body, and ``required`` what it must carry. In
    JSON:API all but the key is ``inside`` the attributes of a resource.
    """

    def __init__(self, described: Described, path: str, item: str) -> None:
        """Read the description. Raises LookupError where it says too little."""
        self.described = described
        self.path = path
        self.items = [one for one in described.paths if _unversioned(one) == _unversioned(item)]
        self.items += [one for one in self._successors() if one not in self.items]
        self.listing = described.operation(path, "get") or {}
        _, self.whole, self.headers = described.response(self.listing)
        self.update = self._update()
        _, one, _ = described.response(described.operation(item, "get") or self.update)
        bodies = described.body(self.update).values()
        found = described.rows(self.whole, set().union(*map(described.names, (one, *bodies))))
        if found is None:
            raise LookupError(f"no list of objects in the response to GET {path}")
        self.rows_at, self.row = found
        members = described.members(self.row)
        is_resource = {"type", _ATTRIBUTES} <= members.keys() and described.members(members[_ATTRIBUTES])
        self.inside: Place = (_ATTRIBUTES,) if is_resource else ()
        self.key = self._key(item)
        self.segment = self._segment(item)
        item_views = (self.response_of(one)[1] for one in (described.operation(item, "get"), self.update))
        every = [self.row, *(view for view in item_views if view is not None)]
        self.views = list({id(view): view for view in every}.values())
        self.body = self.body_of(self.update)
        schema = self.body[1]
        known = described.members(schema)
        self.taken = {name: part for name, part in known.items() if not described.flat(part).get("readOnly")}
        self.required = described.required(schema)
        create = described.operation(path, "post")
        made = described.members(self.body_of(create)[1]) if create else {}
        self.created = {
            name: part
            for name, part in made.items()
            if name not in self.taken and not described.flat(part).get("readOnly")
        }

    def _successors(self) -> list[str]:
        """Return the paths that the descriptions of deprecated updates name, with <id> or {id}."""
        every = [self.described.operation(path, method) for path in self.items for method in METHODS]
        texts = [str(one.get("description")) for one in every if one and one.get("deprecated")]
        named = [_plain(found) for text in texts for found in re.findall(r"/[\w<>{}/.-]+", text)]
        return [path for path in self.described.paths if any(_plain(path).endswith(one) for one in named)]

    def _update(self) -> dict[str, Any]:
        """Return the operation that changes an item: PATCH before PUT, what is not deprecated first.

        Where none is described, it is the creation, which sets what can be set.
        """
        known = [(path, method) for method in METHODS for path in self.items]
        every = [one for path, method in known if (one := self.described.operation(path, method))]
        usable = [one for one in every if one.get("requestBody")]
        creation = self.described.operation(self.path, "post")
        if not usable and creation is not None:
            return creation
        return next((one for one in usable if not one.get("deprecated")), usable[0])

    def _key(self, item: str) -> str:
        """Return the member of a row that the path of an item takes, by what is said of the parameter."""
        name = re.findall(r"\{([^{}]+)\}", item)[-1]
        members = self.described.members(self.row)
        plain = [one for one in members if self._is_plain(members[one])]
        words = [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", name)]
        known = (self.described.operation(item, "get") or self.update)["parameters"]
        text = next((str(one.get("description")) for one in known if one.get("name") == name), "").lower()
        last = words[-1]
        ends = [last, *(["id", "uuid", "uid"] if last in _IDS or last.endswith("id") else [])]
        ends += [one for one in (*_IDS, "slug", "name", "key", "number") if re.search(rf"\b{one}\b", text)]
        ends += [*_IDS, "name", "slug", "key", "username", "email"]
        candidates = [name, *(one for end in ends for one in (end, "".join([*words[:-1], end])))]
        by_letters = {_letters(one): one for one in plain}
        fitting = (by_letters[_letters(one)] for one in candidates if _letters(one) in by_letters)
        found = next(fitting, None)
        if found is None:
            raise LookupError(f"no member of a row is what {{{name}}} takes: {', '.join(plain)}")
        return found

    def _is_plain(self, schema: Any) -> bool:
        named = [one.get("type", "string") for one in self.described.choices(schema)]
        kinds = {kind for one in named for kind in (one if isinstance(one, list) else [one])}
        return kinds <= {"string", "integer", "number", "null"}

    def _segment(self, item: str) -> Any:
        name = re.findall(r"\{([^{}]+)\}", item)[-1]
        known = (self.described.operation(item, method) for method in ("get", *METHODS))
        parameters = [one for found in known if found for one in found["parameters"]]
        return {"allOf": [one["schema"] for one in parameters if one["name"] == name and "schema" in one]}

    def is_segment(self, value: Any) -> bool:
        """Return whether the path of an item takes a value."""
        fits = any(self.described.is_valid(self.segment, one) for one in (value, str(value)))
        return fits and str(value) not in {"", ".", ".."}

    def response_of(self, operation: Mapping[str, Any] | None) -> tuple[Place, Any]:
        """Return where the object is in a response, and its schema; None where that is something else."""
        if operation is None:
            return (), None
        status, schema, _ = self.described.response(operation)
        if schema is None or status == _ACCEPTED:
            return (), None
        names = set(self.described.members(self.row))
        level: list[tuple[Place, Any]] = [((), schema)]
        for _ in range(_DEPTH):
            for place, one in level:
                members = set(self.described.members(one))
                if self.key in members and len(members & names) * 2 > min(len(members), len(names)):
                    return place, one
            level = [
                ((*place, name), part)
                for place, one in level
                for name, part in self.described.members(one).items()
            ]
        return (), None

    def body_of(self, operation: Mapping[str, Any]) -> tuple[Place, Any]:
        """Return where in a body the settings of an object are, and their schema."""
        schema: Any = next(iter(self.described.body(operation).values()), {})
        members = self.described.members(schema)
        names = {name for view in self.views for name in self.described.members(view)}
        place: Place = ()
        if members and not members.keys() & names:
            around = (name for name, part in members.items() if self.described.members(part).keys() & names)
            place = tuple(itertools.islice(around, 1))
        place += self.inside
        for step in place:
            schema = self.described.members(schema).get(step, {})
        return place, schema

    def shown_in(self, view: Any) -> Any:
        """Return the schema of what shows settings in a response: the object, or its attributes."""
        for step in self.inside:
            view = self.described.members(view).get(step, {})
        return view

    def part(self, shown: dict[str, Any]) -> dict[str, Any]:
        """Return the part of an object that shows settings."""
        for step in self.inside:
            shown = shown.setdefault(step, {})
        return shown

    def shown_as(self, name: str, view: Any) -> str | None:
        """Return the member of a response that shows what a body sets as ``name``; None where none does.

        It has that name. Else it is the only one that no body sets, and that is spelt in another way, has a
        version behind the name, as ``tags_v2``, or words before it, as ``group_rules``.
        """
        members = self.described.members(self.shown_in(view))
        if name in members:
            return None if self.described.flat(members[name]).get("writeOnly") else name
        word = re.escape(re.sub(r"[^a-z0-9]+", "_", name.lower()))
        others = {re.sub(r"[^a-z0-9]+", "_", one.lower()): one for one in members if one not in self.taken}
        same = [one for plain, one in others.items() if _letters(plain) == _letters(name)]
        for pattern in (rf"{word}_?v?\d+", rf".+_{word}"):
            same = same or [one for plain, one in others.items() if re.fullmatch(pattern, plain)]
        return same[0] if len(same) == 1 else None

    def is_late(self, operation: Mapping[str, Any]) -> bool:
        """Return whether a write takes effect later: by 202, or where something else is shown."""
        status, schema, _ = self.described.response(operation)
        shows_other = bool(self.described.members(schema)) and self.response_of(operation)[1] is None
        return status == _ACCEPTED or shows_other


def settings_at(body: Any, place: Place) -> dict[str, Any]:
    """Return the settings in a body, empty where there are none."""
    for step in place:
        body = body.get(step) if isinstance(body, dict) else None
    return body if isinstance(body, dict) else {}


def _plain(path: str) -> str:
    return re.sub(r"[<{][^<>{}]*[>}]", "{}", path.rstrip("/."))


def _unversioned(path: str) -> str:
    return re.sub(r"\{[^{}]*\}", "{}", re.sub(r"/v\d+(?=/)", "/v", path.rstrip("/")))


def _letters(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())
