"""Positions in inputs, and problems found there."""

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

    Without a line it is the input as a unit, such as a missing file or a folder.
    """

    source: str
    line: int = 0
    column: int = 1

    def __str__(self) -> str:
        """Return the position in the format of editors and compilers, ``FILE:LINE:COL``."""
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
    """A source line around a position, with the ends of a long line removed.

    ``column`` is the index of the position in ``text``, counted from 0.
    """

    text: str
    column: int
    is_cut_before: bool = False
    is_cut_after: bool = False


class Rule(StrEnum):
    """The category of a problem in files: a stable word that programs may rely on."""

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
    """One problem; ``is_live`` marks a fault of one live object, which prevents nothing else.

    ``line`` is the source line, where it is available, and ``rule`` the category for programs; neither is
    part of its identity.
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
    """Return problems with ``rule`` as their category, unless they already have one."""
    return tuple(replace(one, rule=rule) if one.rule is Rule.OTHER else one for one in problems)
