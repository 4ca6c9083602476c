"""A notification, before it is written in the markup of whoever receives it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence


class Style(StrEnum):
    """How a part of a line looks."""

    PLAIN = "plain"
    CODE = "code"
    BOLD = "bold"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a line, whose text may be anybody's: it is neither escaped nor shortened yet."""

    text: str
    style: Style = Style.PLAIN


Line = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Notification:
    """What a team is notified of: a headline, one line for each item, and the facts for programs.

    ``place`` is the address of the API. Of ``count`` items the first are in ``items``; ``advice`` follows the
    number of those that are not shown.
    """

    type: str
    at: dt.datetime
    place: str
    head: Line
    items: Sequence[Line]
    count: int
    data: Mapping[str, Any]
    advice: Line = ()
