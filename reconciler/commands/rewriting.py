"""Checking that a file that was rewritten says what it said before, but for what was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.commands.validate import desired_state_of
from reconciler.errors import InputError, Problem
from reconciler.load.builder import parse
from reconciler.load.files import parse_content
from reconciler.normalize import json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.declared import DesiredState
    from reconciler.desired import Validator
    from reconciler.errors import Position
    from reconciler.load.documents import Document

    MakeValidator = Callable[[], Validator]
    Difference = tuple[str, str | None]
    """An address, with the field that differs; None if the whole key is new or gone."""

_MARK = "\ufeff"


def text_of(content: bytes, file: str) -> tuple[str, str]:
    """Give a file's byte order mark, if it has one, and its text. Raises InputError for other than UTF-8."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(parse_content(content, file).problems) from error
    return (_MARK, text[1:]) if text.startswith(_MARK) else ("", text)


def documents_of(text: str, file: str) -> tuple[Document, ...]:
    """Give the documents of a text, which may be none. Raises InputError."""
    return parse(text, file)


def state_of(text: str, file: str, make_validator: MakeValidator) -> DesiredState:
    """Give what a text declares. Raises InputError."""
    return desired_state_of([(file, text.encode())], make_validator())


def check_rewritten(
    before: DesiredState, text: str, place: Position, expected: set[Difference], make_validator: MakeValidator
) -> DesiredState:
    """Give what a rewritten text declares.

    Raises InputError, with ``place``, if anything but the expected differs.
    """
    try:
        after = state_of(text, place.source, make_validator)
    except InputError as error:
        reason = f"nothing was written, because the file would not be valid afterwards: {error.texts[0]}"
        raise InputError([Problem(reason, place)]) from error
    strays = sorted(
        {
            address if field is None else f"{address} {field}"
            for address, field in differences(before, after) - expected
        }
    )
    if strays:
        reason = f"nothing was written, because other values would change too: {', '.join(strays)}"
        raise InputError([Problem(reason, place)])
    return after


def differences(before: DesiredState, after: DesiredState) -> set[Difference]:
    """Give what two states say differently."""
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
