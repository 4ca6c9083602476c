"""Places in inputs, and what is wrong there."""

from __future__ import annotations

from dataclasses import field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from reconciler.model.frozen import dataclass
from reconciler.model.phrases import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in an input: source name as the user gave it, line and column counted from 1.

    Without a line it is the whole input, such as a file that is missing or a folder.
    """

    source: str
    line: int = 0
    column: int = 1

    def __str__(self) -> str:
        """Return the place the way editors and compilers write it."""
        if not self.line:
            return self.source
        return f"{self.source}:{self.line}:{self.column}"


COLUMN_BITS: Final = 26
"""An offset is ``line << COLUMN_BITS | column``, both counted from 0: one int instead of an object.

Wide enough for a file of the largest size that is all one line."""


def pack(position: Position) -> int:
    """Return a position as an offset."""
    return (position.line - 1) << COLUMN_BITS | (position.column - 1)


def unpack(source: str, offset: int) -> Position:
    """Return the position of an offset."""
    return Position(source, (offset >> COLUMN_BITS) + 1, (offset & ((1 << COLUMN_BITS) - 1)) + 1)


@dataclass(frozen=True, slots=True)
class SourceLine:
    """What is around a place in its line: as the file has it, without the ends of a long line.

    ``column`` is the place in ``text``, counted from 0.
    """

    text: str
    column: int
    is_cut_before: bool = False
    is_cut_after: bool = False


class Rule(StrEnum):
    """What a problem of files is about: words that programs may rely on, since they stay what they are."""

    UNREADABLE = "unreadable-input"
    SYNTAX = "syntax"
    DECLARED_TWICE = "declared-twice"
    MISSING = "missing-field"
    UNKNOWN = "unknown-field"
    READ_ONLY = "read-only-field"
    WRONG_TYPE = "wrong-type"
    WRONG_VALUE = "wrong-value"
    SCOPE = "wrong-scope"
    UNKNOWN_KIND = "unknown-kind"
    KIND = "wrong-kind-file"
    CONFIGURATION = "wrong-configuration"
    MORE = "more-problems"
    LOOKALIKE = "lookalike-name"
    EXPIRY = "near-expiry"
    SPELLING = "number-spelling"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; ``is_live`` marks a fault of one live object, which stops nothing else.

    ``line`` shows its place, where that was at hand, and ``rule`` says what it is about, for programs; what
    is wrong is the same without them.
    """

    message: str
    position: Position | None = None
    address: str = ""
    is_live: bool = False
    line: SourceLine | None = field(default=None, compare=False)
    rule: Rule = field(default=Rule.OTHER, compare=False)

    def __str__(self) -> str:
        """Return the problem on one line: ``FILE:LINE:COL: address: message``."""
        place = "" if self.position is None else str(self.position)
        return one_line(place, self.address, self.message)


def of_rule(problems: Iterable[Problem], rule: Rule) -> tuple[Problem, ...]:
    """Return problems as those of a rule, where they are not of one already."""
    return tuple(replace(one, rule=rule) if one.rule is Rule.OTHER else one for one in problems)
