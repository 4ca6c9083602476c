"""Lines of coloured parts, wrapped between words on a narrow screen."""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Paint = Callable[[str, "Colour"], str]
    Piece = str | tuple[str, "Colour"]
    """A piece of a line, with its colour if it has one."""

_LEAST_ROOM: Final = 16
"""A screen on which less than this would be left beside an indentation is overrun."""
_ON_OTHERS: Final = frozenset({"Mn", "Me"})
"""The categories of marks that are drawn on the character before them."""
_GLUE: Final = "\N{NO-BREAK SPACE}"
"""A blank at which no line is broken; it is in no text that is shown, because it is escaped there."""
_JOINTS: Final = "/-_.:,"
CONTINUED: Final = "| "
"""What a continued value begins with: without it, a value could imitate a line of the plan."""


class Colour(StrEnum):
    """The meaning of a text's colour; the names are those of terminal colours."""

    CHANGE = "yellow"
    ADD = "green"
    REMOVE = "red"
    QUIET = "bright_black"
    STRONG = "bold"
    WARNING = "bold yellow"
    ALARM = "bold red"


def plain(text: str, _colour: Colour) -> str:
    """Return text unchanged, for an output that is not a terminal."""
    return text


@dataclass(frozen=True, slots=True)
class Screen:
    """The screen of a text: its colours, and its ``width`` in columns; without one, lines are not wrapped."""

    paint: Paint = plain
    width: int | None = None

    def fits(self, *pieces: Piece) -> bool:
        """Return whether these parts fit on one line."""
        return self.width is None or columns("".join(map(_text, pieces))) <= self.width

    def glued(self, text: str, hang: str) -> str:
        """Return a text that ``lines`` does not wrap, if it fits on a line that begins with ``hang``."""
        is_short = self.width is None or columns(f"{hang}{text}") <= self.width
        return text.replace(" ", _GLUE) if is_short else text

    def line(self, *pieces: Piece) -> str:
        """Return a line without wrapping."""
        parts = (piece if isinstance(piece, str) else self.paint(*piece) for piece in pieces if piece)
        return "".join(parts).replace(_GLUE, " ")

    def lines(self, *pieces: Piece, hang: str = "  ", rest_colour: Colour | None = None) -> Iterator[str]:
        """Yield a line, wrapped if it is too wide; the following lines begin with ``hang``.

        It is wrapped at a blank, preferably after a comma; a word that is wider than a line is split, after a
        character such as a slash if there is one.
        """
        if self.width is None or self.fits(*pieces):
            yield self.line(*pieces)
            return
        text, start = "".join(map(_text, pieces)), 0
        lead = hang if rest_colour is None else self.paint(hang, rest_colour)
        indent = len(text) - len(text.lstrip())
        rest_room = max(self.width - columns(hang), _LEAST_ROOM)
        while start < len(text):
            room = self.width if start == 0 else rest_room
            end = _end(text, start, room, max(start, indent) + 1, rest_room)
            yield ("" if start == 0 else lead) + self.line(*_between(pieces, start, end))
            start = end + text.startswith(" ", end)


PLAIN: Final = Screen()


def prose_lines(text: str, screen: Screen) -> Iterator[str]:
    """Yield the lines of a text, wrapped between words; the comment of a command is on the next line."""
    for line in text.split("\n")[:-1]:
        hang = " " * (len(line) - len(line.lstrip(" ")) + 2)
        command, mark, about = line.partition("  # ")
        if mark and not screen.fits(line):
            yield command.rstrip()
            yield from screen.lines(f"{hang}# {about}", hang=f"{hang}# ")
        else:
            yield from screen.lines(line, hang=hang)


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in _ON_OTHERS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _text(piece: Piece) -> str:
    return piece if isinstance(piece, str) else piece[0]


def _end(text: str, start: int, room: int, least: int, rest_room: int) -> int:
    """Return the index where the line that begins at ``start`` ends: at a blank from ``least`` on, if any.

    A word that does not fit on the next line either is split.
    """
    end = _filled(text, start, room)
    if end == len(text) or text[end] == " ":
        return end
    blank = text.rfind(", ", start + (end - start) // 2, end) + 1 or text.rfind(" ", least, end)
    if blank > 0 and _filled(text, blank + 1, rest_room) >= _word_end(text, end):
        return blank
    joint = 1 + max(text.rfind(mark, least, end) for mark in _JOINTS)
    return joint if joint - start > (end - start) // 2 else max(end, start + 1)


def _filled(text: str, start: int, room: int) -> int:
    """Return the index up to which a text from ``start`` fits into ``room`` columns."""
    end, used = start, 0
    while end < len(text) and used + (wide := _columns(text[end])) <= room:
        end, used = end + 1, used + wide
    return end


def _word_end(text: str, at: int) -> int:
    """Return the index of the end of the word at an index."""
    end = text.find(" ", at)
    return len(text) if end < 0 else end


def _between(pieces: tuple[Piece, ...], start: int, end: int) -> Iterator[Piece]:
    """Yield the parts between two indexes of their text."""
    at = 0
    for piece in pieces:
        text = _text(piece)
        part = text[max(start - at, 0) : max(end - at, 0)]
        at += len(text)
        if part:
            yield part if isinstance(piece, str) else (part, piece[1])
