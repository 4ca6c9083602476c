"""Checks of single values: JSON in, stored value out, or `InvalidValueError` with the complaints.

Patterns and types are those of the published schemas for container keys.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.emulator.timestamps import parse_moment

REQUIRED = "Field required"

NAME = re.compile(r"[a-z][-a-z0-9]{0,62}[a-z0-9]")
"""Key names in a create body, and container names."""

PATH_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.-]+[a-zA-Z0-9]")
"""Key names in a path: three characters at least, although bodies take two."""

SHORT_PATH_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.-]*[a-zA-Z0-9]")
"""The same with two characters let through."""

_INTEGER = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True, slots=True, order=True)
class Container:
    """One container that a key opens."""

    name: str
    namespace: str

    def __str__(self) -> str:
        """Give ``namespace/name``."""
        return f"{self.namespace}/{self.name}"


Value = str | bool | dt.datetime | tuple[Container, ...] | None
"""What a field of a stored key can hold."""

Parser = Callable[[object], Value]


class InvalidValueError(Exception):
    """A value breaks its rule; ``complaints`` are texts for people."""

    def __init__(self, *complaints: str) -> None:
        """Keep the complaints."""
        self.complaints = complaints
        super().__init__(*complaints)


def parse_text(value: object) -> str:
    """Accept any string."""
    if not isinstance(value, str):
        raise InvalidValueError("must be a string")
    return value


def parse_flag(value: object) -> bool:
    """Accept true and false only: 0, 1 and words are refused."""
    if not isinstance(value, bool):
        raise InvalidValueError("must be a boolean")
    return value


def parse_expiry(value: object) -> dt.datetime:
    """Accept an RFC 3339 date-time."""
    try:
        return parse_moment(parse_text(value))
    except ValueError as error:
        raise InvalidValueError(str(error)) from error


def parse_name(value: object, pattern: re.Pattern[str] = NAME) -> str:
    """Accept a string that matches the whole ``pattern``."""
    text = parse_text(value)
    if pattern.fullmatch(text) is None:
        raise InvalidValueError(f"must match ^{pattern.pattern}$")
    return text


def parse_integer(text: str) -> int:
    """Accept a decimal integer of at most 18 digits, as written in a path or query."""
    if _INTEGER.fullmatch(text) is None:
        raise InvalidValueError("must be an integer")
    return int(text)


_CONTAINER_MEMBERS: tuple[tuple[str, Callable[[object], str]], ...] = (
    ("name", parse_name),
    ("namespace", parse_text),
)


CONTAINER_MEMBERS = frozenset(member for member, _ in _CONTAINER_MEMBERS)
"""The members that the published schema gives a container."""


def _container_complaints(item: object) -> list[str]:
    if not isinstance(item, dict):
        return ["must be an object"]
    complaints = []
    for member, parse in _CONTAINER_MEMBERS:
        try:
            if member not in item:
                raise InvalidValueError(REQUIRED)  # noqa: TRY301 - told together with the other complaints
            parse(item[member])
        except InvalidValueError as error:
            complaints += [f"{member}: {complaint}" for complaint in error.complaints]
    return complaints


def parse_containers(value: object) -> tuple[Container, ...]:
    """Accept a list of objects with a name and a namespace; an empty list and repeats are fine."""
    if not isinstance(value, list):
        raise InvalidValueError("must be a list")
    complaints = [
        f"[{index}] {complaint}"
        for index, item in enumerate(value)
        for complaint in _container_complaints(item)
    ]
    if complaints:
        raise InvalidValueError(*complaints)
    return tuple(Container(item["name"], item["namespace"]) for item in value)
