"""Parse regular expressions of ECMA 262, with the unambiguous leniencies of its Annex B."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.kinds.patterns.charsets import ANY_BUT_BREAKS, CLASSES, LAST, CharSet, unicode_property, union
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    import re

MAX_LENGTH: Final = 4096
"""Characters of a pattern."""
MAX_DEPTH: Final = 50
"""Groups inside groups."""
MAX_REPEAT: Final = 10_000
"""Largest count of a repetition."""
_QUANTIFIER: Final = expression(r"\*|\+|\?|\{([0-9]+)(?:(,)([0-9]*))?\}")
_NAME: Final = expression(r"<[A-Za-z_$][A-Za-z0-9_$]*>")
_CONTROLS: Final = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_HEX: Final = expression(r"u\{([0-9A-Fa-f]{1,8})\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})")
_PAIR: Final = expression(r"u([dD][89a-bA-B][0-9A-Fa-f]{2})\\u([dD][c-fC-F][0-9A-Fa-f]{2})")
_PROPERTY: Final = expression(r"([pP])\{([A-Za-z_=]{1,64})\}")
_CONTROL: Final = expression(r"c([A-Za-z])")
_GROUPS: Final = (("?:", ""), ("?=", "ahead"), ("?!", "not ahead"), ("?<=", "behind"), ("?<!", "not behind"))
_ADVICE: Final = {"A": "write ^", "Z": "write $", "z": "write $", "k": "it cannot be matched in linear time"}
_TOO_OFTEN: Final = f"repeats more often than {MAX_REPEAT:,} times; use maxLength"


class PatternError(ValueError):
    """A text that is not a pattern of ECMA 262, or cannot be matched in linear time."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """Patterns one after the other; none at all matches the empty text."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of several patterns."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A pattern ``low`` to ``high`` times; None is any number of times."""

    item: Node
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Edge:
    """A position between characters: ``^``, ``$``, ``b`` or ``B``."""

    sign: str


@dataclass(frozen=True, slots=True)
class Look:
    """A look-around: a pattern that must match, or must not, before or after a position."""

    item: Node
    is_ahead: bool
    negated: bool


Node = Sequence | Choice | Repeat | Edge | Look | CharSet
_END: Final = Edge("$")


def parse(source: str) -> Node:
    """Parse a pattern. Raises PatternError."""
    if len(source) > MAX_LENGTH:
        raise PatternError(f"longer than {MAX_LENGTH:,} characters")
    return _Parser(source).pattern()


def _needs_more(item: Node) -> bool:
    """Return whether this forbids a character ahead, which is needless at the end of a text."""
    return isinstance(item, Look) and item.is_ahead and item.negated and isinstance(item.item, CharSet)


class _Parser:
    """A recursive descent parser of one pattern, limited to ``MAX_DEPTH``."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._names: set[str] = set()

    def pattern(self) -> Node:
        """Parse the complete pattern."""
        node = self._choice(0)
        if self._at < len(self._source):
            raise self._error('")" without a matching "("')
        return node

    def _error(self, what: str) -> PatternError:
        return PatternError(f"{what} (character {self._at + 1})")

    def _take(self, text: str) -> bool:
        """Move behind ``text`` if it is next."""
        found = self._source.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        """Move behind what matches here, if anything does."""
        found = expression.match(self._source, self._at)
        self._at = self._at if found is None else found.end()
        return found

    def _next(self, length: int = 1) -> str:
        return self._source[self._at : self._at + length]

    def _choice(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} groups inside each other")
        items = [self._sequence(depth)]
        while self._take("|"):
            items.append(self._sequence(depth))
        return Choice(tuple(items)) if len(items) > 1 else items[0]

    def _sequence(self, depth: int) -> Node:
        items: list[Node] = []
        while self._next() not in {"", "|", ")"}:
            item = self._repeated(self._term(depth))
            if items[-1:] != [_END] or not _needs_more(item):
                items.append(item)
        return Sequence(tuple(items)) if len(items) != 1 else items[0]

    def _repeated(self, item: Node) -> Node:
        found = _QUANTIFIER.match(self._source, self._at)
        if found is None:
            return item
        if isinstance(item, Edge) or (isinstance(item, Look) and not item.is_ahead):
            raise self._error("nothing to repeat")
        if any(len(digits or "") > len(str(MAX_REPEAT)) for digits in found.group(1, 3)):
            raise self._error(_TOO_OFTEN)
        low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(found[0], (int(found[1] or 0), None))
        if found[1]:
            high = low if not found[2] else int(found[3]) if found[3] else None
        if high is not None and high < low:
            raise self._error("the bounds of a repetition are out of order")
        if max(low, high or 0) > MAX_REPEAT:
            raise self._error(_TOO_OFTEN)
        self._at = found.end()
        self._take("?")  # reluctance decides what a match holds, not whether there is one
        return Repeat(item, low, high)

    def _term(self, depth: int) -> Node:
        if _QUANTIFIER.match(self._source, self._at):
            raise self._error("nothing to repeat")
        char = self._next()
        self._at += 1
        match char:
            case "^" | "$":
                return Edge(char)
            case "(":
                return self._group(depth)
            case ".":
                return ANY_BUT_BREAKS
            case "[":
                return self._set()
            case "\\" if self._next() in {"b", "B"}:
                self._at += 1
                return Edge(self._source[self._at - 1])
            case _:
                return union([self._escape() if char == "\\" else char])

    def _group(self, depth: int) -> Node:
        sort = next((sort for start, sort in _GROUPS if self._take(start)), None)
        if sort is None and self._take("?"):
            name = self._match(_NAME)
            if name is None:
                raise self._error(f'"(?{self._next()}" is not a group of ECMA 262')
            if name[0] in self._names:
                raise self._error(f"two groups have the name {name[0]}")
            self._names.add(name[0])
        inner = self._choice(depth + 1)
        if not self._take(")"):
            raise self._error('a group is not closed; add ")"')
        if not sort:
            return Sequence((inner,))
        return Look(inner, is_ahead=sort.endswith("ahead"), negated=sort.startswith("not"))

    def _set(self) -> Node:
        negated = self._take("^")
        members: list[str | CharSet] = []
        while not self._take("]"):
            low = self._member()
            if self._next() != "-" or self._next(2) == "-]":
                members.append(low)
                continue
            self._at += 1
            high = self._member()
            if isinstance(low, CharSet) or isinstance(high, CharSet):
                members += [low, "-", high]  # as Annex B has it: a hyphen beside a class is itself
            elif low > high:
                raise self._error("the bounds of a range are out of order")
            else:
                members.append(CharSet(((ord(low), ord(high)),)))
        return replace(union(members), negated=negated)

    def _member(self) -> str | CharSet:
        if self._at >= len(self._source):
            raise self._error('a set of characters is not closed; add "]"')
        if self._take("\\"):
            return "\b" if self._take("b") else "-" if self._take("-") else self._escape()
        self._at += 1
        return self._source[self._at - 1]

    def _escape(self) -> str | CharSet:
        """Parse what follows a backslash: a character, or a class of them."""
        char = self._next()
        if not char:
            raise self._error("it ends with a backslash")
        if char in "pP":
            return self._property()
        if char in "ux":
            return self._code_point()
        if found := self._match(_CONTROL):
            return chr(ord(found[1]) % 32)
        if char.isdecimal() and (char != "0" or self._next(2)[1:].isdecimal()):
            raise self._error("a reference to a group cannot be matched in linear time")
        part = CLASSES.get(char.lower())
        if char.isalpha() and char not in _CONTROLS and part is None:
            advice = _ADVICE.get(char, "write the character itself")
            raise self._error(f"\\{char} is not an escape of ECMA 262; {advice}")
        self._at += 1
        if part is not None:
            return replace(part, negated=char.isupper())
        return "\0" if char == "0" else _CONTROLS.get(char, char)

    def _property(self) -> CharSet:
        found = _PROPERTY.match(self._source, self._at)
        part = None if found is None else unicode_property(found[2])
        if found is None or part is None:
            raise self._error("only general categories such as \\p{L} are supported")
        self._at = found.end()
        return replace(part, negated=found[1] == "P")

    def _code_point(self) -> str:
        if pair := self._match(_PAIR):
            return bytes.fromhex(pair[1] + pair[2]).decode("utf-16-be")
        found = _HEX.match(self._source, self._at)
        code = 0 if found is None else int(found[1] or found[2] or found[3], 16)
        if found is None or code > LAST:
            raise self._error("an escape that is not a Unicode character")
        self._at = found.end()
        return chr(code)
