"""Regular expressions that are compiled when they are first used.

A command uses few of those that its modules define, and to compile them all takes as long as an empty Python.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, AnyStr

if TYPE_CHECKING:
    from re import Pattern


class _Expression:
    """What stands for a compiled expression: it has the same methods, each from its first call on."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self._source, self._flags = source, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self._source, self._flags), name)
        setattr(self, name, found)
        return found


def expression(source: AnyStr, flags: int = 0) -> Pattern[AnyStr]:
    """Return what :func:`re.compile` returns, as far as it is called by its methods."""
    return _Expression(source, flags)  # type: ignore[return-value]  # it has all that is asked for
