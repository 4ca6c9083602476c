"""Check that a rewritten file declares the same as before, except for the intended changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

from reconciler.adopt.edit.comments import Path, comments
from reconciler.errors import InputError
from reconciler.load.builder import parse
from reconciler.load.characters import BYTE_ORDER_MARK
from reconciler.load.files import Input, parse_content
from reconciler.load.tree import trees
from reconciler.model.canonical import json_text
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.model.source import Position, Problem
from reconciler.validate.state import validated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from reconciler.load.documents import Document
    from reconciler.model.desired import DesiredState
    from reconciler.validate.validator import Rules

    Difference = tuple[str, str | None]
    """An address, with the field that differs; None if the whole key is new or gone."""
    Added = tuple[int, int | None]
    """The index of a document, empty ones counted, and of its first new key; None if the document is new."""


def text_of(content: bytes, file: str) -> tuple[str, str]:
    """Return a file's byte order mark, if any, and its text. Raises InputError if it is not UTF-8."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(parse_content(Input(content, file)).problems) from error
    rest = text.lstrip(BYTE_ORDER_MARK)
    return text[: len(text) - len(rest)], rest


def state_of(text: str, file: str, rules: Rules) -> DesiredState:
    """Return the desired state of a text. Raises InputError."""
    return validated([Input(text.encode(), file)], rules)


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What an edit in place may change, and what to do by hand if it fails.

    ``expected`` are the intended differences. ``fields`` are the same by position: the index of the document,
    of the key, the name of the field. Additions in ``added`` may have comments of their own.
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
    before: str, after: str, meant: Rewriting, rules: Rules, old: DesiredState
) -> DesiredState:
    """Return the desired state of a rewritten text; ``old`` is that before.

    Raises InputError if anything but the intended changes differs, a comment is lost or moved to something
    else, or JSON is no longer JSON.
    """
    file = meant.place.source
    try:
        new = state_of(after, file, rules)
    except InputError as error:
        meant.refuse(f"the file would not be valid afterwards: {error.texts[0]}")
    if strays := _differences(old, new) - meant.expected:
        others = ", ".join(sorted(" ".join(filter(None, stray)) for stray in strays))
        meant.refuse(f"other values would change too: {others}")
    frames = _frames(parse(after, file), meant)
    if any(frame != frames.get(place) for place, frame in _frames(parse(before, file), meant).items()):
        meant.refuse("more than the values of keys would change")
    _check_comments(before, after, meant)
    if _is_json(before) and not _is_json(after):
        meant.refuse("the file would not be JSON any more")
    return new


def _frames(documents: Sequence[Document], meant: Rewriting) -> dict[tuple[int, int], str]:
    """Return the content of documents, key by key, except the fields that are to change."""
    frames = {}
    for document in documents:
        number = document.index
        frames[number, -1] = json_text(
            {name: value for name, value in document.data.items() if name != "keys"}
        )
        for index, key in enumerate(document.data["keys"]):
            rest = {name: value for name, value in key.items() if (number, index, name) not in meant.fields}
            frames[number, index] = json_text(rest)
    return frames


def _check_comments(before: str, after: str, meant: Rewriting) -> None:
    """Raise InputError, with its position, for the first comment that is lost or moved to something else."""
    if not trees(before) and after.startswith(before):
        return  # comments alone, with the additions behind them
    kept = (found for found in comments(after) if not _is_added(found.owner, meant.added))
    for old in comments(before):
        if next(kept, None) != old:
            reason = f"the comment {escape_control(old.text)} would be lost or be about something else"
            meant.refuse(reason, old.position(before, meant.place.source))
    for more in kept:
        meant.refuse(f"{escape_control(more.text)} would become a comment")


def _is_added(owner: Path, added: Added | None) -> bool:
    """Return whether a comment belongs to an addition of the edit."""
    match added:
        case None:
            return False
        case document, None:
            return int(owner[0]) >= document
        case document, key:
            return owner[:2] == (document, "keys") and owner[2:] != () and int(owner[2]) >= key


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _differences(before: DesiredState, after: DesiredState) -> set[Difference]:
    """Return the differences between two states."""
    old, new = _fields(before), _fields(after)
    changed = {place for place, _ in old.items() ^ new.items()}
    return {(address, name) for address, name in changed if name is None or (address, None) not in changed}


def _fields(state: DesiredState) -> dict[Difference, str]:
    """Return the value of each field, and an empty text for each key."""
    keys = {scope.scope.address(key.name): key.fields for scope in state.scopes for key in scope.keys}
    fields: dict[Difference, str] = {(address, None): "" for address in keys}
    return fields | {
        (key, name): json_text(value) for key, has in keys.items() for name, value in has.items()
    }
