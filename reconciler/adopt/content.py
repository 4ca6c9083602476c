"""Single files of declarations: their text, and their declarations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.errors import InputError
from reconciler.load.characters import BYTE_ORDER_MARK
from reconciler.load.files import Input, parse_content
from reconciler.validate.validator import Validator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.load.documents import Document
    from reconciler.model.desired import DesiredKey
    from reconciler.model.scope import Scope
    from reconciler.validate.parts import Part
    from reconciler.validate.validator import Rules


def text_of(content: bytes, file: str) -> tuple[str, str]:
    """Return a file's byte order mark, if any, and its text. Raises InputError if it is not UTF-8."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(parse_content(Input(content, file)).problems) from error
    rest = text.lstrip(BYTE_ORDER_MARK)
    return text[: len(text) - len(rest)], rest


def is_json(text: str) -> bool:
    """Return whether a text is valid JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def part_of(documents: Sequence[Document], text: str, file: str, rules: Rules) -> Part:
    """Return the declarations of a text, which other files may complete. Raises InputError."""
    part = Validator(rules).check_documents(documents, file).shown_in(text.encode())
    if problems := [*part.problems, *(problem for one in part.scopes for problem in one.repeated)]:
        raise InputError(problems)
    return part


def keys_of(part: Part, scope: Scope) -> tuple[DesiredKey, ...]:
    """Return the keys that a file declares in a scope."""
    return tuple(key for one in part.scopes if one.scope == scope for key in one.keys)
