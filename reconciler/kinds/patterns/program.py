"""Compile a parsed pattern to a nondeterministic automaton: states and transitions."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from reconciler.kinds.patterns.charsets import CharSet
from reconciler.kinds.patterns.syntax import Choice, Edge, Look, Node, PatternError, Repeat, Sequence
from reconciler.model.frozen import dataclass

MAX_STATES: Final = 10_000
"""States of one automaton: repetitions with bounds are written out."""
MAX_LOOKS: Final = 8
"""Looks ahead and behind in one pattern: one bit each."""


@dataclass(frozen=True, slots=True)
class Read:
    """A state that reads one character of a set."""

    chars: CharSet
    target: int


@dataclass(frozen=True, slots=True)
class Fork:
    """A state with several successors that reads nothing; without any, it is a dead end or the match."""

    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Guard:
    """A state that is passed only at some positions: at an edge, or if the bit of a look-around is set."""

    edge: str
    look: int
    negated: bool
    target: int


State = Read | Fork | Guard


class Direction(IntEnum):
    """The step in which a text is read: from its end for look-aheads, otherwise from its start."""

    FORWARDS = 1
    BACKWARDS = -1


@dataclass(frozen=True, slots=True)
class Program:
    """An automaton; state 0 is the match."""

    states: tuple[State, ...]
    start: int
    direction: Direction


def programs(node: Node) -> tuple[Program, ...]:
    """Return the automata of a pattern: those of its look-arounds, inner ones first, and its own as the last.

    The bit of a look-around is its index. Raises PatternError for a pattern that is too large.
    """
    found: list[Program] = []
    _Builder(found, Direction.FORWARDS).add(node)
    return tuple(found)


class _Builder:
    """Builds one automaton, from its end to its start."""

    def __init__(self, found: list[Program], direction: Direction) -> None:
        self._found = found
        self._direction = direction
        self._states: list[State] = [Fork(())]
        self._steps = 0

    def add(self, node: Node) -> int:
        """Append the automaton of ``node``, after those of its look-arounds, and return its index."""
        start = self._emit(node, 0)
        self._found.append(Program(tuple(self._states), start, self._direction))
        return len(self._found) - 1

    def _state(self, state: State) -> int:
        self._states.append(state)
        return len(self._states) - 1

    def _emit(self, node: Node, target: int) -> int:
        """Return the state that leads through ``node`` to ``target``."""
        self._steps += 1
        if self._steps > MAX_STATES:
            raise PatternError("too large when its repetitions are expanded; use minLength and maxLength")
        match node:
            case CharSet():
                return self._state(Read(node, target))
            case Sequence(items):
                for item in items[:: -self._direction]:
                    target = self._emit(item, target)
                return target
            case Choice(items):
                # Each target once: empty choices all lead to one, and following them is not counted.
                return self._state(Fork(tuple(dict.fromkeys(self._emit(item, target) for item in items))))
            case Repeat():
                return self._repeat(node, target)
            case Edge(sign):
                return self._state(Guard(sign, -1, negated=False, target=target))
            case Look():
                if len(self._found) >= MAX_LOOKS:
                    raise PatternError(
                        f"more than {MAX_LOOKS} lookaheads and lookbehinds, after repetitions are expanded"
                    )
                direction = Direction.BACKWARDS if node.is_ahead else Direction.FORWARDS
                bit = _Builder(self._found, direction).add(node.item)
                return self._state(Guard("", bit, node.negated, target))

    def _repeat(self, node: Repeat, target: int) -> int:
        if node.high is None:
            loop = self._state(Fork(()))
            self._states[loop] = Fork((self._emit(node.item, loop), target))
            target = loop
        else:
            end = target
            for _ in range(node.high - node.low):
                target = self._state(Fork((self._emit(node.item, target), end)))
        for _ in range(node.low):
            target = self._emit(node.item, target)
        return target
