"""Lines of coloured pieces, broken between words where a screen is narrower than they are."""

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
    """What a piece of text means; the names are those of terminal colours."""

    CHANGE = "yellow"
    ADD = "green"
    REMOVE = "red"
    QUIET = "bright_black"
    STRONG = "bold"
    WARNING = "bold yellow"
    ALARM = "bold red"


def plain(text: str, _colour: Colour) -> str:
    """Return text as it is, for an output that is not a terminal."""
    return text


@dataclass(frozen=True, slots=True)
class Screen:
    """What a text is shown on: its colours, and its ``width`` in columns; without one, nothing wraps."""

    paint: Paint = plain
    width: int | None = None

    def fits(self, *pieces: Piece) -> bool:
        """Return whether one line is enough."""
        return self.width is None or columns("".join(map(_text, pieces))) <= self.width

    def glued(self, text: str, hang: str) -> str:
        """Return a text that no line of ``lines`` breaks, if it has room on one that begins with ``hang``."""
        is_short = self.width is None or columns(f"{hang}{text}") <= self.width
        return text.replace(" ", _GLUE) if is_short else text

    def line(self, *pieces: Piece) -> str:
        """Return a line as it is, however wide."""
        parts = (piece if isinstance(piece, str) else self.paint(*piece) for piece in pieces if piece)
        return "".join(parts).replace(_GLUE, " ")

    def lines(self, *pieces: Piece, hang: str = "  ", rest_colour: Colour | None = None) -> Iterator[str]:
        """Yield a line, and where it is too wide its rest on others, each of which begins with ``hang``.

        It breaks at a blank, preferably one after a comma; only a word that is wider than a whole line breaks
        inside, after a character such as a slash if there is one.
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
    """Yield the lines of a text, broken between words; the comment of a command goes below it."""
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
    """Return where the line that begins at ``start`` ends: at a blank from ``least`` on, if there is one.

    A word that has no room on the next line either is broken on this one.
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
    """Return up to where a text from ``start`` on fits into so many columns."""
    end, used = start, 0
    while end < len(text) and used + (wide := _columns(text[end])) <= room:
        end, used = end + 1, used + wide
    return end


def _word_end(text: str, at: int) -> int:
    """Return where the word ends that a position is in."""
    end = text.find(" ", at)
    return len(text) if end < 0 else end


def _between(pieces: tuple[Piece, ...], start: int, end: int) -> Iterator[Piece]:
    """Yield what of the pieces is between two positions of their text."""
    at = 0
    for piece in pieces:
        text = _text(piece)
        part = text[max(start - at, 0) : max(end - at, 0)]
        at += len(text)
        if part:
            yield part if isinstance(piece, str) else (part, piece[1])
