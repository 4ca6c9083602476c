"""Edits of one file that belong together: members of keys and defaults, added and removed keys.

They are made in the text, in place, all at once. The result is read again: its content must be exactly the
edited content, and each comment must have the same owner, except those of a removed key.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn

from reconciler.adopt.check import text_of
from reconciler.adopt.edit.comments import comments
from reconciler.adopt.edit.members import item_added, item_removed, member_added, member_removed
from reconciler.adopt.edit.replace import Place, place_of, replaced
from reconciler.adopt.edit.text import Edit, edited
from reconciler.errors import InputError
from reconciler.load.builder import parse
from reconciler.load.tree import Node, Shape, parts, trees
from reconciler.model.canonical import json_text
from reconciler.model.escape import escape_control
from reconciler.model.source import Position, Problem
from reconciler.validate.validator import Validator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.adopt.edit.comments import Path
    from reconciler.validate.validator import Rules

GONE: Final = object()
"""The value of a member that is removed."""
_KEY: Final = 3
"""Length of the path of a key: its document, ``keys``, its index."""
KeyPlace = tuple[int, int]
"""The index of a document, of those that are not empty, and of a key in it."""


class FileEdits:
    """The edits of one file. Nothing is written."""

    def __init__(self, content: bytes, file: str) -> None:
        """Parse the content of a file. Raises InputError."""
        self.file = file
        self.mark, self.text = text_of(content, file)
        self.documents = parse(self.text, file)
        self._roots = trees(self.text)
        self._members: dict[KeyPlace, dict[str, Any]] = {}
        self._defaults: dict[int, dict[str, Any]] = {}
        self._added: dict[KeyPlace, dict[str, Any]] = {}
        self._dropped: set[KeyPlace] = set()
        self._removals: list[Edit] = []

    def __bool__(self) -> bool:
        """Return whether there is any edit."""
        return bool(self._members or self._defaults or self._added or self._dropped)

    def has_edit_of(self, place: KeyPlace) -> bool:
        """Return whether there is an edit of a key, behind it, or of the defaults of its document."""
        return (place in self._members or place in self._added or place in self._dropped) or place[
            0
        ] in self._defaults

    def set(self, place: KeyPlace, name: str, value: Any) -> None:
        """Set a member of a key, or remove it if the value is ``GONE``."""
        self._members.setdefault(place, {})[name] = value

    def has_comment(self, place: KeyPlace, name: str) -> bool:
        """Return whether a comment belongs to a member of a key."""
        document, index = place
        written = [number for number, part in enumerate(parts(self.text)) if part.root is not None]
        owner = (written[document], "keys", index, name)
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

    def result(self, rules: Rules) -> str:
        """Return the text with all edits. Raises InputError where one of them is not possible in place."""
        text = edited(self.text, [*self._made()])
        try:
            found = parse(text, self.file)
        except InputError as error:
            self._refuse(f"the file could not be read afterwards: {error.texts[0]}")
        if [json_text(one.data) for one in found] != [json_text(data) for data in self._wanted()]:
            self._refuse("other values would change too: keys share them by an anchor or a merge")
        if problems := Validator(rules).check_documents(found, self.file).problems:
            self._refuse(f"the file would not be valid afterwards: {problems[0]}")
        self._check_comments(text)
        if _is_json(self.text) and not _is_json(text):
            self._refuse("the file would not be JSON any more")
        return self.mark + text

    def _made(self) -> Iterator[Edit]:
        for (document, index), members in self._members.items():
            item = self._item(document, index)
            for name, value in members.items():
                yield from self._member(document, index, item, name, value)
        for document, members in self._defaults.items():
            yield from self._default(document, members)
        for (document, index), fields in self._added.items():
            yield item_added(self.text, self._keys(document), index, fields)
        for document, index in sorted(self._dropped):
            keys = self._keys(document)
            if all((document, number) in self._dropped for number in range(len(keys.children))):
                self._refuse("the list of keys would be empty", keys)
            edit = item_removed(self.text, keys, index)
            self._removals.append(
                edit or self._refuse("the key does not start on a line of its own", keys.children[index])
            )
        yield from self._removals

    def _member(self, document: int, index: int, item: Node, name: str, value: Any) -> Iterator[Edit]:
        pair = item.pair(name)
        old = self.documents[document].data["keys"][index].get(name)
        if isinstance(value, dict) and isinstance(old, dict) and pair and pair[1].shape is Shape.MAPPING:
            yield from self._inner(Place(*pair, item.style == "["), old, value)
        elif pair is None:
            yield member_added(self.text, item, name, value, self._identity(document, index, item))
        elif value is GONE:
            yield member_removed(self.text, item, name) or self._refuse(
                "it is the first member there", pair[0]
            )
        else:
            place = place_of(self.text, self.file, (document, index, name), name)
            yield from replaced(self.text, place, old, value, None)

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
                self._refuse(f"{name} comes from a merge (<<)", mapping)
            yield member_removed(self.text, mapping, name) or self._refuse(
                "it is the first member there", mapping
            )
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
                self._refuse(f"the default of {name} is written elsewhere, by an anchor or a merge", root)
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
            self._refuse(
                "the list of keys is written elsewhere, by an anchor or a merge", self._roots[document]
            )
        return pair[1]

    def _item(self, document: int, index: int) -> Node:
        item = self._keys(document).children[index]
        if item.shape is not Shape.MAPPING:
            self._refuse(f"the key is the alias *{item.name}", item)
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
                changed = {**key, **(self._members.get((number, index), {}))}
                keys.append({name: value for name, value in changed.items() if value is not GONE})
            yield {**data, "keys": keys}

    def _order(self, document: int) -> list[int]:
        """Return the keys of a document after the edits by their index before; ``~index`` is an added one."""
        order = []
        for index in range(len(self.documents[document].data["keys"])):
            order += [] if (document, index) in self._dropped else [index]
            order += [~index] if (document, index) in self._added else []
        return order

    def _check_comments(self, after: str) -> None:
        """Raise InputError for the first comment that is lost, or moved to something else."""
        owners: dict[Path, Path | None] = {}
        added: set[Path] = set()
        written = [number for number, part in enumerate(parts(self.text)) if part.root is not None]
        for document, number in enumerate(written):
            owners |= {(number, "keys", index): None for one, index in self._dropped if one == document}
            for place, index in enumerate(self._order(document)):
                owners |= {} if index < 0 else {(number, "keys", index): (number, "keys", place)}
                added |= {(number, "keys", place)} if index < 0 else set()
        found = iter([one for one in comments(after) if one.owner[:_KEY] not in added])
        for old in comments(self.text):
            if any(edit.start <= old.index < edit.end for edit in self._removals):
                continue
            now = next(found, None)
            owner = owners.get(old.owner[:_KEY], old.owner[:_KEY])
            # One that was apart from a key that is gone remains, and is about what follows.
            is_same = owner is None or (now is not None and now.owner == (*owner, *old.owner[_KEY:]))
            if now is None or now.text != old.text or not is_same:
                reason = f"the comment {escape_control(old.text)} would be lost or be about something else"
                self._refuse(reason, place=old.position(self.text, self.file))
        for more in found:
            self._refuse(f"{escape_control(more.text)} would become a comment")

    def _refuse(self, reason: str, node: Node | None = None, place: Position | None = None) -> NoReturn:
        """Raise InputError, so that nothing is written."""
        at = place or (Position(self.file) if node is None else node.position(self.file))
        raise InputError([Problem(f"cannot be edited in place: {reason}; write it by hand", at)])


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
