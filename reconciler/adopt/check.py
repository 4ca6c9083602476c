"""Checking that a file that was rewritten says what it said before, but for what was meant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from reconciler.adopt.edit.remarks import remarks
from reconciler.adopt.edit.tree import trees
from reconciler.errors import InputError
from reconciler.load.builder import parse
from reconciler.load.files import parse_all, parse_content
from reconciler.model.canonical import json_text
from reconciler.model.escape import escape_control
from reconciler.model.source import Problem
from reconciler.validate.files import validated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from reconciler.adopt.edit.remarks import Path
    from reconciler.load.documents import Document
    from reconciler.model.desired import DesiredState
    from reconciler.model.source import Position
    from reconciler.validate.validator import Validator

    MakeValidator = Callable[[], Validator]
    Difference = tuple[str, str | None]
    """An address, with the field that differs; None if the whole key is new or gone."""
    Added = tuple[int, int | None]
    """The index of a document, empty ones counted, and of its first new key; None if the document is new."""

_MARK = "\ufeff"


def text_of(content: bytes, file: str) -> tuple[str, str]:
    """Return a file's byte order mark, if any, and its text. Raises InputError for other than UTF-8."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(parse_content(content, file).problems) from error
    rest = text.lstrip(_MARK)
    return text[: len(text) - len(rest)], rest


def documents_of(text: str, file: str) -> tuple[Document, ...]:
    """Return the documents of a text, which may be none. Raises InputError."""
    return parse(text, file)


def state_of(text: str, file: str, make_validator: MakeValidator) -> DesiredState:
    """Return what a text declares. Raises InputError."""
    return validated(parse_all([(file, text.encode())]), make_validator())


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What an edit in place may change, and what a person is told to do if it cannot be done.

    ``expected`` are the differences that are meant. ``fields`` are the same by place: the index of the
    document, of the key, the name of the field. What is ``added`` may have comments of its own.
    """

    place: Position
    advice: str
    expected: AbstractSet[Difference]
    fields: AbstractSet[tuple[int, int, str]] = frozenset()
    added: Added | None = None

    def refuse(self, reason: str, place: Position | None = None) -> NoReturn:
        """Raise InputError: nothing is written."""
        message = f"nothing was written, because {reason}; {self.advice}"
        raise InputError([Problem(message, place or self.place)])


def check_rewritten(
    before: str, after: str, meant: Rewriting, make_validator: MakeValidator, old: DesiredState
) -> DesiredState:
    """Return what a rewritten text declares; ``old`` is what it declared before.

    Raises InputError if anything but what is meant differs, a comment is lost or stands at something else, or
    what was JSON is none any more.
    """
    file = meant.place.source
    try:
        new = state_of(after, file, make_validator)
    except InputError as error:
        meant.refuse(f"the file would not be valid afterwards: {error.texts[0]}")
    strays = sorted(
        {
            address if field is None else f"{address} {field}"
            for address, field in differences(old, new) - meant.expected
        }
    )
    if strays:
        meant.refuse(f"other values would change too: {', '.join(strays)}")
    frames = _frames(documents_of(before, file), meant), _frames(documents_of(after, file), meant)
    if any(frame != frames[1].get(place) for place, frame in frames[0].items()):
        meant.refuse("more than the values of keys would change")
    _check_remarks(before, after, meant)
    if is_json(before) and not is_json(after):
        meant.refuse("the file would not be JSON any more")
    return new


def _frames(documents: Sequence[Document], meant: Rewriting) -> dict[tuple[int, int], str]:
    """Return all that documents hold, key by key, but for the fields that are meant to change."""
    frames = {}
    for document in documents:
        rest = {name: value for name, value in document.data.items() if name != "keys"}
        frames[document.index, -1] = json_text(rest)
        for index, key in enumerate(document.data["keys"]):
            place = (document.index, index)
            rest = {name: key[name] for name in key if (*place, name) not in meant.fields}
            frames[place] = json_text(rest)
    return frames


def _check_remarks(before: str, after: str, meant: Rewriting) -> None:
    """Raise InputError, with its place, for the first comment that is lost or stands at something else."""
    if not trees(before) and after.startswith(before):
        return  # comments alone, which nothing stands before
    kept = iter([found for found in remarks(after) if not _is_added(found.owner, meant.added)])
    for old in remarks(before):
        if next(kept, None) != old:
            place = old.position(before, meant.place.source)
            meant.refuse(
                f"the comment {escape_control(old.text)} would be lost or stand at something else", place
            )
    if (more := next(kept, None)) is not None:
        meant.refuse(f"{escape_control(more.text)} would become a comment")


def _is_added(owner: Path, added: Added | None) -> bool:
    """Return whether a comment is about something that the edit adds."""
    if added is None:
        return False
    document, key = added
    if key is None:
        return int(owner[0]) >= document
    return owner[:2] == (document, "keys") and owner[2:] != () and int(owner[2]) >= key


def is_json(text: str) -> bool:
    """Return whether a text is JSON, which every edit in place leaves it."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def differences(before: DesiredState, after: DesiredState) -> set[Difference]:
    """Return what two states say differently."""
    return set(_differences(before, after))


def _differences(before: DesiredState, after: DesiredState) -> Iterator[Difference]:
    old, new = (
        {scope.scope.address(key.name): key.fields for scope in state.scopes for key in scope.keys}
        for state in (before, after)
    )
    for address in old.keys() | new.keys():
        if address not in old or address not in new:
            yield address, None
            continue
        one, other = old[address], new[address]
        for field in one.keys() | other.keys():
            if field not in one or field not in other or json_text(one[field]) != json_text(other[field]):
                yield address, field
