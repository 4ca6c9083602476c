"""The one home of PyYAML: its event stream, its node trees, and its errors in our words.

libyaml's parser is used where PyYAML was built with it, else the pure one. Both give the same events,
but for rarities: the pure one refuses a tab after a colon, libyaml's an unknown directive.
"""

from __future__ import annotations

import functools
import importlib
import re
from itertools import repeat, starmap
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from reconciler.errors import InputError, Position, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    ParserFactory = Callable[[str], Any]

__all__ = [
    "AliasEvent",
    "DocumentStartEvent",
    "MappingEndEvent",
    "MappingStartEvent",
    "ScalarEvent",
    "SequenceEndEvent",
    "compose",
    "default_parser",
    "events",
    "find",
    "mark_position",
    "place",
    "pure_parser",
    "syntax_errors",
]

_MERGE_TAG: Final = "tag:yaml.org,2002:merge"
_NOT_YAML: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def default_parser() -> ParserFactory:
    """Give libyaml's parser, or the pure one where PyYAML was built without it."""
    if not yaml.__with_libyaml__:
        return pure_parser
    factory: ParserFactory = importlib.import_module("yaml.cyaml").CParser
    return factory


def _ended(text: str) -> str:
    """Return the text with a last line break, without which PyYAML takes away that of a block scalar."""
    return text if not text or text[-1] in "\r\n" else f"{text}\n"


def pure_parser(text: str) -> Any:
    """Make PyYAML's pure Python parser: slower, the same events."""
    return yaml.SafeLoader(text)


def events(text: str, parser: ParserFactory) -> Iterator[Any]:
    """Give the events of ``text``, and None for ever after the last.

    Reading on may raise what :func:`syntax_errors` translates.
    """
    return starmap(parser(_ended(text)).get_event, repeat(()))  # the cheapest way for two million


class syntax_errors:  # noqa: N801 - used like a function: `with syntax_errors(...)`
    """Turns PyYAML's errors into InputError, with the place in ``text``."""

    def __init__(self, text: str, source: str) -> None:
        """Take the text that is parsed, and its name."""
        self._text = text
        self._source = source

    def __enter__(self) -> None:
        """Begin to watch."""

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Translate an error of PyYAML; let every other one pass."""
        if isinstance(error, yaml.YAMLError):
            raise InputError([_problem(error, self._text, self._source)]) from error


@functools.lru_cache(maxsize=1)
def compose(text: str) -> tuple[yaml.Node, ...]:
    """Give the node tree of each document of ``text`` that is not empty, with the place of every node.

    Twice as slow as the events, so it is asked for only when a place is wanted. The text must have
    been built without an error before: that bounds the depth of the tree.
    """
    loader: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    return tuple(node for node in yaml.compose_all(_ended(text), loader) if not _is_empty(node))


def find(node: Any, path: tuple[str | int, ...]) -> tuple[Any, Any]:
    """Give the key node and the value node at ``path``, or those of the nearest parent that exists."""
    key = node
    for step in path:
        found = _child(node, step)
        if found is None:
            break
        key, node = found
    return key, node


def place(source: str, node: Any) -> Position:
    """Give the position of a node."""
    return Position(source, node.start_mark.line + 1, node.start_mark.column + 1)


def mark_position(source: str, mark: Any, text: str) -> Position:
    """Give the position of a mark of a parser, or the end of ``text`` if the mark lies behind it.

    The parsers differ in how far behind the end they see it; people look at the last line.
    """
    lines = text.rstrip("\r\n").splitlines() or [""]
    line, column = min((mark.line, mark.column), (len(lines) - 1, len(lines[-1])))
    return Position(source, line + 1, column + 1)


def _is_empty(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.start_mark.index == node.end_mark.index


def _child(node: Any, step: str | int) -> tuple[Any, Any] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    if not isinstance(node, yaml.MappingNode):
        return None
    # Neither recursive nor twice over one mapping: merges may form long chains and wide webs.
    waiting = [node]
    seen: set[int] = set()
    while waiting:
        mapping = waiting.pop()
        if id(mapping) in seen:
            continue
        seen.add(id(mapping))
        for key, value in mapping.value:
            if key.value == step:
                return key, value
        waiting.extend(reversed(_merged(mapping)))
    return None


def _merged(mapping: yaml.MappingNode) -> list[yaml.MappingNode]:
    """Give the mappings that a mapping merges, the first of which wins."""
    for key, value in mapping.value:
        if key.tag == _MERGE_TAG:
            return value.value if isinstance(value, yaml.SequenceNode) else [value]
    return []


def _problem(error: yaml.YAMLError, text: str, source: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return _character_problem(text, source)
    position = mark_position(source, mark, text)
    before = "".join(text.splitlines()[position.line - 1 : position.line])[: position.column]
    if "\t" in before[-1:] or "\t" in before[: len(before) - len(before.lstrip())]:
        return Problem("a tab cannot indent YAML; use spaces", position)
    if "Unicode" in str(getattr(error, "problem", "")):
        return Problem("an escape that stands for no character; write the character itself", position)
    what = getattr(error, "problem", None) or "the parser gives no reason"
    return Problem(f"not valid YAML: {what}; check the indentation, quotes and brackets here", position)


def _character_problem(text: str, source: str) -> Problem:
    found = _NOT_YAML.search(text)
    if found is None:
        return Problem("not valid YAML", Position(source))
    before = text[: found.start()]
    position = Position(source, before.count("\n") + 1, found.start() - (before.rfind("\n") + 1) + 1)
    code = f"U+{ord(found[0]):04X}"
    return Problem(f'the character {code} may not stand in YAML; write it as an escape in "…"', position)
