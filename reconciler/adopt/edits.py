"""Edits of one file that belong together: members of keys and defaults, added and removed keys.

They are made in the text, in place, all at once. The result is read again: its content must be exactly the
edited content, and each comment must have the same owner, except those of a removed key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from reconciler.adopt.content import is_json, part_of, text_of
from reconciler.adopt.declaration import key_lines
from reconciler.adopt.edit.comments import comments, faults
from reconciler.adopt.edit.insert import appended, document_added, end_of_keys
from reconciler.adopt.edit.members import item_added, item_removed, member_added, member_removed
from reconciler.adopt.edit.replace import Place, place_of, replaced
from reconciler.adopt.edit.text import Edit, edited
from reconciler.errors import InputError
from reconciler.load.builder import parse
from reconciler.load.recognition import other_use
from reconciler.load.tree import Node, Shape, parts, trees
from reconciler.model.canonical import json_text
from reconciler.model.frozen import dataclass
from reconciler.model.source import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.adopt.declaration import Declaration
    from reconciler.adopt.edit.lists import Same
    from reconciler.validate.parts import Part
    from reconciler.validate.validator import Rules

GONE: Final = object()
"""The value of a member that is removed."""
_IS_FIRST: Final = "it is the first member there"
KeyPlace = tuple[int, int]
"""The index of a document, of those that are not empty, and of a key in it."""


@dataclass(frozen=True, slots=True)
class _Member:
    """A new value of a member; items of a list that are the ``same`` remain. ``address`` is the key's."""

    value: Any
    same: Same = None
    address: str = ""


class FileEdits:
    """The edits of one file. Nothing is written.

    Where they are not possible, an error says so at ``place`` unless it has a better one, with ``advice``.
    """

    def __init__(self, content: bytes, file: str) -> None:
        """Parse the content of a file. Raises InputError, also if it is no desired state, such as a plan."""
        if use := other_use(content, file):
            raise InputError([Problem(use, Position(file))])
        self.file = file
        self.mark, self.text = text_of(content, file)
        self.documents = parse(self.text, file)
        self._roots = trees(self.text)
        self._written = [number for number, part in enumerate(parts(self.text)) if part.root is not None]
        self.place = Position(file)
        self.advice = "write it by hand"
        self._members: dict[KeyPlace, dict[str, _Member]] = {}
        self._defaults: dict[int, dict[str, Any]] = {}
        self._added: dict[KeyPlace, dict[str, Any]] = {}
        self._appended: dict[int, tuple[int, Sequence[Edit]]] = {}
        self._document: Sequence[str] = ()
        self._dropped: set[KeyPlace] = set()
        self._removals: list[Edit] = []

    def __bool__(self) -> bool:
        """Return whether there is any edit."""
        return any(
            (self._members, self._defaults, self._added, self._dropped, self._appended, self._document)
        )

    def has_edit_of(self, place: KeyPlace) -> bool:
        """Return whether there is an edit of a key, behind it, or of the defaults of its document."""
        document, _ = place
        return document in self._defaults or any(
            place in edits for edits in (self._members, self._added, self._dropped)
        )

    def set(self, place: KeyPlace, name: str, value: Any, same: Same = None, address: str = "") -> None:
        """Set a member of a key, or remove it if the value is ``GONE``.

        Items of a set that are the ``same`` stay as they are written. ``address`` is for errors.
        """
        self._members.setdefault(place, {})[name] = _Member(value, same, address)

    def has_comment(self, place: KeyPlace, name: str) -> bool:
        """Return whether a comment belongs to a member of a key."""
        document, index = place
        owner = (self._written[document], "keys", index, name)
        return any(one.owner[: len(owner)] == owner for one in comments(self.text))

    def set_default(self, document: int, name: str, value: Any) -> None:
        """Change a default of a document."""
        self._defaults.setdefault(document, {})[name] = value

    def add_behind(self, place: KeyPlace, fields: Mapping[str, Any]) -> None:
        """Add a key behind another one."""
        self._added[place] = dict(fields)

    def drop(self, place: KeyPlace) -> None:
        """Remove a key, with the comments about it."""
        self._dropped.add(place)

    def append(self, document: int, keys: Sequence[Declaration]) -> None:
        """Add keys after those of a document. Raises InputError if its list cannot be extended."""
        place = end_of_keys(self.text, self.file, document)
        lines = [line for key in keys for line in key_lines(key, place.column, place.offset)]
        self._appended[document] = len(keys), appended(self.text, place, lines)

    def add_document(self, lines: Sequence[str]) -> None:
        """Add a document of these lines at the end."""
        self._document = lines

    def result(self, rules: Rules) -> tuple[str, Part]:
        """Return the text with all edits, and what the file declares then.

        Raises InputError where one of them is not possible in place.
        """
        text = edited(self.text, [*self._made()])
        try:
            found = parse(text, self.file)
        except InputError as error:
            self.refuse(f"the file could not be read afterwards: {error.texts[0]}")
        self._check_values([one.data for one in found])
        try:
            part = part_of(found, text, self.file, rules)
        except InputError as error:
            self.refuse(f"the file would not be valid afterwards: {error.texts[0]}")
        self._check_comments(text)
        if is_json(self.text) and not is_json(text):
            self.refuse("the file would not be JSON any more")
        return self.mark + text, part

    def _made(self) -> Iterator[Edit]:
        for (document, index), members in self._members.items():
            item = self._item(document, index)
            for name, member in members.items():
                yield from self._member(document, index, item, name, member)
        for document, members in self._defaults.items():
            yield from self._default(document, members)
        for (document, index), fields in self._added.items():
            yield item_added(self.text, self._keys(document), index, fields)
        for _, edits in self._appended.values():
            yield from edits
        if self._document:
            yield document_added(self.text, self._document)
        for document, index in sorted(self._dropped):
            keys = self._keys(document)
            if all((document, number) in self._dropped for number in range(len(keys.children))):
                self.refuse("the list of keys would be empty", keys)
            edit = item_removed(self.text, keys, index)
            self._removals.append(
                edit or self.refuse("the key does not start on a line of its own", keys.children[index])
            )
        yield from self._removals

    def _member(self, document: int, index: int, item: Node, name: str, member: _Member) -> Iterator[Edit]:
        pair, value = item.pair(name), member.value
        if pair is None:
            yield member_added(self.text, item, name, value, self._identity(document, index, item))
            return
        if value is GONE:
            yield member_removed(self.text, item, name) or self.refuse(_IS_FIRST, pair[0])
            return
        old = self.documents[document].data["keys"][index].get(name)
        place = place_of(self.text, self.file, (document, index, name), member.address)
        if isinstance(value, dict) and isinstance(old, dict):
            yield from self._inner(place, old, value)
        else:
            yield from replaced(self.text, place, old, value, member.same)

    def _inner(self, place: Place, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Edit]:
        """Edit the members of an object in the text, which is not empty afterwards."""
        mapping = place.value
        gone = sorted(old.keys() - new.keys())
        written = [key.value for key, _ in mapping.pairs() if key.value not in gone]
        if len(gone) > 1 or not written:
            yield from replaced(self.text, place, old, new, None)
            return
        for name in gone:
            if mapping.pair(name) is None:
                self.refuse(f"{name} comes from a merge key (<<)", mapping)
            yield member_removed(self.text, mapping, name) or self.refuse(_IS_FIRST, mapping)
        for name, value in new.items():
            known = mapping.pair(name)
            if known is None:
                yield member_added(self.text, mapping, name, value, written[-1])
            elif json_text(old[name]) != json_text(value):
                yield from replaced(self.text, Place(*known, not mapping.is_block), old[name], value, None)

    def _default(self, document: int, members: Mapping[str, Any]) -> Iterator[Edit]:
        root = self._roots[document]
        defaults = root.pair("defaults")
        for name, value in members.items():
            pair = None if defaults is None else defaults[1].pair(name)
            if defaults is None or pair is None or pair[1].shape is Shape.ALIAS:
                self.refuse(f"the default of {name} is defined elsewhere, by an anchor or a merge key", root)
            old = self.documents[document].data["defaults"][name]
            in_flow = "[" in {root.style, defaults[1].style}
            yield from replaced(self.text, Place(*pair, in_flow), old, value, None)

    def _identity(self, document: int, index: int, item: Node) -> str | None:
        """Return the first member of a key that is written as a word, after which new ones are inserted."""
        names = ("name", *self.documents[document].data["keys"][index])
        return next((name for name in names if item.pair(name) is not None), None)

    def _keys(self, document: int) -> Node:
        pair = self._roots[document].pair("keys")
        if pair is None or pair[1].shape is not Shape.SEQUENCE:
            self.refuse(
                "the list of keys is defined elsewhere, by an anchor or a merge key", self._roots[document]
            )
        return pair[1]

    def _item(self, document: int, index: int) -> Node:
        item = self._keys(document).children[index]
        if item.shape is not Shape.MAPPING:
            self.refuse(f"the key is the alias *{item.name}", item)
        return item

    def _wanted(self) -> Iterator[Any]:
        """Yield the intended content of each document."""
        for number, document in enumerate(self.documents):
            data = dict(document.data)
            if number in self._defaults:
                data["defaults"] = {**data["defaults"], **self._defaults[number]}
            keys = []
            for index in self._order(number):
                key = self._added[number, ~index] if index < 0 else data["keys"][index]
                new = self._members.get((number, index), {})
                changed = {**key, **{name: member.value for name, member in new.items()}}
                keys.append({name: value for name, value in changed.items() if value is not GONE})
            yield {**data, "keys": keys}

    def _order(self, document: int) -> list[int]:
        """Return the keys of a document after the edits by their index before; ``~index`` is an added one."""
        order = []
        for index in range(len(self.documents[document].data["keys"])):
            order += [] if (document, index) in self._dropped else [index]
            order += [~index] if (document, index) in self._added else []
        return order

    def _check_values(self, found: Sequence[Any]) -> None:
        """Raise InputError if a text has another meaning than intended, as far as this is known."""
        wanted = [*self._wanted()]
        for document, (now, want) in enumerate(zip(found, wanted, strict=False)):
            count = self._appended[document][0] if document in self._appended else 0
            keys = now["keys"] if isinstance(now, dict) and isinstance(now.get("keys"), list) else []
            old = [self._by_item(document, some[: len(want["keys"])]) for some in (keys, want["keys"])]
            rest = [{**data, "keys": []} if isinstance(data, dict) else data for data in (now, want)]
            counts = len(keys), len(want["keys"]) + count
            if len({json_text(one) for one in zip(old, rest, counts, strict=True)}) > 1:
                self.refuse(f"other values would change too{self._stray(document, *old)}")
        if len(found) != len(wanted) + bool(self._document):
            self.refuse("other documents would change too")

    def _by_item(self, document: int, keys: Sequence[Any]) -> Sequence[Any]:
        """Return keys of a document with each changed set as the sorted texts of its items."""
        shown = [*keys]
        for at, index in enumerate(self._order(document)[: len(keys)]):
            for name, member in self._members.get((document, index), {}).items():
                if member.same is not None and isinstance(items := shown[at].get(name), list):
                    shown[at] = {**shown[at], name: sorted(map(member.same, items))}
        return shown

    def _stray(self, document: int, keys: Sequence[Any], wanted: Sequence[Mapping[str, Any]]) -> str:
        """Return the value of an existing key that would change unintentionally, empty if there is none."""
        for index, now, want in zip(self._order(document), keys, wanted, strict=False):
            names = sorted({*now, *want} if isinstance(now, dict) else want)
            for name in names if index >= 0 else []:
                if json_text([now.get(name), name in now]) != json_text([want.get(name), name in want]):
                    line = self.documents[document].position(("keys", index)).line
                    return f": {name} of the key on line {line}, by an anchor or a merge"
        return ""

    def _check_comments(self, after: str) -> None:
        """Raise InputError for the first comment that is lost, or moved to something else."""
        if not self._roots and after.startswith(self.text):
            return  # comments alone, with the additions behind them
        orders = {number: self._order(document) for document, number in enumerate(self._written)}
        for reason, old in faults(self.text, after, orders, self._removals):
            self.refuse(reason, place=None if old is None else old.position(self.text, self.file))

    def refuse(self, reason: str, node: Node | None = None, place: Position | None = None) -> NoReturn:
        """Raise InputError, so that nothing is written."""
        at = place or (self.place if node is None else node.position(self.file))
        raise InputError([Problem(f"cannot be edited automatically: {reason}; {self.advice}", at)])
