"""Undelivered notifications in a history, for receivers that failed: a later run sends them too."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.frozen import dataclass
from reconciler.model.notification import Notification, Part, Style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.notification import Line
    from reconciler.service.history.database import Database

_READ: Final = "SELECT value FROM setting WHERE name = 'undelivered'"
_STORE: Final = (
    "INSERT INTO setting VALUES ('undelivered', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_CLEAR: Final = "DELETE FROM setting WHERE name = 'undelivered'"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that a receiver has not received; its identifier is the same for each attempt."""

    notification: Notification
    identifier: str


class Undelivered:
    """The undelivered messages, by receiver, oldest first. Every method raises HistoryError."""

    def __init__(self, database: Database) -> None:
        """Store the open database."""
        self._database = database

    def read(self) -> Mapping[str, tuple[Waiting, ...]]:
        """Return the undelivered messages; empty if another version stored them in an unknown form."""
        for (text,) in self._database.rows(_READ):
            try:
                return {name: tuple(map(_waiting, rows)) for name, rows in json.loads(text).items()}
            except (AttributeError, KeyError, TypeError, ValueError):
                break
        return {}

    def store(self, waiting: Mapping[str, Iterable[Waiting]]) -> None:
        """Replace the stored undelivered messages."""
        document = {name: list(map(_document, rows)) for name, rows in waiting.items()}
        with self._database.transaction() as connection:
            if any(document.values()):
                connection.execute(_STORE, (json.dumps(document),))
            else:
                connection.execute(_CLEAR)


def _document(waiting: Waiting) -> dict[str, Any]:
    one = waiting.notification
    return {
        "identifier": waiting.identifier,
        "type": one.type,
        "at": one.at.isoformat(),
        "place": one.place,
        "head": _spans(one.head),
        "items": list(map(_spans, one.items)),
        "count": one.count,
        "data": one.data,
        "advice": _spans(one.advice),
    }


def _waiting(shown: Mapping[str, Any]) -> Waiting:
    notification = Notification(
        shown["type"],
        dt.datetime.fromisoformat(shown["at"]),
        shown["place"],
        _line(shown["head"]),
        tuple(map(_line, shown["items"])),
        shown["count"],
        shown["data"],
        _line(shown["advice"]),
    )
    return Waiting(notification, shown["identifier"])


def _spans(line: Line) -> list[tuple[str, str]]:
    return [(part.text, part.style.value) for part in line]


def _line(spans: Iterable[tuple[str, str]]) -> Line:
    return tuple(Part(text, Style(style)) for text, style in spans)
