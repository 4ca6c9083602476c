"""Build strict YAML 1.2 documents from the events of a parser.

PyYAML's own loaders follow YAML 1.1, where ``no`` is a boolean and ``010`` is eight, accept duplicate keys
silently, and spend most of their time on nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.errors import InputError
from reconciler.load import parser
from reconciler.load.characters import BYTE_ORDER_MARK, CharacterError
from reconciler.load.documents import Document
from reconciler.load.scalars import CONSTANTS, DIGITS, NUMBER_START, resolve
from reconciler.model.phrases import MANY_MORE
from reconciler.model.source import COLUMN_BITS, Position, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_DEPTH: Final = 64
"""Levels of nesting: a desired-state file needs six."""
MAX_DOCUMENTS: Final = 10_000
"""Documents of one file, empty ones too."""
MAX_ALIASED_NODES: Final = 100_000
"""Nodes of the aliases of one file, after expansion."""

_MOST_REPEATED: Final = 1000
"""Keys of one file that are reported as written twice."""
_OUTER_LIST_DEPTH: Final = 2
"""Depth of a list that is a value of the document's mapping, as the list of keys is."""
_DOCUMENT_DEPTH: Final = 1
"""Depth of the document's mapping itself."""
_STARTS: Final = frozenset({MappingStartEvent, SequenceStartEvent})
_ENDS: Final = frozenset({MappingEndEvent, SequenceEndEvent})
_TAG_PREFIX: Final = "tag:yaml.org,2002:"
_OWN_TAGS: Final = {ScalarEvent: "str", MappingStartEvent: "map", SequenceStartEvent: "seq"}


def parse(text: str, source: str, factory: parser.ParserFactory | None = None) -> tuple[Document, ...]:
    """Build every document of ``text``; empty documents are left out.

    ``factory`` makes the parser; by default the fastest one installed. Raises InputError with every duplicate
    key, and the first other violation of strict YAML.
    """
    documents, repeated = parse_on(text, source, factory)
    if repeated:
        raise InputError(repeated)
    return documents


def parse_on(
    text: str, source: str, factory: parser.ParserFactory | None = None
) -> tuple[tuple[Document, ...], Sequence[Problem]]:
    """Build every document as :func:`parse` does, and return duplicate keys as problems.

    The last value of a duplicate key is used, so that other problems can be found too. Raises InputError with
    these problems and the first other violation of strict YAML.
    """
    text = text.lstrip(BYTE_ORDER_MARK)
    repeated: list[Problem] = []
    try:
        with parser.syntax_errors(text, source):
            if factory is None or factory is parser.default_parser():
                factory = parser.suited_parser(text)
            return tuple(_Builder(text, source, factory, repeated).documents()), repeated
    except CharacterError as error:
        raise InputError([*repeated, Problem(str(error), Position(source))]) from error
    except InputError as error:
        if not repeated:
            raise
        raise InputError([*repeated, *error.problems]) from error


class _Builder:
    """Builds documents from events. One instance per text.

    The two container methods are recursive, which ``MAX_DEPTH`` makes safe, and unrolled for speed: they run
    once per mapping or sequence and their loops once per node.
    """

    def __init__(
        self, text: str, source: str, factory: parser.ParserFactory, repeated: list[Problem]
    ) -> None:
        self._events = parser.events(text, factory)
        self._text = text
        self._repeated = repeated
        self._names: dict[str, str] = {}  # one text for all equal keys: a fifth of the memory of a large plan
        # Without these characters no event has an anchor or a tag, and none is a merge.
        self._is_decorated = any(mark in text for mark in "&!<")
        self._source = source
        self._aliased_nodes = 0
        self._reset()

    def _reset(self) -> None:
        self._items: dict[int, list[int]] = {}
        self._places: dict[str, int] = {}
        self._anchors: dict[str, Any] = {}
        self._open_anchors: set[str] = set()
        self._measures: dict[int, tuple[int, int]] = {}
        self._has_whole_floats = False

    def documents(self) -> Iterator[Document]:
        """Build each document in turn."""
        index = 0
        starts = (
            event for event in iter(self._events.__next__, None) if event.__class__ is DocumentStartEvent
        )
        for count, event in enumerate(starts, 1):
            if count > MAX_DOCUMENTS:
                self._refuse(event, f"more than {MAX_DOCUMENTS:,} documents in this file; split it")
            self._reset()
            first = next(self._events)
            data = self._value(first, 0)
            if data is not None or first.start_mark.index != first.end_mark.index:
                has_floats = self._has_whole_floats
                yield Document(self._source, self._text, index, data, self._items, self._places, has_floats)
                index += 1

    def _mapping(self, depth: int) -> dict[str, Any]:  # noqa: C901, PLR0912 - spelled out for speed
        events, scalar, is_decorated = self._events, ScalarEvent, self._is_decorated
        one_text = self._names.setdefault
        result: dict[str, Any] = {}
        merged: list[dict[str, Any]] | None = None
        for event in events:
            if event.__class__ is not scalar:
                if event.__class__ is MappingEndEvent:
                    break
                self._refuse(event, "a mapping key must be plain text")
            key = one_text(event.value, event.value)
            if is_decorated:
                if event.anchor is not None or event.tag is not None:
                    self._value(event, depth)
                if key == "<<" and event.implicit[0]:
                    if merged is not None:
                        self._refuse(event, 'duplicate key "<<"; write it once, with a list of aliases')
                    merged = self._merge_sources(depth)
                    continue
            if key in result:
                self._repeat(event, key)
            event = next(events)  # noqa: PLW2901 - a key and its value are two events of one stream
            is_plain = event.__class__ is scalar and not (
                is_decorated and (event.anchor is not None or event.tag is not None)
            )
            if not is_plain:
                is_defaults = depth == _DOCUMENT_DEPTH and key == "defaults"
                result[key] = self._defaults(event, depth) if is_defaults else self._value(event, depth)
                continue
            value = event.value
            if value in CONSTANTS:
                if event.implicit[0]:
                    value = CONSTANTS[value]
            elif value[0] in NUMBER_START and value[-1] in DIGITS:
                value = self._scalar(event)
            result[key] = value
        for source in merged or ():
            for key, value in source.items():
                result.setdefault(key, value)
        return result

    def _defaults(self, event: Any, depth: int) -> Any:
        """Build the value of ``defaults``, and record the position of each member for inherited fields."""
        outer = self._events
        self._events = self._watched(outer)
        value = self._value(event, depth)
        self._events = outer
        return value

    def _watched(self, events: Iterator[Any]) -> Iterator[Any]:
        """Yield the events inside a mapping, and record the position of each of its values."""
        level, name = 0, ""
        is_value = False
        for event in events:
            kind = event.__class__
            if level == 0 and is_value:
                mark = event.start_mark
                self._places[name] = mark.line << COLUMN_BITS | mark.column
            elif level == 0:
                name = event.value if kind is ScalarEvent else ""
            is_value ^= level == 0
            level += (kind in _STARTS) - (kind in _ENDS)
            yield event

    def _sequence(self, depth: int) -> list[Any]:
        result: list[Any] = []
        places: list[int] = []
        is_outer = depth == _OUTER_LIST_DEPTH
        is_decorated = self._is_decorated
        for event in self._events:
            kind = event.__class__
            if kind is SequenceEndEvent:
                break
            if is_outer:
                mark = event.start_mark
                places.append(mark.line << COLUMN_BITS | mark.column)
            is_plain = kind is MappingStartEvent and not (
                is_decorated and (event.anchor is not None or event.tag is not None)
            )
            if is_plain and depth < MAX_DEPTH:
                result.append(self._mapping(depth + 1))
            else:
                result.append(self._value(event, depth))
        if is_outer:
            self._items[id(result)] = places
        return result

    def _value(self, event: Any, depth: int) -> Any:
        kind = event.__class__
        if kind is AliasEvent:
            return self._alias(event, depth)
        anchor, tag = event.anchor, event.tag
        if anchor is not None:
            if anchor in self._anchors or anchor in self._open_anchors:
                self._refuse(event, f"duplicate anchor &{anchor} in this document")
            self._open_anchors.add(anchor)
        if kind is not ScalarEvent and depth >= MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels")
        if tag is not None and tag not in {"!", _TAG_PREFIX + _OWN_TAGS[kind]}:
            written = tag.replace(_TAG_PREFIX, "!!")
            self._refuse(event, f"the tag {written} is not supported; write the value without it")
        if kind is ScalarEvent:
            value = self._scalar(event)
        else:
            value = self._mapping(depth + 1) if kind is MappingStartEvent else self._sequence(depth + 1)
        if anchor is not None:
            self._open_anchors.discard(anchor)
            self._anchors[anchor] = value
        return value

    def _scalar(self, event: Any) -> Any:
        if not event.implicit[0] or event.tag is not None:
            return event.value
        value = resolve(event.value)
        if isinstance(value, float) and value.is_integer():
            self._has_whole_floats = True
        return value

    def _alias(self, event: Any, depth: int) -> Any:
        name = event.anchor
        if name in self._open_anchors:
            self._refuse(event, f"the alias *{name} is inside its own anchor")
        if name not in self._anchors:
            self._refuse(event, f"the alias *{name} has no anchor &{name} before it in this document")
        value = self._anchors[name]
        nodes, height = self._measure(value)
        self._aliased_nodes += nodes
        if self._aliased_nodes > MAX_ALIASED_NODES:
            self._refuse(event, f"aliases stand for more than {MAX_ALIASED_NODES:,} nodes in this file")
        if depth + height > MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels through the alias *{name}")
        return value

    def _measure(self, value: Any) -> tuple[int, int]:
        """Count the nodes and levels of ``value`` with its aliases expanded, each container once."""
        if not isinstance(value, dict | list):
            return 1, 0
        known = self._measures.get(id(value))
        if known is None:
            children = value.values() if isinstance(value, dict) else value
            measures = [self._measure(child) for child in children]
            nodes = 1 + sum(nodes for nodes, _ in measures)
            known = nodes, 1 + max((height for _, height in measures), default=0)
            self._measures[id(value)] = known
        return known

    def _merge_sources(self, depth: int) -> list[dict[str, Any]]:
        event = next(self._events)
        value = self._value(event, depth)
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            self._refuse(event, "the key << takes an alias of a mapping, or a list of such aliases")
        return sources

    def _repeat(self, event: Any, key: str) -> None:
        if len(self._repeated) >= _MOST_REPEATED:
            self._refuse(event, MANY_MORE)
        self._repeated.append(self._problem(event, f'duplicate key "{key}"'))

    def _refuse(self, event: Any, message: str) -> NoReturn:
        raise InputError([self._problem(event, message)])

    def _problem(self, event: Any, message: str) -> Problem:
        return Problem(message, parser.mark_position(self._source, event.start_mark, self._text))
