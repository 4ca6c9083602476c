"""Checks of single values: JSON in, stored value out, or `InvalidValueError` with the complaints.

Patterns, lengths and types are those of the published schemas for keys, projects and regions.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from gcore_emulator.timestamps import parse_instant, parse_loose_instant

REQUIRED = "Field required"
SOURCES = ("cloud", "iate")
"""Who can have made a key: this API, or the vendor's inference product."""

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """One workload that a key opens: a container or a function."""

    name: str
    namespace: str

    def __str__(self) -> str:
        """Return ``namespace/name``."""
        return f"{self.namespace}/{self.name}"


REFERENCE_MEMBERS = frozenset({"name", "namespace"})
"""The members of a reference in the published schemas."""

Value = str | bool | dt.datetime | tuple[Reference, ...] | tuple[str, ...] | None
"""What a field of a stored key can hold."""

Parser = Callable[[object], Value]
Parsed = TypeVar("Parsed")


class InvalidValueError(Exception):
    """A value breaks its rule; ``complaints`` are texts for people."""

    def __init__(self, *complaints: str) -> None:
        """Store the complaints."""
        self.complaints = complaints
        super().__init__(*complaints)


def parse_text(value: object) -> str:
    """Accept any string."""
    if not isinstance(value, str):
        raise InvalidValueError("must be a string")
    return value


@dataclass(frozen=True, slots=True)
class NameRule:
    """A pattern for a complete text, and the lengths, in characters, that it does not limit."""

    pattern: str
    least: int = 0
    most: int | None = None

    def __call__(self, value: object) -> str:
        """Accept a string that follows the rule."""
        text = parse_text(value)
        if re.fullmatch(self.pattern, text) is None:
            raise InvalidValueError(f"must match ^{self.pattern}$")
        if len(text) < self.least or (self.most is not None and len(text) > self.most):
            most = "" if self.most is None else f" and at most {self.most}"
            raise InvalidValueError(f"must have at least {self.least}{most} characters")
        return text


def text_up_to(most: int) -> Callable[[object], str]:
    """Accept a string of at most ``most`` characters."""

    def parse(value: object) -> str:
        text = parse_text(value)
        if len(text) > most:
            raise InvalidValueError(f"must have at most {most} characters")
        return text

    return parse


def one_of(*words: str) -> Callable[[object], str]:
    """Accept one of these words."""

    def parse(value: object) -> str:
        if value not in words:
            raise InvalidValueError(f"must be one of {', '.join(words)}")
        return parse_text(value)

    return parse


def nullable(parse: Callable[[object], Parsed]) -> Callable[[object], Parsed | None]:
    """Accept null too."""
    return lambda value: None if value is None else parse(value)


def parse_flag(value: object) -> bool:
    """Accept true and false only: 0, 1 and words are refused."""
    if not isinstance(value, bool):
        raise InvalidValueError("must be a boolean")
    return value


def parse_number(value: object) -> int:
    """Accept an integer, which true and false are not."""
    if type(value) is not int:
        raise InvalidValueError("must be an integer")
    return value


def _parse_with(read: Callable[[str], dt.datetime], value: object) -> dt.datetime:
    try:
        return read(parse_text(value))
    except ValueError as error:
        raise InvalidValueError(str(error)) from error


def parse_date_time(value: object) -> dt.datetime:
    """Accept an RFC 3339 date-time, the ``format: date-time`` of the published schemas."""
    return _parse_with(parse_instant, value)


def parse_iso_instant(value: object) -> dt.datetime:
    """Accept an ISO 8601 date and time; without a zone it is in UTC."""
    return _parse_with(parse_loose_instant, value)


def texts(value: object) -> tuple[str, ...]:
    """Accept a list of strings."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidValueError("must be a list of strings")
    return tuple(value)


def parse_integer(text: str) -> int:
    """Accept a decimal integer of at most 18 digits, as written in a path or query."""
    if _INTEGER.fullmatch(text) is None:
        raise InvalidValueError("must be an integer")
    return int(text)


def parse_flag_text(text: str) -> bool:
    """Accept ``true`` and ``false`` in any letter case, as written in a query."""
    if text.lower() not in _FLAGS:
        raise InvalidValueError("must be true or false")
    return _FLAGS[text.lower()]


@dataclass(frozen=True, slots=True)
class ReferenceListRule:
    """The rules of the two members of each reference in a list."""

    name: Callable[[object], str]
    namespace: Callable[[object], str] = parse_text

    def __call__(self, value: object) -> tuple[Reference, ...]:
        """Accept a list of objects with both members; an empty list and repeats are fine."""
        if not isinstance(value, list):
            raise InvalidValueError("must be a list")
        complaints = [
            f"[{index}] {complaint}"
            for index, item in enumerate(value)
            for complaint in self._item_complaints(item)
        ]
        if complaints:
            raise InvalidValueError(*complaints)
        return tuple(Reference(item["name"], item["namespace"]) for item in value)

    def _item_complaints(self, item: object) -> list[str]:
        if not isinstance(item, dict):
            return ["must be an object"]
        complaints = []
        for member, parse in (("name", self.name), ("namespace", self.namespace)):
            try:
                if member not in item:
                    raise InvalidValueError(REQUIRED)  # noqa: TRY301 - reported with the other complaints
                parse(item[member])
            except InvalidValueError as error:
                complaints += [f"{member}: {complaint}" for complaint in error.complaints]
        return complaints
