"""PyYAML's two parsers: their event streams, and their errors as problems.

libyaml's parser is used where PyYAML was built with it, else the pure Python one. Both yield the same events,
with rare exceptions: the pure one refuses a tab after a colon, libyaml's an unknown directive. libyaml
supports only letters, digits, hyphens and underscores in anchors; a text with others is read by the pure one.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from itertools import repeat, starmap
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.events import ScalarEvent

from reconciler.errors import InputError
from reconciler.load.characters import CharacterError, Prepared, line_start, lines_of, prepared
from reconciler.model.expressions import expression
from reconciler.model.source import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    ParserFactory = Callable[[str], Any]

_NAME_ENDS: Final = "\0 \t\r\n,[]{}"
_OTHER_NAME: Final = expression(r"[&*][0-9A-Za-z_-]*[^\s,\[\]{}0-9A-Za-z_-]", re.ASCII)
_NAMED: Final = expression(r"(?:![^ \t\r\n]*[ \t\r\n]+)?[&*]([^ \t\r\n,\[\]{}]+)")
_SURROGATE: Final = expression("[\ud800-\udfff]")
_NO_CHARACTER: Final = "invalid Unicode character escape code"
_OURS: Final = "characters: "
"""What a problem of ours begins with, among those of the parsers."""
MAX_PURE: Final = 2**20
"""Characters of a text that the pure parser reads although there is libyaml, in a few seconds."""
_NOT_YAML: Final = expression("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def default_parser() -> ParserFactory:
    """Return libyaml's parser, or the pure one where PyYAML was built without it."""
    with_c = yaml.__with_libyaml__
    return yaml.cyaml.CParser if with_c else pure_parser  # type: ignore[attr-defined]  # the stubs leave it out


def _ended(text: str) -> str:
    """Return the text with a final line break, without which PyYAML removes that of a block scalar."""
    return text if not text or text[-1] in "\r\n" else f"{text}\n"


class _PureLoader(yaml.SafeLoader):
    """PyYAML's pure Python loader, with the anchors and escapes of YAML 1.2."""

    def scan_anchor(self, TokenClass: Any) -> Any:  # noqa: N803 - PyYAML names it so
        """Read an anchor or alias up to a blank, a line break or a bracket."""
        start = self.get_mark()
        self.forward()
        length = 0
        while self.peek(length) not in _NAME_ENDS:
            length += 1
        if not length:
            raise yaml.scanner.ScannerError(None, None, "expected a name after & or *", self.get_mark())
        name = self.prefix(length)
        self.forward(length)
        return TokenClass(name, start, self.get_mark())

    def scan_flow_scalar_non_spaces(self, double: bool, start_mark: Any) -> Any:  # noqa: FBT001 - PyYAML's
        """Read a part of a quoted scalar; refuse escapes that are not characters, as libyaml does."""
        try:
            chunks: list[str] = super().scan_flow_scalar_non_spaces(double, start_mark)
        except (ValueError, OverflowError) as error:
            raise yaml.scanner.ScannerError(None, None, _NO_CHARACTER, self.get_mark()) from error
        if any(not chunk.isascii() and _SURROGATE.search(chunk) for chunk in chunks):
            raise yaml.scanner.ScannerError(None, None, _NO_CHARACTER, self.get_mark())
        return chunks


def pure_parser(text: str) -> Any:
    """Return PyYAML's pure Python parser: slower, the same events."""
    return _PureLoader(text)


def suited_parser(text: str) -> ParserFactory:
    """Return the fastest parser that reads every anchor of ``text`` as YAML 1.2 does."""
    default = default_parser()
    if default is pure_parser or ("&" not in text and "*" not in text) or not _OTHER_NAME.search(text):
        return default
    try:
        with syntax_errors(text, ""):
            misread = [
                event for event in iter(events(text, default).__next__, None) if _is_misread(text, event)
            ]
    except InputError:
        return pure_parser if len(text) <= MAX_PURE else default
    if misread and len(text) > MAX_PURE:  # only a text that can be read to its end is understood
        raise CharacterError(
            "the names of anchors hold other characters than letters, digits, - and _, which is slow to read "
            f"in more than {MAX_PURE // 1024:,} KiB; rename them"
        )
    return pure_parser if misread else default


def _is_misread(text: str, event: Any) -> bool:
    """Return whether libyaml ended the anchor or alias of an event before its end."""
    name = getattr(event, "anchor", None)
    found = _NAMED.match(text, event.start_mark.index)
    return name is not None and (found is None or found[1] != name)


def events(text: str, parser: ParserFactory) -> Iterator[Any]:
    """Return the events of ``text``, and None for ever after the last.

    Iteration may raise the errors that :func:`syntax_errors` translates.
    """
    others = prepared(text)
    if others is None:
        return starmap(parser(_ended(text)).get_event, repeat(()))  # the cheapest way for two million
    return _restored(starmap(parser(_ended(others.text)).get_event, repeat(())), others)


def _restored(found: Iterator[Any], others: Prepared) -> Iterator[Any]:
    """Yield events with the original characters of the text."""
    for event in found:
        if event.__class__ is ScalarEvent:
            try:
                event.value = others.restored(event.value, event.style)
            except CharacterError as error:
                mark: Any = event.start_mark
                raise yaml.MarkedYAMLError(problem=f"{_OURS}{error}", problem_mark=mark) from error
        if getattr(event, "anchor", None):
            event.anchor = others.restored(event.anchor, "'")
        yield event


@contextmanager
def syntax_errors(text: str, source: str) -> Iterator[None]:
    """Turn PyYAML's errors about ``text`` into InputError, with their positions."""
    try:
        yield
    except yaml.YAMLError as error:
        raise InputError([_problem(error, text, source)]) from error


def mark_position(source: str, mark: Any, text: str) -> Position:
    """Return the position of a parser's mark, or the end of ``text`` if the mark is behind it.

    The parsers differ in how far behind the end the mark is; users look at the last line.
    """
    end = len(text.rstrip("\r\n"))
    last = text.count("\n", 0, end) + text.count("\r", 0, end) - text.count("\r\n", 0, end)
    line, column = min((mark.line, mark.column), (last, end - line_start(text, end)))
    return Position(source, line + 1, column + 1)


def _problem(error: yaml.YAMLError, text: str, source: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return _character_problem(text, source)
    position = mark_position(source, mark, text)
    problem = str(getattr(error, "problem", ""))
    if problem.startswith(_OURS):
        return Problem(problem.removeprefix(_OURS), position)
    before = text[line_start(text, mark.index) :][: position.column]
    if "\t" in before[-1:] or "\t" in before[: len(before) - len(before.lstrip())]:
        return Problem("a tab cannot indent YAML; use spaces", position)
    if "<document start>" in problem and position.column == 1:
        advice = "a document begins here without ---; write --- on a line before it"
        return Problem(f"not valid YAML: {advice}", position)
    if "Unicode" in problem:
        return Problem("an escape that is not a Unicode character; write the character itself", position)
    what = getattr(error, "problem", None) or "the parser reports no reason"
    return Problem(f"not valid YAML: {what}; check the indentation, quotes and brackets here", position)


def _character_problem(text: str, source: str) -> Problem:
    found = _NOT_YAML.search(text)
    if found is None:
        return Problem("not valid YAML", Position(source))
    before = lines_of(text[: found.start()])
    position = Position(source, len(before), len(before[-1]) + 1)
    code = f"U+{ord(found[0]):04X}"
    return Problem(f'the character {code} is not allowed in YAML; write it as an escape in "…"', position)
