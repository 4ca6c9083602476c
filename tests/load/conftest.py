"""Reading YAML with each of the two parsers: every test here applies to both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import InputError
from reconciler.load.builder import parse
from reconciler.load.parser import default_parser, pure_parser
from reconciler.model.source import Position

if TYPE_CHECKING:
    from reconciler.load.documents import Document
    from reconciler.load.parser import ParserFactory

SOURCE = "keys.yaml"


@dataclass(frozen=True, slots=True)
class Yaml:
    """Reads texts with one parser."""

    factory: ParserFactory

    def documents(self, text: str) -> tuple[Document, ...]:
        return parse(text, SOURCE, self.factory)

    def only(self, text: str) -> Document:
        (document,) = self.documents(text)
        return document

    def data(self, text: str) -> Any:
        return self.only(text).data

    def error(self, text: str) -> str:
        with pytest.raises(InputError) as caught:
            self.documents(text)
        return str(caught.value)


@pytest.fixture(params=[default_parser(), pure_parser], ids=["libyaml", "pure"])
def yaml(request: pytest.FixtureRequest) -> Yaml:
    return Yaml(request.param)


def at(line: int, column: int) -> Position:
    """Return the position in the text that is read."""
    return Position(SOURCE, line, column)
