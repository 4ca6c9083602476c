"""The types of the values of options."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from reconciler.plan.limits import parse_limit
from reconciler.service.schedule import parse_duration

_LONGEST_TIMEOUT: Final = 86_400


class Seconds(click.FloatRange):
    """A timeout that a socket takes; a range alone lets NaN pass."""

    def __init__(self) -> None:
        super().__init__(0, _LONGEST_TIMEOUT, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the seconds, which are a number."""
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value} is not a number of seconds.", param, ctx)
        return seconds


class Parsed(click.ParamType[Any]):
    """A value that ``parse`` reads from its text, None where it cannot; ``advice`` says how it is written."""

    def __init__(self, name: str, parse: Callable[[str], Any], advice: str) -> None:
        self.name = name
        self._parse = parse
        self._advice = advice

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the text means."""
        parsed = self._parse(value) if isinstance(value, str) else value
        if parsed is None:
            self.fail(self._advice.format(repr(value)), param, ctx)
        return parsed


DURATION: Final = Parsed("duration", parse_duration, "invalid duration {}; use 30s, 15m, 6h or 1d.")
LIMIT: Final = Parsed("N|P%", parse_limit, "{} is neither a number of keys nor a percentage such as 30%.")


class ListType(click.ParamType[Any]):
    """The values of an option that may be repeated; its variable has one on each line.

    On a single line blanks are between values too, but only where ``is_value`` holds for each of the words: a
    value may have a blank itself.
    """

    name = "text"

    def __init__(self, is_value: Callable[[str], bool] = bool) -> None:
        self._is_value = is_value

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """Return the values in a variable."""
        if "\n" in rv:
            return _lines(rv)
        words = rv.split()
        return words if all(map(self._is_value, words)) else [rv]


class PathListType(click.Path):
    """Paths of an option that may be repeated: in its variable one on each line, or between colons."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """Return the paths in a variable."""
        return _lines(rv) if "\n" in rv else super().split_envvar_value(rv)


def _lines(text: str) -> list[str]:
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return [line for line in lines if line.strip()]
