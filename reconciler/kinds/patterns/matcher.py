"""Run automata over texts: one step per character, with cached states.

The set of states in which a nondeterministic automaton may be after some characters is one state of a
deterministic one. These are computed when a text first leads to them; after that, a character costs one
dictionary lookup.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from reconciler.kinds.patterns.charsets import WORD
from reconciler.kinds.patterns.program import Direction, Fork, Guard, Program, Read, programs
from reconciler.kinds.patterns.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BUDGET: Final = 2_000_000
_ALLOWANCE: Final = 8
_MAX_KEPT: Final = 500_000
_SHORT: Final = 64
"""Characters of a text that is too short to count."""
_KNOWN: Final = 1024
"""Short texts whose results are kept."""
_END: Final = ""
"""What is read behind the last character."""


class PatternLimitError(Exception):
    """Matching exceeds its budget: the pattern has too many states at once."""


class Budget:
    """The number of steps for building deterministic states, for several patterns together.

    Matching needs almost none, because states are cached. Steps are counted, not timed, so that the same text
    has the same result on every machine.
    """

    def __init__(self, steps: int = _BUDGET) -> None:
        """Start with ``steps``; each checked text adds a few for each of its characters."""
        self._most = steps
        self._left = steps

    def allow(self, length: int) -> None:
        """Add the steps that a text of this length may need."""
        self._left = min(self._most, self._left + _ALLOWANCE * (length + 1))

    def spend(self, steps: int) -> None:
        """Remove steps. Raises PatternLimitError if none are left."""
        self._left -= steps
        if self._left < 0:
            raise PatternLimitError("it needs too many steps")


class Pattern:
    """A compiled pattern of a schema.

    Raises PatternError if it is not an ECMA 262 pattern or is too large, PatternLimitError if it exceeds the
    rest of its budget.
    """

    def __init__(self, source: str, budget: Budget | None = None) -> None:
        """Parse a pattern, which uses ``budget`` whenever it is matched."""
        *looks, own = found = programs(parse(source))
        self._budget = budget or Budget()
        self._budget.spend(sum(len(program.states) for program in found))
        self._looks = [_Machine(program, self._budget) for program in looks]
        self._own = _Machine(own, self._budget)

    @functools.cached_property
    def is_in(self) -> Callable[[str], bool]:
        """Return a function that returns whether a text contains a match, or raises PatternLimitError."""
        if self._looks:
            return self._is_in_with_looks
        start, matched, allow = self._own.start(), self._own.matched, self._budget.allow

        def walk(text: str) -> bool:
            state = start
            for char in text:
                state = state[char]
            return state[_END] is matched

        known = functools.lru_cache(_KNOWN)(walk)  # of names of namespaces, say, there are few

        def is_in(text: str) -> bool:
            if len(text) <= _SHORT:
                return known(text)
            allow(len(text))
            return walk(text)

        return is_in

    def _is_in_with_looks(self, text: str) -> bool:
        self._budget.allow(len(text))
        bits = bytearray(len(text) + 1)
        for number, machine in enumerate(self._looks):
            for place in machine.ends(text, bits):
                bits[place] |= 1 << number
        return next(self._own.ends(text, bits), None) is not None


class Patterns:
    """The patterns of one schema: each is compiled once, and all use one budget."""

    def __init__(self) -> None:
        """Start without patterns."""
        self._budget = Budget()
        self._compiled: dict[str, Pattern] = {}

    def check(self, source: str) -> Callable[[str], bool]:
        """Return a function that checks texts against a pattern.

        Raises PatternLimitError if it is too large.
        """
        if source not in self._compiled:
            self._compiled[source] = Pattern(source, self._budget)
        return self._compiled[source].is_in


class _State(dict[str, "_State"]):
    """One deterministic state: the next state of each character, computed when it is first read.

    ``core`` are the states of the automaton before empty transitions are followed; ``before`` is the class of
    the last character: ``w`` for a word character, ``-`` for another, empty at the start. ``marked`` is the
    next state by character and the bits of the look-arounds before it.
    """

    __slots__ = ("before", "core", "machine", "marked")

    def __init__(self, machine: _Machine, core: frozenset[int], before: str) -> None:
        super().__init__()
        self.machine = machine
        self.core = core
        self.before = before
        self.marked: dict[tuple[str, int], tuple[bool, _State]] = {}

    def __missing__(self, char: str) -> _State:
        is_match, state = self.machine.step(self, char, 0)
        self[char] = found = self.machine.matched if is_match else state
        return found


class _Matched(_State):
    """The state after a match, which has no transitions."""

    def __missing__(self, _char: str) -> _State:
        return self


class _Machine:
    """The deterministic automaton of a program, as far as it is built."""

    def __init__(self, program: Program, budget: Budget) -> None:
        self._program = program
        self._budget = budget
        self._states: dict[tuple[frozenset[int], str], _State] = {}
        self._kept = 0
        self._uses_words = any(isinstance(s, Guard) and s.edge in {"b", "B"} for s in program.states)
        self.matched = _Matched(self, frozenset(), "")

    def start(self) -> _State:
        """Return the state before the first character."""
        return self._state(frozenset(), "")

    def ends(self, text: str, bits: bytearray) -> Iterator[int]:
        """Yield each index where a match ends, with the bits of the look-arounds at each index."""
        state, step = self.start(), self._program.direction
        for place, char in zip(range(len(text) + 1)[::step], (*text[::step], _END), strict=True):
            marks = bits[place]
            found = state.marked.get((char, marks))
            if found is None:
                found = state.marked[char, marks] = self.step(state, char, marks)
            is_match, state = found
            if is_match:
                yield place

    def step(self, state: _State, char: str, marks: int) -> tuple[bool, _State]:
        """Return whether a match ends here, and the state after ``char``."""
        reached = self._closure(state, char, marks)
        self._budget.spend(len(reached) + 1)
        self._kept += 1
        if char == _END:
            return 0 in reached, state
        reads = [found for found in map(self._program.states.__getitem__, reached) if isinstance(found, Read)]
        sets = {id(found.chars): found.chars for found in reads}  # what is repeated reads the same set
        holding = {key for key, chars in sets.items() if char in chars}
        core = frozenset(found.target for found in reads if id(found.chars) in holding)
        return 0 in reached, self._state(core, "w" if self._uses_words and char in WORD else "-")

    def _closure(self, state: _State, char: str, marks: int) -> set[int]:
        """Return all states reachable here without reading: from the state, and from a new start."""
        waiting = [*state.core, self._program.start]
        reached: set[int] = set()
        while waiting:
            number = waiting.pop()
            if number in reached:
                continue
            reached.add(number)
            found = self._program.states[number]
            if isinstance(found, Fork):
                waiting.extend(found.targets)
            elif isinstance(found, Guard) and self._is_open(found, state.before, char, marks):
                waiting.append(found.target)
        return reached

    def _is_open(self, guard: Guard, before: str, char: str, marks: int) -> bool:
        if guard.look >= 0:
            return bool(marks >> guard.look & 1) is not guard.negated
        if guard.edge in {"^", "$"}:
            at_first = (guard.edge == "^") is (self._program.direction is Direction.FORWARDS)
            return not before if at_first else char == _END
        is_edge = (before == "w") is not (char != _END and char in WORD)
        return is_edge is (guard.edge == "b")

    def _state(self, core: frozenset[int], before: str) -> _State:
        if self._kept > _MAX_KEPT:
            self._states = {}  # what is in use stays; all else is built again when it is needed
            self._kept = 0
        key = (core, before)
        if key not in self._states:
            self._kept += len(core)
            self._states[key] = _State(self, core, before)
        return self._states[key]
