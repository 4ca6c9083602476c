"""From inputs to documents, and the digest of the inputs."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

from reconciler.errors import ConfigurationError, InputError, os_reason
from reconciler.load.characters import BYTE_ORDER_MARK
from reconciler.load.json_input import json_document
from reconciler.load.plain import read_plainly
from reconciler.load.recognition import other_use
from reconciler.load.sources import CONFIGURATION, label_of, read, sources
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.later import Later
from reconciler.model.source import Position, Problem, Rule, of_rule
from reconciler.model.strict_json import parse_strictly

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.load import builder
    from reconciler.load.documents import Document
else:
    builder = Later("reconciler.load.builder")  # with the parser of YAML, which few files need

_CONFIGURATION: Final = expression(rf"(?s)(?:^|/){re.escape(CONFIGURATION)}(?:@.*)?$")
"""What a configuration is called, also one of a commit."""
_WIDE: Final = 4
"""Bytes of the widest character."""
_EMPTY: Final = (
    "declares nothing; a complete document is `{project_id: 1, region_id: 76, keys: []}`, with your ids"
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The documents of all inputs, and the problems of inputs that could not be used."""

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]


class Input(NamedTuple):
    """The content of an input, its name in problems, and whether it was named or found in a folder."""

    content: bytes
    label: str
    is_named: bool = False


def parse_content(file: Input) -> Loaded:
    """Build the documents of one input; its label is its name in problems."""
    content, label, is_named = file
    use = other_use(content, label)
    if use:
        return Loaded((), (Problem(use, Position(label)),))
    try:
        text = _text(content, label)
        document = json_document(text, label) or read_plainly(text, label)
        found, repeated = builder.parse_on(text, label) if document is None else ((document,), ())
    except InputError as error:
        return Loaded((), of_rule(error.problems, Rule.SYNTAX))
    if not found:
        empty = Problem(_EMPTY, Position(label), rule=Rule.MISSING)
        return Loaded((), (*of_rule(repeated, Rule.SYNTAX), empty))
    if not _is_configuration(label, found):
        return Loaded(found, of_rule(repeated, Rule.SYNTAX))
    silent = Problem(
        "is the configuration file, which declares no keys; pass the files of the desired state",
        Position(label),
    )
    return Loaded((), of_rule((*repeated, silent) if is_named else repeated, Rule.SYNTAX))


def _is_configuration(label: str, documents: Iterable[Document]) -> bool:
    """Return whether a file is the configuration file: it has that name, and declares no keys."""
    return _CONFIGURATION.search(label) is not None and not any(
        not isinstance(document.data, dict) or "keys" in document.data for document in documents
    )


def parse_single(content: bytes, label: str, what: str) -> Document:
    """Build the single document of a file that is no desired state; ``what`` describes it.

    Raises InputError.
    """
    text = _text(content, label)
    document = read_plainly(text, label)
    found = builder.parse(text, label) if document is None else (document,)
    if len(found) != 1:
        reason = f"holds several documents; {what} is one" if found else f"declares nothing; write {what}"
        raise InputError([Problem(reason, Position(label))])
    return found[0]


def inputs(paths: Sequence[str], standard_input: BinaryIO, problems: list[Problem]) -> Iterator[Input]:
    """Read every input in ``paths``, in the order of the arguments.

    A path is a file, a directory (every ``*.yaml`` and ``*.yml`` below it, sorted, without hidden ones and
    its folder of kinds) or ``-`` for ``standard_input``. An input that cannot be read is added to
    ``problems`` and does not hide the problems of the others.
    """
    for source in sources(paths, problems):
        try:
            yield Input(read(source, standard_input), label_of(source), source in paths)
        except InputError as error:
            problems.extend(error.problems)


class InputsDigest:
    """The digest of all inputs: equal files under equal names have equal digests."""

    def __init__(self) -> None:
        """Start without any input."""
        self._digest = hashlib.sha256()

    def add(self, content: bytes, label: str) -> None:
        """Add one input to the digest."""
        for part in (label.encode("utf-8", "surrogateescape"), content):
            self._digest.update(len(part).to_bytes(8))
            self._digest.update(part)

    def __str__(self) -> str:
        """Return ``sha256:`` and 64 hexadecimal digits."""
        return f"sha256:{self._digest.hexdigest()}"


def _text(content: bytes, source: str) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")
        position = Position(source, before.count(b"\n") + 1, len(line.lstrip(BYTE_ORDER_MARK)) + 1)
        byte = f"0x{content[error.start]:02x}"
        raise InputError([Problem(f"not UTF-8: byte {byte}; save the file as UTF-8", position)]) from error
    at = text.find("\0", 0, _WIDE)
    if at >= 0:  # ASCII in two or four bytes, without a mark, is UTF-8 too
        reason = "the character U+0000 is not allowed in YAML: this is UTF-16 or UTF-32"
        raise InputError([Problem(f"{reason}; save the file as UTF-8", Position(source, 1, at + 1))])
    return text.lstrip(BYTE_ORDER_MARK)


def read_description(file: str) -> Any:
    """Read the one document of a file in JSON or YAML. Raises InputError or ConfigurationError."""
    try:
        content = Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = os_reason(error)
        raise ConfigurationError(f"the description {file} cannot be read: {reason}") from error
    if content.lstrip()[:1] == b"{":
        try:
            return parse_strictly(content)
        except (ValueError, RecursionError):
            pass  # it may be YAML that begins with a brace; if not, its parser names the place
    return parse_single(content, file, "a description").data
