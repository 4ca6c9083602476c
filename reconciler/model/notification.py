"""A notification, before it is rendered in the markup of its receiver."""

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
    """A part of a line; its text may be untrusted and is neither escaped nor shortened yet."""

    text: str
    style: Style = Style.PLAIN


Line = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification of a team: a headline, one line per item, and the facts for programs.

    ``place`` is the address of the API. ``items`` holds the first of ``count`` items; ``advice`` follows the
    number of omitted items.
    """

    type: str
    at: dt.datetime
    place: str
    head: Line
    items: Sequence[Line]
    count: int
    data: Mapping[str, Any]
    advice: Line = ()
