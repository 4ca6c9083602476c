"""Files in one layout, with the same content: values, comments and the order of lines are unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from reconciler.adopt.content import text_of
from reconciler.adopt.edit.comments import comments
from reconciler.adopt.edit.layout import laid_out
from reconciler.adopt.write import replace_text
from reconciler.errors import InputError
from reconciler.load.builder import parse
from reconciler.load.json_input import json_document
from reconciler.load.source_lines import with_lines
from reconciler.load.sources import label_of, read, sources
from reconciler.model.canonical import json_text
from reconciler.model.frozen import dataclass
from reconciler.model.source import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.adopt.edit.comments import Comment

_PASSES: Final = 4
"""How often a text is laid out until it is unchanged."""


@dataclass(frozen=True, slots=True)
class Formatted:
    """A file, its content, and its content in the layout."""

    file: str
    before: bytes
    after: bytes

    @property
    def differs(self) -> bool:
        """Return whether the file is in another layout."""
        return self.before != self.after

    def write(self) -> None:
        """Write the file. Raises ConfigurationError."""
        replace_text(self.file, self.before, self.after.decode("utf-8"))


def formatted_files(
    paths: Sequence[str], standard_input: BinaryIO, problems: list[Problem]
) -> Iterator[Formatted]:
    """Yield the files of ``paths``; the reason why one cannot be formatted is added to ``problems``."""
    for file in sources(paths, problems):
        before = b""
        try:
            before = read(file, standard_input)
            yield Formatted(file, before, formatted(before, label_of(file)))
        except InputError as error:
            problems += with_lines(error.problems, before, label_of(file))


def formatted(content: bytes, file: str) -> bytes:
    """Return the content of a file in the layout; a JSON file is unchanged.

    Raises InputError for content that is not YAML, and if the new text had another meaning than the old one.
    """
    mark, text = text_of(content, file)
    if json_document(text, file) is not None:
        return content
    before = _meaning(text, file)
    result = text
    for _ in range(_PASSES):
        last, result = result, laid_out(result)
        try:
            is_same = _meaning(result, file) == before
        except InputError:
            is_same = False
        if not is_same:
            break
        if result == last:
            return (mark + result).encode()
    reason = "is not changed: in the usual layout it would have another meaning, or a comment would belong to"
    raise InputError([Problem(f"{reason} something else", Position(file))])


def _meaning(text: str, file: str) -> tuple[list[str], tuple[Comment, ...]]:
    """Return the meaning of a text: its documents, and its comments with their owners."""
    return [json_text(document.data) for document in parse(text, file)], comments(text)
